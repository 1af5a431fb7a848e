"""What is wrong with faults: unknown upstreams, windows that never come, contradictions."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from harness.scenario.faults import KINDS, Fault, Revoke
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
        if fault.share == 0:
            yield (*path, "share"), "0% hits no call; expected more than 0%"
        if isinstance(fault, Revoke):
            yield from names.user((*path, "user"), fault.user)
        why = needs_a_stub(fault, names.real)
        if why is not None:
            yield (*path, "fault"), why
        yield from _engines(scenario, index)
    yield from _contradictions(scenario)


def needs_a_stub(fault: Fault, real: Collection[str]) -> str | None:
    """Why a fault can't be played on real services, and what can; None where it can, or needn't."""
    names = [name for name in fault.upstreams if name in real]
    if not names or fault.where not in ("stub", "process"):
        return None
    real_ones = f"{', '.join(names)} {'is' if len(names) == 1 else 'are'} real (`real:`)"
    kind = KINDS[fault.fault]
    if kind.where not in ("stub", "process"):
        return (
            f"{real_ones}, and only a stub can pick some of its calls; without `on`, `first`, "
            f"`calls`, `one_in` and `share`, `{kind.name}` works there"
        )
    able = [other.name for other in KINDS.values() if other.where in ("proxy", "connect")]
    player = "inside a stub" if kind.where == "stub" else "on a stub's process"
    return (
        f"`{kind.name}` is played {player}, and {real_ones}; what works there is on the network: "
        f"{', '.join(able)}"
    )


def _engines(scenario: Scenario, index: int) -> Misfits:
    kind = KINDS[scenario.faults[index].fault]
    if scenario.engines is not None and not set(scenario.engines) & set(kind.engines):
        able = ", ".join(kind.engines)
        yield ("faults", index, "fault"), f"`engines` leaves none that can play it; {able} can"


def _contradictions(scenario: Scenario) -> Misfits:
    """Two faults of one kind in force at once: lifting the first would lift both."""
    lanes: dict[tuple[str, str, str], list[int]] = {}
    for index, fault in enumerate(scenario.faults):
        if fault.selective or fault.where == "stub" or fault.fault == "restart":
            continue  # an upstream can have several of these at a time
        for upstream in fault.upstreams:
            for direction in _directions(fault):
                lanes.setdefault((upstream, fault.fault, direction), []).append(index)
    met: dict[tuple[int, int], set[str]] = {}
    for (upstream, _, _), indices in lanes.items():
        for pair in _overlaps(scenario, indices):
            met.setdefault(pair, set()).add(upstream)
    for (i, j), upstreams in sorted(met.items()):
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
    """Pairs, in file order, of faults that begin while another is in force."""
    longest = -1  # of those that have begun, the one that ends last
    for index in sorted(indices, key=lambda index: scenario.faults[index].from_):
        if longest >= 0 and scenario.faults[index].from_ < scenario.fault_end_s(longest):
            yield min(longest, index), max(longest, index)
        if longest < 0 or scenario.fault_end_s(index) > scenario.fault_end_s(longest):
            longest = index
