"""What is wrong with two faults together: one would lift the other, or hide it from every call.

Time goes up with the number of faults, not with the number of pairs: of all that have begun, only
the one that lasts longest is kept.
"""

from __future__ import annotations

from collections.abc import Iterator

from harness.routes import route_matches
from harness.scenario.faults import Fault, FaultBase
from harness.scenario.model import Scenario
from harness.scenario.names import Misfits
from harness.units import format_duration


def check_pairs(scenario: Scenario) -> Misfits:
    """Contradictions between any two faults, told at the later one's place."""
    yield from _lifted_together(scenario)
    yield from _shadowed(scenario)


def _lifted_together(scenario: Scenario) -> Misfits:
    """Two faults of one kind in force at once: lifting the first would lift both."""
    lanes: dict[tuple[str, str, str], list[int]] = {}
    for index, fault in enumerate(scenario.faults):
        if fault.selective or fault.where == "stub" or fault.fault == "restart":
            continue  # an upstream can have several of these at a time
        for upstream in dict.fromkeys(fault.upstreams):
            for direction in _directions(fault):
                lanes.setdefault((upstream, fault.fault, direction), []).append(index)
    met: dict[tuple[int, int], set[str]] = {}
    for (upstream, _, _), indices in lanes.items():
        for pair in _overlaps(scenario, indices):
            met.setdefault(pair, set()).add(upstream)
    for (i, j), upstreams in sorted(met.items()):
        if scenario.faults[i].trigger or scenario.faults[j].trigger:
            kind, both = scenario.faults[j].fault, ", ".join(sorted(upstreams))
            yield ("faults", j), f"{both} may have `{kind}` when the event comes; join the two"
            continue
        starts = max(scenario.faults[i].from_, scenario.faults[j].from_)
        ends = min(scenario.fault_end_s(i), scenario.fault_end_s(j))
        window = f"{format_duration(starts)}..{format_duration(ends)}"
        kind = scenario.faults[j].fault
        both = ", ".join(sorted(upstreams))
        yield ("faults", j), f"{both} has `{kind}` already in {window}; join the two"


def _directions(fault: Fault) -> tuple[str, ...]:
    """Where it is in force: toxics of one kind may stand side by side in opposite directions."""
    stream = getattr(fault, "stream", "both")
    return ("upstream", "downstream") if stream == "both" else (stream,)


def _overlaps(scenario: Scenario, indices: list[int]) -> Iterator[tuple[int, int]]:
    """Pairs, in file order, of faults that begin while another is in force, or may.

    One that waits for an event may come at any time.
    """
    longest = -1  # of those that have begun, the one that ends last
    waiting = set(scenario.waiting)
    begins_s = {i: 0.0 if i in waiting else scenario.faults[i].from_ for i in indices}
    for index in sorted(indices, key=lambda index: begins_s[index]):
        if longest >= 0 and begins_s[index] < scenario.fault_end_s(longest):
            yield min(longest, index), max(longest, index)
        if longest < 0 or scenario.fault_end_s(index) > scenario.fault_end_s(longest):
            longest = index


class _Lane:
    """The faults in force that take one part of all calls of their route, at one upstream.

    Of each route the one that lasts longest is kept, in file order of their beginnings.
    """

    def __init__(self) -> None:
        self._by_route: dict[str, int] = {}
        self._starred: set[str] = set()

    def covering(self, on: str | None) -> Iterator[int]:
        """Those that take every call of a route (None: of all routes)."""
        if on is None:
            yield from (self._by_route[route] for route in (_ALL,) if route in self._by_route)
            return
        exact = (_ALL, *_above(on))
        yield from (self._by_route[route] for route in exact if route in self._by_route)
        for route in self._starred:
            if route_matches(route, on, on.partition(" ")[2]):
                yield self._by_route[route]

    def add(self, scenario: Scenario, index: int) -> None:
        """A fault begins."""
        on = scenario.faults[index].on
        route = _ALL if on is None else list(_above(on))[-1]
        held = self._by_route.get(route)
        if held is None or scenario.fault_end_s(held) < scenario.fault_end_s(index):
            self._by_route[route] = index
        if "*" in route:
            self._starred.add(route)


_ALL = ""


def _above(route: str) -> Iterator[str]:
    """The routes whose paths lie above a route's, and the route itself, the shortest first."""
    method, _, path = route.partition(" ")
    above = f"{method} "
    yield f"{above}/"
    for segment in filter(None, path.split("/")):
        above += f"/{segment}"
        yield above


def _shadowed(scenario: Scenario) -> Misfits:
    """Faults that meet no call, because another takes them all.

    Of two in a stub that take the same part of a call, the one that came first has it, so these may
    not even overlap. What lets nothing through hides what begins and ends meanwhile.
    """
    lanes: dict[tuple[str, str], _Lane] = {}
    order = sorted(range(len(scenario.faults)), key=lambda i: (scenario.faults[i].from_, i))
    for index in order:
        fault = scenario.faults[index]
        for upstream in fault.upstreams:
            before = next(_before(scenario, lanes, upstream, index), None)
            if before is not None:
                yield ("faults", index), _told(scenario, before, index, upstream)
                break
        for upstream in dict.fromkeys(fault.upstreams) if _takes_all(fault) else ():
            lanes.setdefault((upstream, fault.takes), _Lane()).add(scenario, index)


def _takes_all(fault: FaultBase) -> bool:
    """Whether it takes every call of its route."""
    return fault.takes != "nothing" and fault.hits_each


def _before(
    scenario: Scenario, lanes: dict[tuple[str, str], _Lane], upstream: str, index: int
) -> Iterator[int]:
    """The faults in force that leave this one no call."""
    fault = scenario.faults[index]
    for takes in dict.fromkeys((fault.takes, "call")):
        lane = lanes.get((upstream, takes))
        for other in () if lane is None else lane.covering(fault.on):
            first = scenario.faults[other]
            if scenario.fault_end_s(other) <= fault.from_:
                continue
            both_in_stub = first.where == fault.where == "stub" and first.takes == fault.takes
            meanwhile = scenario.fault_end_s(other) >= scenario.fault_end_s(index)
            if both_in_stub or (meanwhile and _hides(first, fault)):
                yield other


def _hides(first: FaultBase, fault: FaultBase) -> bool:
    """Whether calls that meet the first never come to the other."""
    if first.takes != "call" or first.fault == fault.fault:
        return False
    deep = fault.where == "stub" and fault.takes != "nothing"
    return deep or (fault.where == "proxy" and first.KIND.invisible)


def _told(scenario: Scenario, before: int, index: int, upstream: str) -> str:
    first, fault = scenario.faults[before], scenario.faults[index]
    end_s = min(scenario.fault_end_s(before), scenario.fault_end_s(index))
    window = f"{format_duration(fault.from_)}..{format_duration(end_s)}"
    return (
        f"`{first.fault}` of fault {before + 1} leaves it no call of {upstream} in {window}: let "
        "one end before the other begins, or let them pick different calls"
    )
