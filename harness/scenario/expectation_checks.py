"""What is wrong with expectations: unknown names, and windows in which nothing can be judged."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable

from harness.scenario.expectations import (
    Expectation,
    ExpectBreaker,
    ExpectCalls,
    ExpectNever,
    ExpectTraffic,
    StatusSet,
    Windowed,
)
from harness.scenario.located import Path
from harness.scenario.model import Scenario
from harness.scenario.names import Misfits, Names
from harness.units import Around, Window, format_duration

Instants = Callable[[str], list[float]]


def check_expectations(scenario: Scenario, names: Names) -> Misfits:
    """What is wrong with each expectation."""
    planned: dict[str, list[float]] = {}

    def instants(stream: str) -> list[float]:
        if stream not in planned:
            planned[stream] = list(scenario.traffic[stream].instants(scenario.duration))
        return planned[stream]

    for index, expectation in enumerate(scenario.expect):
        path = ("expect", index)
        yield from _names(expectation, path, scenario, names)
        if isinstance(expectation, ExpectBreaker):
            yield from _breaker(expectation, path, scenario, instants)
        if isinstance(expectation, Windowed):
            yield from _window(expectation, path, scenario, names)
        if isinstance(expectation, ExpectTraffic | ExpectNever):
            yield from _selection(expectation, path, scenario, names, instants)
        if isinstance(expectation, ExpectTraffic) and expectation.at_least == 0:
            yield (*path, "at_least"), "0% would hold whatever happens; expected more than 0%"
    if names.dropped is None:
        yield from _contradictions(scenario, instants)


def _names(expectation: Expectation, path: Path, scenario: Scenario, names: Names) -> Misfits:
    stream = getattr(expectation, "traffic", None)
    if stream is not None:
        yield from names.stream((*path, "traffic"), stream, scenario.traffic)
    if isinstance(expectation, ExpectBreaker):
        yield from names.upstream((*path, "breaker"), expectation.breaker)
    elif isinstance(expectation, ExpectCalls):
        yield from names.upstream((*path, "upstream"), expectation.upstream)


def _breaker(
    expectation: ExpectBreaker, path: Path, scenario: Scenario, instants: Instants
) -> Misfits:
    first = expectation.first_rejection
    if first is not None and expectation.traffic is None and len(scenario.traffic) > 1:
        streams = ", ".join(scenario.traffic)
        yield (*path, "first_rejection"), f"of which `traffic`? Add one of {streams}"
    if first is not None and not isinstance(first, str):
        stream = expectation.traffic or next(iter(scenario.traffic))
        if stream in scenario.traffic and len(instants(stream)) < first.low:
            count = len(instants(stream))
            yield (*path, "first_rejection"), f"`{stream}` sends no more than {count} requests"
    for key in ("opens", "closes", "probes"):
        value = getattr(expectation, key)
        for number, instant in enumerate(value if isinstance(value, tuple) else (value,)):
            if isinstance(instant, Around) and instant.at_s >= scenario.duration:
                end = format_duration(scenario.duration)
                yield (*path, key, number), f"{instant} can't be seen: the scenario ends at {end}"
    yield from _order(expectation, path)


def _order(expectation: ExpectBreaker, path: Path) -> Misfits:
    """A breaker opens, then probes, then closes."""
    opens = expectation.opens
    for key in ("probes", "closes"):
        value = getattr(expectation, key)
        later = value[0] if isinstance(value, tuple) and value else value
        if opens == "never" and later is not None and later != "never":
            yield (*path, key), "contradicts `opens: never`"
        elif isinstance(opens, Around) and isinstance(later, Around) and later.at_s <= opens.at_s:
            at, before = format_duration(later.at_s), format_duration(opens.at_s)
            yield (*path, key), f"{at} is not after {before}, when it opens"


def _window(expectation: Windowed, path: Path, scenario: Scenario, names: Names) -> Misfits:
    end = format_duration(scenario.duration)
    window = expectation.during
    if window is not None and window.start_s >= scenario.duration:
        yield (*path, "during"), f"{window} begins after the scenario's end at {end}"
    elif window is not None and scenario.duration < window.end_s < math.inf:
        yield (*path, "during"), f"{window} ends after the scenario's end at {end}; write `end`"
    if expectation.while_ is None:
        return
    upstream, state = expectation.while_.upstream, expectation.while_.state
    unknown = list(names.upstream((*path, "while"), upstream))
    yield from unknown
    faulted = scenario.faulted_upstreams
    faults_known = names.dropped is None and set(faulted) <= set(names.upstreams)
    breakable = state == "closed" or upstream in faulted
    if faults_known and not unknown and not breakable:
        yield (*path, "while"), f"no fault hits {upstream}, so its breaker has no cause to open"


def _selection(
    expectation: ExpectTraffic | ExpectNever,
    path: Path,
    scenario: Scenario,
    names: Names,
    instants: Instants,
) -> Misfits:
    """Whether any request would be judged: if none is, the verdict could only be inconclusive."""
    if names.dropped is not None:
        return  # requests may be missing only because of another mistake
    streams = list(scenario.traffic) if expectation.traffic is None else [expectation.traffic]
    if any(stream not in scenario.traffic or not instants(stream) for stream in streams):
        return
    window = expectation.during or Window(0.0, math.inf)
    if window.start_s >= scenario.duration:
        return
    numbers = expectation.requests if isinstance(expectation, ExpectTraffic) else None
    if any(_selected(expectation, instants(stream)) for stream in streams):
        return
    key = "during" if numbers is None else "requests"
    asked = f"in {window}" if numbers is None else f"with number {numbers}"
    if numbers is not None and expectation.during is not None:
        asked += f" in {window}"
    yield (*path, key), f"no request of `{', '.join(streams)}` leaves {asked}: nothing to judge"


def _selected(expectation: ExpectTraffic | ExpectNever, at_s: list[float]) -> range:
    """The indices of a stream's requests that it judges, of all those planned at `at_s`."""
    window = expectation.during or Window(0.0, math.inf)
    first = bisect_left(at_s, window.start_s)
    last = bisect_left(at_s, window.end_s)
    if isinstance(expectation, ExpectTraffic) and expectation.requests is not None:
        numbers = expectation.requests
        first = max(first, math.ceil(numbers.low) - 1)
        last = min(last, int(min(numbers.high, len(at_s))))
    return range(first, max(first, last))


