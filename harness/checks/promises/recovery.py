"""The promise of recovery: soon after the last lift everybody is served as if nothing had been.

After the last lift an attempt from before it may fail until T has passed; the breaker which that
trips probes W later, with the first request that comes then.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from harness.checks.promises.answers import slowest
from harness.checks.promises.facts import Facts, Offered
from harness.checks.promises.violation import Violation
from harness.contracts.promises import RECOVERS, given_up
from harness.history.requests import Request
from harness.policy.scopes import EachWorker
from harness.policy.waits import EITHER_S


def back_to_normal(facts: Facts) -> Iterator[Violation]:
    """All is well from T + W + one request interval + 0.25 s after the last lift on."""
    if not facts.scenario.faults:
        return
    waits = [
        facts.settings(name).timeout_s + _longest_wait_s(facts, name)
        for name in facts.faulted
        if name in facts.upstreams
    ]
    lifted_s = facts.scenario.last_lift_s
    well_s = lifted_s + max(waits, default=0.0) + EITHER_S
    turned_away: Counter[str] = Counter()
    for request in facts.requests:
        slack_s = facts.slack_s(lifted_s, request.at_s)
        if request.at_s <= well_s + slack_s or request.unanswered:
            continue
        offered = facts.offered(request)
        wrong = _unwell(request, offered)
        if wrong is None:
            continue
        stream = request.stream
        turned_away[stream] += 1
        excused = sum(_probing(facts, name) for name in facts.faulted)
        if not facts.alone(request, 0.3) and turned_away[stream] <= _in_bursts(
            facts, request, excused
        ):
            continue  # another request may have been the probe
        says = f"{wrong}, {request.at_s - lifted_s:.0f} s after the last fault was lifted"
        claims = facts.claims(RECOVERS)
        about = _not_promised(facts, claims) or slowest(facts, offered)
        yield Violation.of(request, "back to normal", about, claims, says)
        return


def _not_promised(facts: Facts, claims: Sequence[str]) -> str | None:
    """A faulted upstream that needn't be back so soon: it may be what others still wait for."""
    without = facts.history.run.without
    at = (name for name in facts.faulted if given_up(without, name).issuperset(claims))
    return next(at, None)


def _longest_wait_s(facts: Facts, upstream: str) -> float:
    """The longest that it stays open in this play: it may wait longer each time in turn."""
    wait = facts.settings(upstream).breaker.wait
    if wait.wait_s(2) == wait.wait_s(1):
        return wait.wait_s(1) + wait.later_s
    changes = facts.wire(upstream).changes.main
    opened = sum(change.kind == "open" for change in changes)
    return wait.wait_s(max(1, opened)) + wait.later_s


def _probing(facts: Facts, upstream: str) -> int:
    """How many breakers of an upstream may probe, one after the other."""
    scope = facts.settings(upstream).scope
    return (scope.number or len(facts.requests)) if isinstance(scope, EachWorker) else 1


def _in_bursts(facts: Facts, request: Request, instants: int) -> int:
    """How many requests of a stream may lose to probes: those of so many instants."""
    own = Counter(round(r.planned_s, 2) for r in facts.requests if r.stream == request.stream)
    return max(own.values(), default=1) * instants


def _unwell(request: Request, offered: Offered) -> str | None:
    if request.status == 429:
        return None
    if request.status != offered.healthy:
        return f"was answered {request.status}"
    for name, value in offered.shown.items():
        if request.field(name) is not value:
            return f"didn't say {name}: {str(value).lower()}"
    return None
