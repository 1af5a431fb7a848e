"""What is wrong with faults: unknown upstreams, windows that never come, contradictions."""

from __future__ import annotations

from itertools import combinations

from harness.scenario.faults import KINDS, Fault
from harness.scenario.model import Scenario
from harness.scenario.names import Misfits, Names
from harness.units import format_duration


def check_faults(scenario: Scenario, names: Names) -> Misfits:
    """What is wrong with each fault, and with any two of them together."""
    end = format_duration(scenario.duration)
    for index, fault in enumerate(scenario.faults):
        path = ("faults", index)
        for number, name in enumerate(fault.upstreams):
            yield from names.upstream((*path, "upstream", number), name)
        if not fault.upstreams and fault.where != "target":
            yield (*path, "upstream"), "expected at least one upstream"
        if fault.from_ >= scenario.duration:
            begin = format_duration(fault.from_)
            yield (*path, "from"), f"it would begin at {begin}: the scenario ends at {end}"
        elif fault.to is not None and fault.to > scenario.duration:
            lift = format_duration(fault.to)
            yield (*path, "to"), f"it would be lifted at {lift}: the scenario ends at {end}"
        if fault.counted is not None and fault.counted.high < 1:
            yield (*path, "calls"), "calls are counted from 1, so this one hits none"
        if fault.fault == "revoke":
            yield from names.user((*path, "user"), fault.user)
        yield from _engines(scenario, index)
    yield from _contradictions(scenario)


def _engines(scenario: Scenario, index: int) -> Misfits:
    kind = KINDS[scenario.faults[index].fault]
    if scenario.engines is not None and not set(scenario.engines) & set(kind.engines):
        able = ", ".join(kind.engines)
        yield ("faults", index, "fault"), f"`engines` leaves none that can play it; {able} can"


def _contradictions(scenario: Scenario) -> Misfits:
    """Two faults of one kind in force at once: lifting the first would lift both."""
    for (i, one), (j, other) in combinations(enumerate(scenario.faults), 2):
        if one.fault != other.fault or not _meet(one, other):
            continue
        both = set(one.upstreams) & set(other.upstreams)
        starts = max(one.from_, other.from_)
        ends = min(scenario.fault_end_s(i), scenario.fault_end_s(j))
        if both and starts < ends:
            window = f"{format_duration(starts)}..{format_duration(ends)}"
            yield (
                ("faults", j),
                (f"{', '.join(sorted(both))} has `{one.fault}` already in {window}; join the two"),
            )


def _meet(one: Fault, other: Fault) -> bool:
    """Whether both are of the kind that an upstream can have but once at a time."""
    if one.selective or other.selective or one.where == "stub" or one.fault == "restart":
        return False
    streams = {getattr(one, "stream", None), getattr(other, "stream", None)}
    return streams != {"upstream", "downstream"}