_Judged = tuple[range, int, StatusSet]
"""Requests by their indices, the expectation about them, the statuses that it wants."""


def _contradictions(scenario: Scenario, instants: Instants) -> Misfits:
    """Requests from which two expectations want statuses that exclude each other."""
    for stream, judged in _statuses_wanted(scenario, instants).items():
        # For each set of statuses: of what has begun, what ends last.
        longest: dict[str, _Judged] = {}
        for requests, index, wanted in sorted(judged, key=lambda one: (one[0].start, one[1])):
            for before, other, others in longest.values():
                if requests.start < before.stop and not wanted.meets(others):
                    early = others if other < index else wanted
                    told = f"`{stream}` #{requests.start + 1} is to be answered {early} already"
                    yield ("expect", max(index, other), "status"), told
                    break
            held = longest.get(wanted.text)
            if held is None or requests.stop > held[0].stop:
                longest[wanted.text] = (requests, index, wanted)


def _statuses_wanted(scenario: Scenario, instants: Instants) -> dict[str, list[_Judged]]:
    """By stream, what every request of a window known in advance must be answered."""
    wanted: dict[str, list[_Judged]] = {}
    for index, one in enumerate(scenario.expect):
        if not isinstance(one, ExpectTraffic) or one.status is None or one.at_least < 1:
            continue
        if one.while_ is None and one.traffic in scenario.traffic:
            requests = _selected(one, instants(one.traffic))
            if requests:
                wanted.setdefault(one.traffic, []).append((requests, index, one.status))
    return wanted
