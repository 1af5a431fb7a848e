"""What an attempt is to a breaker: a success, a failure or nothing, by how it ended.

Attempts end in one of these ways: `answer`, `refusal` (4xx), `limit` (429), `error` (5xx),
`nonsense` (an answer that isn't what was agreed), `silence` (the deadline), `refused` (no
connection), `hang-up` (closed without an answer), `broken` (an answer that can't be read to its
end); more exactly by its status, `503`, or by whatever else tells endings apart.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from enum import Enum
from typing import Literal

from harness.frozen import Frozen


class Result(Enum):
    """What an attempt is to a breaker."""

    SUCCESS = "success"
    FAILURE = "failure"
    NEUTRAL = "neutral"
    SLOW = "slow"
    """A success that took too long, where such have a share of their own."""
    SLOW_FAILURE = "slow failure"
    """A failure that did."""


Counted = Result | None
"""What an attempt is to a breaker; None stands for one that isn't counted."""


Unknown = Literal["unknown"]
"""What an attempt is of which nobody knows that: any of them, and its call may go on after it."""

Told = int
"""What rules and trials hear of a result: whether it failed; where slow ones have a share of their
own, `FAILED`, `SLOW`, both or neither.
"""
FAILED, SLOW = 1, 2
_TOLD: dict[Counted, Told] = {
    Result.SUCCESS: 0,
    Result.FAILURE: FAILED,
    Result.SLOW: SLOW,
    Result.SLOW_FAILURE: FAILED | SLOW,
}
_APART = {Result.SUCCESS: Result.SLOW, Result.FAILURE: Result.SLOW_FAILURE}


def told(result: Counted) -> Told | None:
    """What rules and trials hear of a result; None where it counts for nothing."""
    return _TOLD.get(result)


class Counting(Frozen, kw_only=True):
    """What counts as what, where that isn't plain: 500 and more and no whole answer are failures,
    429 is neutral, all else is a success.
    """

    by_call: bool = False
    """Whether a call counts once, with its last attempt, rather than each of its attempts."""
    otherwise: tuple[tuple[str, Counted | Unknown], ...] = ()
    """Endings, and what each is instead; the most exact of an attempt's wins."""
    slow_s: float = math.inf
    """How long a success may take and still be one."""
    apart: bool = False
    """Whether slow ones, failures among them, are counted by themselves instead."""

    @property
    def unknown(self) -> frozenset[str]:
        """The endings of which nobody knows what they are."""
        return frozenset(ending for ending, instead in self.otherwise if instead == "unknown")

    def counted(self, result: Result, took_s: float, endings: Iterable[str]) -> Counted:
        """What an attempt is whose result would plainly be this one; `endings`: all names of how it
        ended, the broadest first.
        """
        slow = took_s > self.slow_s
        if slow and not self.apart and result is Result.SUCCESS:
            return Result.FAILURE
        counted: Counted = result
        if self.otherwise:
            otherwise = dict(self.otherwise)
            for ending in endings:
                instead = otherwise.get(ending, counted)
                counted = counted if instead == "unknown" else instead
        return _APART.get(counted, counted) if slow and self.apart and counted else counted


def endings_of(status: int) -> tuple[str, str]:
    """How an attempt ends that is answered so: broadly, and by its status."""
    broadly = {Result.NEUTRAL: "limit", Result.FAILURE: "error"}.get(plainly(status))
    return broadly or ("refusal" if status >= 400 else "answer"), str(status)


def plainly(status: int | None) -> Result:
    """What an answer with a status is, or one that didn't come or can't be read (None)."""
    if status is None or status >= 500:
        return Result.FAILURE
    return Result.NEUTRAL if status == 429 else Result.SUCCESS
