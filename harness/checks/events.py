"""When the events came that begin or end a window: breakers' as inferred, faults' as played.

An instant that is known only so well makes the window smaller: what is left of it surely lies
between the two events.
"""

from __future__ import annotations

import math

from harness.checks.case import Case
from harness.checks.wording import seconds, window
from harness.scenario.expectations.moving import Edge, Moving
from harness.units import Window

_NEVER = {
    "opened": "{}'s breaker was never seen open",
    "recovered": "{}'s breaker was never seen to open and close again",
    "applied": "no fault of {} was in force",
    "lifted": "no fault of {} was lifted",
}


def windows_between(moving: Moving, case: Case) -> tuple[tuple[Window, ...], str]:
    """The window, if there is one, and in words when its events came or why they didn't."""
    edges = [_instant(edge, case) for edge in moving.edges]
    missing = [why for why in edges if isinstance(why, str)]
    if missing:
        return (), "; ".join(dict.fromkeys(missing))
    (_, start_s), (end_s, _) = (edge for edge in edges if not isinstance(edge, str))
    if end_s <= start_s:
        return (), f"{moving} was {seconds(start_s)}..{seconds(end_s)}: nothing lies between"
    found = Window(start_s, end_s)
    return (found,), f"{moving} was {window(found)}"


def _instant(edge: Edge, case: Case) -> tuple[float, float] | str:
    """From when to when an edge may have been; why there was none."""
    if edge.event is None:
        return edge.offset_s, edge.offset_s
    offset_s = edge.offset_s
    if edge.event in ("applied", "lifted"):
        at_s = _of_faults(edge, case)
        if at_s is None:
            return _NEVER[edge.event].format(edge.upstream or "all")
        return at_s + offset_s, at_s + offset_s
    assert edge.upstream is not None
    wire = case.wire(edge.upstream)
    change = wire.opened if edge.event == "opened" else wire.closed
    if change is None:
        return _NEVER[edge.event].format(edge.upstream)
    return change.at_s + offset_s - change.error_s, change.at_s + offset_s + change.error_s


def _of_faults(edge: Edge, case: Case) -> float | None:
    """When the first fault was in force, or the last one gone."""
    instants = [
        fault.start_s if edge.event == "applied" else fault.end_s
        for fault in case.history.faults
        if edge.upstream is None or edge.upstream in fault.upstreams
    ]
    instants = [at_s for at_s in instants if math.isfinite(at_s)]
    if not instants:
        return None
    return min(instants) if edge.event == "applied" else max(instants)
