"""Who may pass while a breaker is half open, and what their results make of it."""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import Literal

from harness.frozen import Abstract, Frozen
from harness.policy.counting import FAILED, Told

Verdict = Literal["opens", "closes", "again"] | None
"""What the trials' results so far do: open it for a whole wait, close it, or have the next call try
again at once; None leaves it half open."""


class Trials(Frozen, metaclass=Abstract):
    """Who may pass while half open, and what closes or opens a breaker then."""

    @abstractmethod
    def verdict(self, results: tuple[Told, ...]) -> Verdict:
        """Of the trials' results so far (whether each failed)."""

    @property
    @abstractmethod
    def says(self) -> str:
        """What closes it, in words: `one trial`."""

    # What most of them have in common

    def room(self, under_way: int, results: tuple[Told, ...]) -> bool:
        """Whether one more may pass, of how many are under way and what is in so far: one at a
        time.
        """
        return under_way < 1

    def may_pass(self, under_way: int, results: tuple[Told, ...]) -> bool:
        """Whether one more is no more than was declared, though others would have no room: nobody
        is beyond whom there is room for.
        """
        return self.room(under_way, results)

    @property
    def needed(self) -> bool:
        """Whether it closes by trials only; else it is closed as soon as its wait is over."""
        return True


class EachAlone(Trials):
    """Each trial is judged alone: a failure opens it again, so many successes close it."""

    at_once: float = 1
    """How many may be under way at once; infinite for everybody."""
    successes: int = 1

    def room(self, under_way: int, results: tuple[Told, ...]) -> bool:
        """Never more than may be under way, nor than could matter."""
        most = max(self.at_once, self.successes)
        return under_way < self.at_once and under_way + len(results) < most

    def may_pass(self, under_way: int, results: tuple[Told, ...]) -> bool:
        """Some count those under way only (home-grown ones), others all since it was half open
        (gobreaker).
        """
        return under_way < self.at_once

    def verdict(self, results: tuple[Told, ...]) -> Verdict:
        """The first failure opens it; enough successes close it."""
        if any(results):
            return "opens"
        return "closes" if len(results) >= self.successes else None

    @property
    def says(self) -> str:
        """`one trial`, `3 trials at once, 2 successes`."""
        who = "everybody" if math.isinf(self.at_once) else _trials(int(self.at_once))
        return who if self.successes == 1 else f"{who}, {self.successes} successes"


class ByShare(Trials):
    """So many trials are judged together, by the share of failures among them."""

    trials: int
    share: float
    """Over 0, up to 1: failures by trials, at which it opens again."""

    def room(self, under_way: int, results: tuple[Told, ...]) -> bool:
        """So many in all, at once or not."""
        return under_way + len(results) < self.trials

    def verdict(self, results: tuple[Told, ...]) -> Verdict:
        """Nothing before all of them are in."""
        if len(results) < self.trials:
            return None
        failed = sum(one & FAILED for one in results)
        return "opens" if failed >= self.share * len(results) - 1e-9 else "closes"

    @property
    def says(self) -> str:
        """`10 trials at once, judged together: 50% failures open it again`."""
        return f"{_trials(self.trials)}, judged together: {self.share:.0%} failures open it again"


class Nobody(Trials):
    """No trials: when its wait is over all come back, and its rule begins anew (Envoy's)."""

    def room(self, under_way: int, results: tuple[Told, ...]) -> bool:
        """Everybody passes."""
        return True

    def verdict(self, results: tuple[Told, ...]) -> Verdict:
        """Nothing hangs on results."""
        return None

    @property
    def needed(self) -> bool:
        """It closes by itself."""
        return False

    @property
    def says(self) -> str:
        """`no trial`."""
        return "no trial"


class Credulous(Trials):
    """One trial at a time, and any result closes it: nobody's intent, but a known mistake."""

    def verdict(self, results: tuple[Told, ...]) -> Verdict:
        """The first closes it."""
        return "closes" if results else None

    @property
    def says(self) -> str:
        """`one trial, however it ends`."""
        return "one trial, however it ends"


class Oblivious(Trials):
    """One trial at a time, and a failed one is as if it had not been: a known mistake, too."""

    def verdict(self, results: tuple[Told, ...]) -> Verdict:
        """A success closes it."""
        return None if not results else "again" if results[-1] else "closes"

    @property
    def says(self) -> str:
        """`one trial after the other until one succeeds`."""
        return "one trial after the other until one succeeds"


class CountsAgain(Trials):
    """One trial at a time, and so many failed ones open it again: a known mistake, too."""

    failures: int

    def verdict(self, results: tuple[Told, ...]) -> Verdict:
        """A success closes it."""
        if results and not results[-1]:
            return "closes"
        return "opens" if len(results) >= self.failures else None

    @property
    def says(self) -> str:
        """`one trial after the other until one succeeds or 5 have failed`."""
        return f"one trial after the other until one succeeds or {self.failures} have failed"


def _trials(number: int) -> str:
    return "one trial" if number == 1 else f"{number} trials at once"


EVERYBODY = EachAlone(at_once=math.inf)
"""Everybody passes until one result is in."""

NOBODY = Nobody()
"""It closes when its wait is over."""
