"""Why the arithmetic can't tell what an upstream's breaker does, where it can't.

It hangs on a draw, on what is nobody's promise, or on who calls the upstream, which isn't known.
"""

from __future__ import annotations

from collections.abc import Sequence

from harness.contract.forecast import APART_S, TOGETHER_S
from harness.contract.outcomes import Outcomes
from harness.policy.breaker import Breaker
from harness.policy.rules import failures_in_words
from harness.policy.scopes import EachWorker
from harness.policy.settings import ServiceSettings
from harness.scenario.model import Scenario
from harness.units import format_duration


def untold(
    upstream: str,
    scenario: Scenario,
    settings: ServiceSettings,
    strangers: Sequence[str],
    played: Sequence[Outcomes],
) -> str:
    """Why nothing is known of an upstream, in words; empty where the contract tells.

    `strangers`: the streams whose requests are none of the contract's routes; `played`: the runs.
    """
    if drawn := _decided_by_chance(upstream, scenario, settings.timeout_s):
        return drawn
    unknown = settings.breaker.opens.untold
    if unknown and any(upstream in fault.upstreams for fault in scenario.faults):
        return unknown
    if drawn := _drawn(upstream, scenario, [o.of(upstream).breaker for o in played]):
        return drawn
    if any(upstream in outcomes.abandoned for outcomes in played):
        return "clients hang up: whether a request is worked on then isn't in the contract"
    if isinstance(settings.scope, EachWorker):
        if unshared := _unshared(upstream, settings, settings.scope, played):
            return unshared
    elif any(outcomes.tripped(upstream) > 1 for outcomes in played):
        return "breakers of several of its routes open, and which is meant isn't said"
    if asking := _asking_for_patience(upstream, scenario, played):
        return asking
    known = any(outcomes.of(upstream).asked for outcomes in played)
    if known or not strangers:
        return ""
    named = ", ".join(f"`{name}` ({scenario.traffic[name].request})" for name in strangers)
    return f"which upstreams {named} calls isn't in the contract: a run learns it"


def _unshared(
    upstream: str, settings: ServiceSettings, scope: EachWorker, played: Sequence[Outcomes]
) -> str:
    """Why nothing is known of the breakers of an upstream that each worker has one for."""
    least = failures_in_words(settings.failures)
    if scope.number is None and any(outcomes.tripped(upstream) for outcomes in played):
        return f"how many workers there are isn't said: none opens before {least}"
    if any(outcomes.mixed(upstream, settings.failures) for outcomes in played):
        return "some calls succeed before any breaker opens, and whose they are isn't known"
    return ""


def _decided_by_chance(upstream: str, scenario: Scenario, timeout_s: float) -> str:
    """Whether a drawn delay may or may not be longer than an attempt's deadline."""
    for fault in scenario.faults:
        if upstream in fault.upstreams and fault.more_than is not None:
            return "how many calls are under way at once, the arithmetic doesn't count"
        if upstream in fault.upstreams and fault.chancy_s is not None:
            least_s, most_s = fault.chancy_s
            if least_s < timeout_s <= most_s + TOGETHER_S:
                bounds = f"{format_duration(least_s)} to {format_duration(most_s)}"
                return f"its delay is drawn from {bounds}, around the deadline of an attempt"
    return ""


def _drawn(upstream: str, scenario: Scenario, played: Sequence[Breaker]) -> str:
    """Whether it hangs on a draw which calls or connections a fault hits: so few runs as are
    played don't show all that may come of it.
    """
    for fault in scenario.faults:
        if upstream not in fault.upstreams or not fault.KIND.opens:
            continue
        if fault.hits_some_connections:
            return f"which connections `{fault.fault}` hits is drawn"
        if fault.share < 1 and not _all_alike(played):
            return f"which calls `{fault.fault}` hits is drawn"
    return ""


def _all_alike(played: Sequence[Breaker]) -> bool:
    """Whether a breaker changes at the same instants in all runs, but for ties."""
    told = [(*breaker.trips, *breaker.closings) for breaker in played]
    return len({len(instants) for instants in told}) <= 1 and all(
        max(same) - min(same) <= APART_S for same in zip(*told, strict=True)
    )


def _asking_for_patience(upstream: str, scenario: Scenario, played: Sequence[Outcomes]) -> str:
    """Whether clients wait for as long as an answer says, while the upstream's breaker may open."""
    streams = [
        n for n, s in scenario.traffic.items() if s.retry is not None and s.retry.retry_after
    ]
    opens = any(outcomes.of(upstream).breaker.trips for outcomes in played)
    if not streams or not opens:
        return ""
    return f"`{streams[0]}` is sent again as Retry-After says, which isn't in the contract"
