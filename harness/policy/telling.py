"""Results that lie at the border of what policies do: what tells a rule from another, and what
closes a breaker from what opens it again.

For who chooses what to play; what was played is judged by `harness.wire`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product
from typing import Any, NamedTuple

from harness.frozen import Frozen
from harness.policy.rules import Rule
from harness.policy.settings import ServiceSettings
from harness.policy.trials import Trials

Results = Sequence[tuple[float, bool]]
"""Results in their order: when each came, and whether it was a failure."""
_SLACK_S = 0.35
"""As much as instants may be off, and windows be seen coarsely."""
_MOST_TRIALS = 20
_BEFORE_S = -1.0
"""A success of the warm-up came then,"""
_AT_MOST_S = (-3.0, _BEFORE_S, -0.1)
"""or a little earlier or later: in a window of seconds it may have left in between."""


class Allowed(Frozen):
    """What a breaker by a rule may make of results, warmed up by a success or not."""

    opens: frozenset[int]
    """By which of them, by their numbers from 0, it may open that has not opened before."""
    latest: int | None
    """By which it has surely opened; None if it need not."""

    def refuted(self, opened: int | None) -> int | None:
        """By which result one that opened there (None: nowhere) is surely none of these; None if
        it may be.
        """
        if opened is None or (self.latest is not None and opened > self.latest):
            return self.latest
        return None if opened in self.opens else opened


def allowed(rule: Rule, told: Results) -> Allowed:
    """What a rule allows."""
    warmed_up = (rule.after(rule.begin, False, at_s) for at_s in _AT_MOST_S)
    readings: list[Any] = [rule.begin, *warmed_up]
    opens: set[int] = set()
    for number, (at_s, failed) in enumerate(told):
        closed: list[Any] = []
        for reading in readings:
            for seen in rule.possible(reading, failed, at_s, 0):
                may = rule.may_open(seen, _SLACK_S)
                closed += [seen] if False in may else []
                opens |= {number} if True in may else set()
        readings = list(dict.fromkeys(closed))
        if not readings:
            return Allowed(frozenset(opens), number)
    return Allowed(frozenset(opens), None)


def opens_at(rule: Rule, told: Results, *, warmed_up: bool = True) -> int | None:
    """By which result a breaker by a rule opens; None by none. `warmed_up`: by a success."""
    state = rule.after(rule.begin, False, _BEFORE_S) if warmed_up else rule.begin
    for number, (at_s, failed) in enumerate(told):
        state = rule.after(state, failed, at_s)
        if rule.opens(state):
            return number
    return None


def closing(trials: Trials) -> int | None:
    """How many trials in turn close a breaker that all succeed; None where none are needed."""
    if not trials.needed:
        return None
    counts = range(1, _MOST_TRIALS + 1)
    return next((one for one in counts if trials.verdict((False,) * one) == "closes"), None)


def borders(trials: Trials) -> tuple[tuple[bool, ...], ...]:
    """Results of several trials (whether each failed), where one failure more or less changes what
    becomes of it: failures first, and last.
    """
    number = closing(trials) or 0
    ends = [_verdict(trials, _some(failures, number)) for failures in range(number + 1)]
    at = {f for f in range(number) if ends[f] != ends[f + 1]}
    found = [_some(f, number) for f in sorted(at | {f + 1 for f in at})]
    both = (one for results in found for one in (results, results[::-1]))
    return tuple(dict.fromkeys(_decided(trials, one) for one in both)) if number > 1 else ()


def _some(failures: int, number: int) -> tuple[bool, ...]:
    return (True,) * failures + (False,) * (number - failures)


def _decided(trials: Trials, results: tuple[bool, ...]) -> tuple[bool, ...]:
    """As many of them as it takes."""
    counts = range(1, len(results) + 1)
    enough = (one for one in counts if trials.verdict(results[:one]) is not None)
    return results[: next(enough, len(results))]


def _verdict(trials: Trials, results: tuple[bool, ...]) -> str | None:
    return trials.verdict(_decided(trials, results))


def at_once(trials: Trials) -> int:
    """How many may be under way at once before any result is in; no more than a few dozen."""
    counts = range(_MOST_TRIALS)
    return next((one for one in counts if not trials.room(one, ())), _MOST_TRIALS)


class Diluted(NamedTuple):
    """Failures, results of another kind, and failures again."""

    before: int
    between: int
    after: int


def diluting(rule: Rule, each: int = 1) -> Diluted | None:
    """Failures that open a breaker where what lies between them counts for nothing, and don't where
    it is successes; None if there are none. `each`: so many of the first come together.
    """
    far = rule.reach[0] or rule.failures
    befores = [few for few in range(rule.failures - 1, 0, -1) if few % each == 0]
    betweens = (1, far, 4 * far)
    for before, between, after in product(befores, betweens, range(1, rule.failures)):
        down, again = [(0.0, True)] * before, [(0.1, True)] * after
        neutral = allowed(rule, [*down, *again])
        opens = neutral.latest is not None and min(neutral.opens, default=0) >= before
        successes = [*down, *[(0.05, False)] * between, *again]
        if opens and opens_at(rule, successes) is None:
            return Diluted(before, between, after)
    return None


def moved_by_answers(own: ServiceSettings) -> bool:
    """Whether a breaker may open by an answer of less than 500: a slow one, one that is declared a
    failure, or the success with which there are enough results.
    """
    rule = own.breaker.opens
    state = rule.begin
    for _ in range(rule.failures - 1):
        state = rule.after(state, True, 0.0)
    by_success = True in rule.may_open(rule.after(state, False, 0.0), _SLACK_S)
    return by_success or bool(own.counting.otherwise) or math.isfinite(own.counting.slow_s)
