"""What is wrong with faults: unknown names, and whatever keeps one from ever meeting a call."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from harness.scenario.fault_pairs import check_pairs
from harness.scenario.faults import KINDS, Fault, FaultBase
from harness.scenario.located import Path
from harness.scenario.model import Scenario
from harness.scenario.names import Misfits, Names
from harness.units import format_duration


def check_faults(scenario: Scenario, names: Names) -> Misfits:
    """What is wrong with each fault, and with any two of them together; each told but once."""
    told: set[Path] = set()
    # When a fault comes that was read without its `after`, nobody wrote.
    paired = () if "after" in (names.dropped or ()) else check_pairs(scenario)
    for path, problem in (*_of_each(scenario, names), *paired):
        index = path[1]
        assert isinstance(index, int)
        path = ("faults", scenario.number_of(index) - 1, *path[2:])
        parts = scenario.faults[index].number is not None
        if not parts or path not in told:
            yield path, problem
        told.add(path)


def _of_each(scenario: Scenario, names: Names) -> Misfits:
    end = format_duration(scenario.duration)
    first_s = min((fault.from_ for fault in scenario.faults), default=0.0)
    unattended = _Unattended(scenario, first_s)
    for index, fault in enumerate(scenario.faults):
        path = ("faults", index)
        for number, name in enumerate(fault.upstreams):
            yield from names.upstream((*path, "upstream", number), name)
            if name in fault.upstreams[:number]:
                yield (*path, "upstream", number), f"{name} is named twice"
            if fault.on is not None:
                yield from names.route((*path, "on"), name, fault.on)
        if not fault.upstreams and fault.where != "target":
            yield (*path, "upstream"), "expected at least one upstream"
        if fault.trigger is not None:
            yield from _trigger(index, path, scenario, names)
        elif fault.from_ >= scenario.duration:
            begin = format_duration(fault.from_)
            yield (*path, "from"), f"it would begin at {begin}: the scenario ends at {end}"
        elif fault.to is not None and fault.to > scenario.duration:
            lift = format_duration(fault.to)
            yield (*path, "to"), f"it would be lifted at {lift}: the scenario ends at {end}"
        if fault.counted is not None and fault.counted.high < 1:
            yield (*path, "calls"), "calls are counted from 1, so this one hits none"
        if fault.share == 0:
            yield (*path, "share"), "0% hits no call; expected more than 0%"
        if fault.revoked is not None:
            yield from names.user((*path, "user"), fault.revoked)
            if fault.selective:
                yield path, "a token is revoked for every call; drop what picks some"
        if fault.diverted and names.tls is not None:
            for name in (name for name in fault.upstreams if name not in names.tls):
                plain = f"no stub of {name} speaks TLS: a target file says so (`tls: [{name}]`)"
                yield (*path, "fault"), plain
        why = needs_a_stub(fault, names.real)
        if why is not None:
            yield (*path, "fault"), why
        yield from _idle(fault, path)
        yield from _engines(scenario, index)
        if names.dropped is None:
            yield from unattended.misfits(index)


def _trigger(index: int, path: Path, scenario: Scenario, names: Names) -> Misfits:
    """An event that nothing brings about, or that comes too late to matter."""
    fault = scenario.faults[index]
    after = fault.trigger
    assert after is not None
    place = (*path, "after", "at" if after.breaker is None else "breaker")
    unknown = list(names.upstream(place, after.upstream))
    yield from unknown
    causes = (
        other
        for number, other in enumerate(scenario.faults)
        if scenario.number_of(number) != scenario.number_of(index)
    )
    caused = any(after.upstream in other.upstreams for other in causes)
    if after.breaker is not None and not (caused or unknown) and names.dropped is None:
        yield place, f"no other fault hits {after.upstream}: its breaker has no cause to open"
    if fault.wait is not None and fault.wait >= scenario.duration:
        end = format_duration(scenario.duration)
        yield (*path, "wait"), f"it would begin after the scenario's end at {end}"


_NOTHING: dict[str, dict[str, object]] = {
    "delay": {"delay": 0.0},
    "drip": {"every": 0.0},
    "slow_close": {"delay": 0.0},
    "latency": {"latency": 0.0, "jitter": 0.0},
    "headers": {"headers": {}, "status": None},
}
"""With these values a fault of that kind changes nothing."""


def _idle(fault: FaultBase, path: Path) -> Misfits:
    """Parameters with which it would leave every call as it is."""
    if getattr(fault, "toxicity", 1.0) == 0:
        yield (*path, "toxicity"), "0% hits no connection; expected more than 0%"
    nothing = _NOTHING.get(fault.fault, {})
    if nothing and all(getattr(fault, key) == value for key, value in nothing.items()):
        key = next(iter(nothing))
        yield (*path, key), f"a `{fault.fault}` with no {key} changes nothing"


_UNDER_WAY_S = 1.0
"""A request that left so long before may still be under way, with all upstreams healthy."""


class _Unattended:
    """Faults that come and go while nobody is there: no request leaves, none is under way.

    One that comes several times needs somebody once.
    """

    def __init__(self, scenario: Scenario, first_s: float) -> None:
        """`first_s`: when the first fault of all begins."""
        self._scenario = scenario
        self._first_s = first_s
        self._planned = any(
            stream.planned(scenario.duration) for stream in scenario.traffic.values()
        )
        alone = [index for index in range(len(scenario.faults)) if self._alone(index)]
        parts = Counter(map(scenario.number_of, range(len(scenario.faults))))
        lonely = Counter(map(scenario.number_of, alone))
        self._found = {
            i for i in alone if lonely[scenario.number_of(i)] == parts[scenario.number_of(i)]
        }

    def misfits(self, index: int) -> Misfits:
        """What is wrong with fault number `index`."""
        if index in self._found:
            start_s, end_s = self._scenario.faults[index].from_, self._scenario.fault_end_s(index)
            window = f"{format_duration(start_s)}..{format_duration(end_s)}"
            yield ("faults", index), f"no request leaves in {window}, so it can't meet any"

    def _alone(self, index: int) -> bool:
        scenario = self._scenario
        fault, end_s = scenario.faults[index], scenario.fault_end_s(index)
        if fault.from_ >= min(end_s, scenario.duration) or not self._planned:
            return False
        # Requests that an earlier fault may hold up are there for longer.
        since_s = fault.from_ - _UNDER_WAY_S
        if self._first_s < fault.from_:
            since_s = min(since_s, self._first_s)
        streams = scenario.traffic.values()
        return not any(each.sends_within(since_s, end_s, scenario.duration) for each in streams)


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
    able = [
        other.name
        for other in KINDS.values()
        if other.where in ("proxy", "connect") and other.proxy != "diverted"
    ]
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
