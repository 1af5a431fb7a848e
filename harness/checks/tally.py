"""Holds many requests against one requirement, and says in one line how many met it.

Three-valued: a request may comply, violate, or leave it unclear (its answer was kept in part only,
or the machine was too busy). One that had no time for its answer before the run ended is left out,
and said so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum

from harness.checks.wording import examples, label, numbers, several_streams
from harness.frozen import Frozen
from harness.history.requests import Request
from harness.units import plural
from harness.verdict import Finding, Verdict

_MOST_EXAMPLES = 5
_MOST_VALUES = 3


class Outcome(Enum):
    """What one request says of one requirement."""

    COMPLIES = "complies"
    VIOLATES = "violates"
    UNCLEAR = "unclear"
    """It would violate, but too little of its answer was kept."""
    NOISE = "noise"
    """It violates, and the machine was measured to be so late that this may be why."""
    NO_TIME = "no time"
    """The run ended before its answer was due."""


class Requirement(Frozen, kw_only=True):
    """One aspect of an expectation, as it applies to each request."""

    name: str
    """Of the finding."""
    expected: str
    judge: Callable[[Request], Outcome]
    show: Callable[[Request], str]
    """What was observed of one request, in a word or two."""
    sum_up: Callable[[Sequence[Request]], str] | None = None
    """What was observed of all complying requests together, where `show` differs for each."""
    excess_s: Callable[[Request], float | None] | None = None
    """By how much a violating request took too long; None where it is not that it took long."""
    share: float = 1.0
    """The share of requests that must comply."""
    allowed: int | None = None
    """How many may violate it all the same, where that is a number and no share."""
    timeless: Callable[[Request], bool] = lambda request: False
    """Whether a violating request makes its finding so (`Finding.timeless`)."""


class Tally(Frozen, kw_only=True):
    """Requests sorted by what they say of a requirement."""

    requirement: Requirement
    complying: tuple[Request, ...]
    violating: tuple[Request, ...]
    unclear: tuple[Request, ...]
    noisy: tuple[Request, ...]
    left_out: tuple[Request, ...]

    @property
    def total(self) -> int:
        """How many requests count."""
        return sum(map(len, (self.complying, self.violating, self.unclear, self.noisy)))

    @property
    def verdict(self) -> Verdict:
        """Passed or failed where the unclear ones can't change it, else inconclusive."""
        if self.total == 0:
            return Verdict.INCONCLUSIVE
        if self._enough(self.complying):
            return Verdict.PASSED
        possible = self._enough(self.complying, self.unclear, self.noisy)
        return Verdict.INCONCLUSIVE if possible else Verdict.FAILED

    @property
    def for_noise(self) -> bool:
        """Whether it is inconclusive, and would not be had all noisy requests complied."""
        return self.verdict is Verdict.INCONCLUSIVE and bool(
            self.noisy and self._enough(self.complying, self.noisy)
        )

    def _enough(self, *groups: Sequence[Request]) -> bool:
        if self.requirement.allowed is not None:
            return self.total - sum(map(len, groups)) <= self.requirement.allowed
        return sum(map(len, groups)) >= self.requirement.share * self.total - 1e-9

    @property
    def observed(self) -> str:
        """What was seen, that first which decides."""
        if self.total == 0:
            return "no request was answered in time to tell" if self.left_out else "no request"
        parts = []
        if self.complying and self.verdict is Verdict.PASSED:
            parts.append(self._complying())
        if self.violating:
            parts.append(self._grouped(self.violating))
        if self.unclear:
            parts.append(f"{self._grouped(self.unclear)} (too little of it was kept)")
        if self.noisy:
            parts.append(f"{self._grouped(self.noisy)} (this machine was too busy to tell)")
        return "; ".join(parts)

    def _complying(self) -> str:
        share = f"{len(self.complying)} of {plural(self.total, 'request')}"
        which = f"({numbers(self.complying)})"
        if self.requirement.sum_up is not None:
            return f"{self.requirement.sum_up(self.complying)} for {share} {which}"
        values = _by_value(self.complying, self.requirement.show)
        if len(values) == 1:
            return f"{next(iter(values))} for {share} {which}"
        words = [f"{value} for {len(those)}" for value, those in values.items()]
        return f"{', '.join(words[:_MOST_VALUES])} of {plural(self.total, 'request')} {which}"

    def _grouped(self, requests: Sequence[Request]) -> str:
        if self.requirement.sum_up is not None:
            several = several_streams(requests)
            shown = [
                f"{label(r, several=several)} {self.requirement.show(r)}"
                for r in requests[:_MOST_VALUES]
            ]
            more = len(requests) - len(shown)
            tail = f" and {more} more" if more else ""
            return f"{len(requests)} of {self.total}: {', '.join(shown)}{tail}"
        values = _by_value(requests, self.requirement.show)
        groups = sorted(values.items(), key=lambda item: -len(item[1]))
        words = [
            f"{value} for {len(those)} of {self.total}: {examples(those)}"
            for value, those in groups[:_MOST_VALUES]
        ]
        return "; ".join([*words, "and others"] if len(groups) > _MOST_VALUES else words)

    def finding(self, *, evidence: str, busy: str) -> Finding:
        """The finding; how many were left out is said with the evidence, and `busy` if it matters:
        what was measured of a busy machine.
        """
        if self.left_out:
            evidence += f"; {left_out(self.left_out)}"
        if self.noisy:
            evidence += f"; {busy}"
        decide = self.violating or (*self.noisy, *self.unclear) or self.complying
        return Finding(
            name=self.requirement.name,
            verdict=self.verdict,
            expected=self.requirement.expected,
            observed=self.observed,
            evidence=evidence,
            examples=tuple(request.id for request in decide[:_MOST_EXAMPLES]),
            requests=tuple(request.id for request in decide),
            timeless=any(map(self.requirement.timeless, self.violating)),
            noise=self.for_noise,
        )


def left_out(requests: Sequence[Request]) -> str:
    """Requests that tell nothing, and why."""
    left = any(request.hung_up_s is not None for request in requests)
    ended = any(request.hung_up_s is None for request in requests)
    ends = ["the run ended"] * ended + ["their clients hung up"] * left
    return (
        f"{plural(len(requests), 'request')} left out that had no time for an answer before "
        f"{' or '.join(ends)} ({numbers(requests)})"
    )


def tally(requirement: Requirement, requests: Sequence[Request]) -> Tally:
    """Hold each request against a requirement."""
    found: dict[Outcome, list[Request]] = {outcome: [] for outcome in Outcome}
    for request in requests:
        found[requirement.judge(request)].append(request)
    return Tally(
        requirement=requirement,
        complying=tuple(found[Outcome.COMPLIES]),
        violating=tuple(found[Outcome.VIOLATES]),
        unclear=tuple(found[Outcome.UNCLEAR]),
        noisy=tuple(found[Outcome.NOISE]),
        left_out=tuple(found[Outcome.NO_TIME]),
    )


def _by_value(
    requests: Sequence[Request], show: Callable[[Request], str]
) -> dict[str, list[Request]]:
    values: dict[str, list[Request]] = {}
    for request in requests:
        values.setdefault(show(request), []).append(request)
    return values
