"""Makes an outage that breaks something smaller and shorter, step by step, as a person would.

Hypothesis shrinks what was drawn; this shrinks what it means: fewer streams, faults and requests,
and above all less time, since every second will be waited for in real time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from msgspec.structs import replace

from harness.checks.promises.violation import Violation
from harness.explore.outage import Flow, Outage, step_up
from harness.explore.player import Seen

Found = tuple[Seen, Violation]
TryOut = Callable[[Outage], Found | None]
"""Plays an outage; None if it doesn't break the same thing, or there is no time left."""


def cost(outage: Outage) -> float:
    """How much an outage asks of its reader: seconds, with everything else put into seconds."""
    selectors = sum(len(fault) - 5 for fault in outage.faults)
    return (
        outage.duration_s
        + 6 * len(outage.faults)
        + 6 * len(outage.flows)
        + 0.3 * outage.sends()
        + 0.5 * selectors
        + 5 * (outage.seed > 0)
    )


def trim(found: Found, try_out: TryOut) -> Found:
    """The smallest outage reached from this one that still breaks the same."""
    best, price = found, cost(found[0].outage)
    improved = True
    while improved:
        improved = False
        for candidate in _candidates(*best):
            try:
                cheaper = cost(candidate)
            except ValueError:
                continue  # nothing would be sent, or a fault would be empty
            if cheaper >= price - 1e-9:
                continue
            got = try_out(candidate)
            if got is not None:
                best, price, improved = got, cheaper, True
                break
    return best


def _candidates(seen: Seen, violation: Violation) -> Iterator[Outage]:
    """Simpler outages, the boldest first."""
    outage = seen.outage
    for end_s in (violation.at_s + 1.0, violation.at_s + 3.0, _answered_s(seen, violation) + 1.0):
        if end_s < outage.duration_s - 0.4:
            yield from _cut(outage, _half_up(end_s))
    if len(outage.faults) > 1:
        for index in range(len(outage.faults)):
            yield replace(outage, faults=_without(outage.faults, index))
    if len(outage.flows) > 1:
        for index in range(len(outage.flows)):
            yield replace(outage, flows=_without(outage.flows, index))
    if outage.seed:
        yield replace(outage, seed=0)
    for index, flow in enumerate(outage.flows):
        for simpler in _simpler_flows(flow, outage, violation):
            yield replace(outage, flows=_with(outage.flows, index, simpler))
    for index, fault in enumerate(outage.faults):
        for milder in _milder(fault):
            yield replace(outage, faults=_with(outage.faults, index, milder))
    start_s = min((fault["from"] for fault in outage.faults), default=0.0)
    if start_s >= 1:
        yield _earlier(outage, start_s)


def _answered_s(seen: Seen, violation: Violation) -> float:
    """When the offending request was answered."""
    ends = (r.end_s for r in seen.history.requests if r.id == violation.request)
    return min(next(ends, violation.at_s), seen.outage.duration_s)


def _cut(outage: Outage, end_s: float) -> Iterator[Outage]:
    """Ended earlier, what would come later left out."""
    faults = tuple(
        {**fault, "to": min(fault["to"], end_s)} for fault in outage.faults if fault["from"] < end_s
    )
    flows = tuple(flow for flow in outage.flows if _sends_before(flow, end_s))
    yield replace(outage, faults=faults, flows=flows, duration_s=end_s)


def _sends_before(flow: Flow, end_s: float) -> bool:
    regular = flow.rate_per_s is not None and flow.from_s < end_s
    return regular or any(at_s < end_s for _, at_s in flow.bursts)


def _simpler_flows(flow: Flow, outage: Outage, violation: Violation) -> Iterator[Flow]:
    if flow.bursts:
        if flow.rate_per_s is not None:
            yield replace(flow, bursts=())
        for index, (count, at_s) in enumerate(flow.bursts):
            if len(flow.bursts) > 1 or flow.rate_per_s is not None:
                yield replace(flow, bursts=_without(flow.bursts, index))
            for fewer in (1, 2, count // 2):
                if fewer < count:
                    yield replace(flow, bursts=_with(flow.bursts, index, (fewer, at_s)))
    if flow.rate_per_s is None:
        return
    if flow.bursts:
        yield replace(flow, rate_per_s=None)
    to_s = outage.duration_s if flow.to_s is None else min(flow.to_s, outage.duration_s)
    for end_s in (flow.from_s + 1.0, (flow.from_s + to_s) / 2, violation.at_s + 0.1, to_s - 1):
        if flow.from_s + 0.1 < end_s < to_s - 0.1:
            yield replace(flow, to_s=_half_up(end_s))
    if flow.rate_per_s > 1:
        yield replace(flow, rate_per_s=1.0)
    if flow.from_s > 0:
        yield replace(flow, from_s=0.0)
    if violation.at_s - flow.from_s > 3:
        for from_s in (violation.at_s - 0.5, (flow.from_s + violation.at_s) / 2):
            yield replace(flow, from_s=_half_up(from_s))


def _milder(fault: dict[str, Any]) -> Iterator[dict[str, Any]]:
    from_s, to_s = fault["from"], fault["to"]
    for end_s in (from_s + 1.0, (from_s + to_s) / 2, to_s - 2.0, to_s - 0.5):
        if from_s + 0.4 < end_s < to_s - 0.1:
            yield {**fault, "to": _half_up(end_s)}
    for key in ("share", "one_in", "first", "calls", "on"):
        if key in fault:
            yield {name: value for name, value in fault.items() if name != key}


def _earlier(outage: Outage, by_s: float) -> Outage:
    """Everything sooner by so much, as far as it lies behind the first fault's begin."""

    def sooner(at_s: float) -> float:
        return round(max(0.0, at_s - by_s), 3)

    flows = tuple(
        replace(
            flow,
            from_s=sooner(flow.from_s),
            to_s=None if flow.to_s is None else sooner(flow.to_s),
            bursts=tuple((count, sooner(at_s)) for count, at_s in flow.bursts),
        )
        for flow in outage.flows
    )
    faults = tuple(
        {**fault, "from": sooner(fault["from"]), "to": sooner(fault["to"])}
        for fault in outage.faults
    )
    return replace(outage, flows=flows, faults=faults, duration_s=sooner(outage.duration_s))


def _half_up(seconds: float) -> float:
    return step_up(round(seconds, 3))


def _without(items: tuple[Any, ...], index: int) -> tuple[Any, ...]:
    return items[:index] + items[index + 1 :]


def _with(items: tuple[Any, ...], index: int, item: Any) -> tuple[Any, ...]:
    return (*items[:index], item, *items[index + 1 :])
