"""Instants worth aiming at: when a breaker is likely to open, probe and be well again.

Rough arithmetic, for drawing only: nothing is judged by it.
"""

from __future__ import annotations

import heapq

from harness.policy.rules import Rule
from harness.policy.settings import ServiceSettings


def trip_s(own: ServiceSettings, *, rate_per_s: float, start_s: float, attempt_s: float) -> float:
    """When all breakers are open if every attempt fails after `attempt_s`, from `start_s` on."""
    ends: list[float] = []
    requests = own.enough + 1
    for number in range(requests):
        at_s = start_s + number / rate_per_s
        for attempt in range(1, own.attempts + 1):
            at_s += attempt_s
            heapq.heappush(ends, at_s)
            at_s += own.backoff_s(attempt)
    found = start_s
    for _ in range(own.enough):
        found = heapq.heappop(ends)
    return found


def step_up(seconds: float) -> float:
    """The next half second, so that drawn instants are easy to read."""
    return -(-seconds * 2 // 1) / 2


_SELDOM = range(2, 9)
_LONG = 60
"""So many results are enough to see whether a rule ever opens."""
_PAUSES_S = (2.0, 4.0, 8.0, 15.0, 30.0, 60.0, 120.0)


def seldom(rule: Rule) -> int | None:
    """How seldom results may fail, one in so many, without ever opening it; None if any do."""
    for one_in in _SELDOM:
        told = [(float(at), at % one_in == 0) for at in range(_LONG)]
        if not _opens(rule, told):
            return one_in
    return None


def forgets_s(rule: Rule) -> float | None:
    """After how long a rule surely knows nothing more of failures that came one short of opening
    it, and of a success after them; None if it never forgets, or opens at the first.
    """
    few = rule.failures - 1
    if not few:
        return None
    burst = [(0.0, True)] * few + [(0.0, False)]
    kept = [*burst, (_PAUSES_S[0] / 2, True)]
    for pause_s in _PAUSES_S:
        later = [(pause_s + at_s, failed) for at_s, failed in burst]
        if not _opens(rule, [*burst, *later]):
            return pause_s if _opens(rule, kept) else None
    return None


def forgets_by_itself(rule: Rule) -> bool:
    """Whether failures are forgotten in time without a success after them, which might be the
    result with which there are enough of them (`ShareOfSeconds.may_open`).
    """
    few = rule.failures - 1
    burst = [(0.0, True)] * few
    later = [(_PAUSES_S[-1], True)] * few
    return few > 0 and not _opens(rule, [*burst, *later])


def _opens(rule: Rule, told: list[tuple[float, bool]]) -> bool:
    """Whether results at these instants (whether each failed) ever open it."""
    state = rule.begin
    for at_s, failed in told:
        state = rule.after(state, failed, at_s)
        if rule.opens(state):
            return True
    return False
