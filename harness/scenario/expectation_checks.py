"""What is wrong with expectations: what each says of itself, and those that exclude each other."""

from __future__ import annotations

from harness.scenario.expectations import StatusSet, Surroundings
from harness.scenario.expectations.traffic import ExpectTraffic
from harness.scenario.model import Scenario
from harness.scenario.names import Misfits, Names


def check_expectations(scenario: Scenario, names: Names) -> Misfits:
    """What is wrong with each expectation, and with all of them together."""
    planned: dict[str, list[float]] = {}

    def instants(stream: str) -> list[float]:
        if stream not in planned:
            planned[stream] = list(scenario.traffic[stream].instants(scenario.duration))
        return planned[stream]

    around = Surroundings(scenario=scenario, names=names, instants=instants)
    for index, expectation in enumerate(scenario.expect):
        yield from expectation.misfits(("expect", index), around)
    if around.whole:
        yield from _contradictions(around)


_Judged = tuple[range, int, StatusSet]
"""Requests by their indices, the expectation about them, the statuses that it wants."""


def _contradictions(around: Surroundings) -> Misfits:
    """Requests from which two expectations want statuses that exclude each other."""
    for stream, judged in _statuses_wanted(around).items():
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


def _statuses_wanted(around: Surroundings) -> dict[str, list[_Judged]]:
    """By stream, what every request of a window known in advance must be answered."""
    wanted: dict[str, list[_Judged]] = {}
    for index, one in enumerate(around.scenario.expect):
        if not isinstance(one, ExpectTraffic) or one.status is None:
            continue
        if one.at_least < 1 or one.at_most is not None:
            continue
        if one.fixed is not None and one.traffic in around.scenario.traffic:
            requests = one.selected(around.instants(one.traffic))
            if requests:
                wanted.setdefault(one.traffic, []).append((requests, index, one.status))
    return wanted
