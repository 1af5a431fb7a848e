"""Computes a forecast: the union of many runs whose ties fell differently."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import groupby

from msgspec.structs import replace

from harness.contract.forecast import (
    APART_S,
    TOGETHER_S,
    Answers,
    Forecast,
    Moment,
    Prediction,
)
from harness.contract.outcomes import Life, Outcomes
from harness.contract.play import Run
from harness.contract.routes import flow_of, learned
from harness.contract.untold import untold
from harness.contracts import Contract, document
from harness.contracts.routes import Statuses
from harness.policy.breaker import Breaker
from harness.policy.settings import ServiceSettings
from harness.policy.waits import EITHER_S
from harness.scenario.model import Scenario
from harness.timeline import Send, compile_timeline
from harness.units import Range

_RUNS = 48
_SENDS = 12_000
"""Requests played in all: long scenarios are played less often."""
_FEWEST_RUNS = 6


def predict(
    scenario: Scenario,
    settings: Mapping[str, ServiceSettings] | None = None,
    *,
    contract: Contract | None = None,
    upstreams: Iterable[str] | None = None,
    calls: Mapping[str, Sequence[str]] | None = None,
    runs: int | None = None,
) -> Forecast:
    """What a contract says of a scenario, for a target with these settings.

    `settings`: the contract's own if None; `contract`: the bundled one if None. `upstreams`: those
    that the target has (all of `settings` if None); calls to others are left out. `calls`: by
    stream, the upstreams that a route unknown to the contract was seen to call. `runs`: how often
    it is played with other ties; by default as often as is affordable.
    """
    contract = contract or document()
    settings = contract.settings if settings is None else settings
    present = tuple(settings) if upstreams is None else tuple(upstreams)
    others = contract.others.settings
    own = tuple((name, settings.get(name, others)) for name in dict.fromkeys(present))
    seen = tuple((stream, tuple(names)) for stream, names in (calls or {}).items())
    return _predict(_Key(scenario, contract), own, seen, runs)


class _Key:
    """Scenario and contract as a key of the cache: what is played, not what is expected."""

    def __init__(self, scenario: Scenario, contract: Contract) -> None:
        self.scenario = scenario
        self.contract = contract
        played = (scenario.duration, scenario.traffic, scenario.faults)
        self._text = repr((played, contract.routes, contract.users, contract.others))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)


@lru_cache(maxsize=64)
def _predict(
    key: _Key,
    own: tuple[tuple[str, ServiceSettings], ...],
    seen: tuple[tuple[str, tuple[str, ...]], ...],
    runs: int | None,
) -> Forecast:
    scenario, contract, settings, calls = key.scenario, key.contract, dict(own), dict(seen)
    steps = compile_timeline(scenario)
    sends = tuple(step for step in steps if isinstance(step, Send))
    routes = {}
    for name, stream in scenario.traffic.items():
        route = flow_of(contract, stream)
        if route is None and name in calls:
            route = learned(calls[name])
        if route is not None:
            routes[name] = route
    strangers = [
        name
        for name, stream in scenario.traffic.items()
        if name not in routes and stream.request.partition("?")[0] not in contract.idle
    ]
    count = runs or min(_RUNS, max(_FEWEST_RUNS, _SENDS // max(1, len(sends))))
    played = [Run(scenario, settings, routes, contract, seed).play(steps) for seed in range(count)]
    return Forecast(
        upstreams={
            name: replace(
                _forecast(name, settings[name], played, scenario.duration),
                untold=untold(name, scenario, settings[name], strangers, played),
            )
            for name in settings
        },
        answers={
            name: tuple(_answers(name, [s for s in sends if s.stream == name], played))
            for name in routes
        },
        charges=_range([float(len(_until(o.charges, scenario.duration))) for o in played]),
        runs=count,
        others=contract.others.settings,
        begins={index: _begins(index, played) for index in scenario.waiting},
    )


def _begins(index: int, played: Sequence[Outcomes]) -> Moment:
    """When a fault begins that waits for an event."""
    found = _moments([[o.begun[index]] if index in o.begun else [] for o in played], math.inf)
    return next(iter(found), Moment())


def _forecast(
    name: str, settings: ServiceSettings, played: Sequence[Outcomes], end_s: float
) -> Prediction:
    seen = [outcomes.of(name) for outcomes in played]
    last = [
        _last_closing(w.breaker, until_s) for until_s in (end_s, end_s + TOGETHER_S) for w in seen
    ]
    attempts = [float(count) for w in seen if w.breaker.trips for count in _until_trip(w)]
    streams = {stream for w in seen for stream in w.rejected}
    found = Prediction(
        upstream=name,
        settings=settings,
        opening_moments=_moments([w.breaker.trips for w in seen], end_s),
        probe_moments=_moments([w.probes for w in seen], end_s),
        closing_moments=_moments([w.breaker.closings for w in seen], end_s),
        closed_for_good=next(iter(_moments(last, end_s)), Moment()),
        open_spells=_spells([_open_spells(w.breaker, end_s) for w in seen]),
        attempts=_range(attempts) if attempts else None,
        first_rejection={
            stream: (_range([float(w.rejected[stream][1]) for w in seen if stream in w.rejected]),)
            for stream in sorted(streams)
        },
        spared=frozenset(s for s in streams if not all(s in w.rejected for w in seen)),
    )
    return _of_all(found, end_s) if settings.scope.alike else found


def _of_all(found: Prediction, end_s: float) -> Prediction:
    """The same, where several workers have a breaker each: nobody promises which of them is asked
    again, and when, so what comes after the first opening may come late or never.
    """
    first_s = found.opened.earliest_s + found.settings.wait_s - EITHER_S if found.opened else 0.0

    def loose(moment: Moment) -> Moment:
        return Moment(alternatives=(Range(first_s, end_s),)) if moment else moment

    return replace(
        found,
        opening_moments=(*found.opening_moments[:1], *map(loose, found.opening_moments[1:])),
        probe_moments=tuple(map(loose, found.probe_moments)),
        closing_moments=tuple(map(loose, found.closing_moments)),
        closed_for_good=loose(found.closed_for_good),
        open_spells=tuple((begin, Range(first_s, end_s)) for begin, _ in found.open_spells),
    )


def _until_trip(seen: Life) -> tuple[int, int]:
    """How many attempts had begun when it first opened, and how many more might have: those whose
    turn came at the same instant, and were turned away. Few runs have all of them first.
    """
    trip_s = seen.breaker.trips[0]
    made = sum(at_s <= trip_s for at_s in seen.attempts)
    return made, made + sum(trip_s <= at_s <= trip_s + TOGETHER_S for at_s in seen.turned_away)


def _last_closing(breaker: Breaker, end_s: float) -> list[float]:
    """Its last closing, if it is closed by then."""
    trips = _until(breaker.trips, end_s)
    closings = _until(breaker.closings, end_s)
    return closings[-1:] if closings and (not trips or trips[-1] < closings[-1]) else []


def _open_spells(breaker: Breaker, end_s: float) -> list[tuple[float, float]]:
    """From the trip of a closed breaker to its next closing, or the end."""
    found: list[tuple[float, float]] = []
    for trip_s in _until(breaker.trips, end_s):
        if found and trip_s < found[-1][1]:
            continue
        closings = (at_s for at_s in breaker.closings if at_s > trip_s)
        found.append((trip_s, min(next(closings, end_s), end_s)))
    return found


def _spells(runs: Sequence[Sequence[tuple[float, float]]]) -> tuple[tuple[Range, Range], ...]:
    longest = max((len(run) for run in runs), default=0)
    return tuple(
        (
            _range([run[k][0] for run in runs if len(run) > k]),
            _range([run[k][1] for run in runs if len(run) > k]),
        )
        for k in range(longest)
    )


def _until(instants: Sequence[float], end_s: float) -> list[float]:
    return [at_s for at_s in instants if at_s <= end_s]


def _moments(runs: Sequence[Sequence[float]], end_s: float) -> tuple[Moment, ...]:
    """The k-th instant of each run, as one moment for each k. What comes as the scenario ends, for
    the last faults are lifted then, may come too late to be in it.
    """
    runs = [_until(run, end_s + TOGETHER_S) for run in runs]
    sure_s = end_s - TOGETHER_S
    longest = max((len(run) for run in runs), default=0)
    return tuple(
        Moment(
            alternatives=_clusters([run[k] for run in runs if len(run) > k]),
            sure=all(len(run) > k and run[k] < sure_s for run in runs),
        )
        for k in range(longest)
    )


def _clusters(instants: Iterable[float]) -> tuple[Range, ...]:
    found: list[Range] = []
    for at_s in sorted(instants):
        if found and at_s - found[-1].high <= APART_S:
            found[-1] = Range(found[-1].low, at_s)
        else:
            found.append(Range(at_s, at_s))
    return tuple(found)


def _range(values: Sequence[float]) -> Range:
    return Range(min(values), max(values))


def _answers(stream: str, sends: Sequence[Send], played: Sequence[Outcomes]) -> Iterable[Answers]:
    """Requests in a row with the same statuses and latencies, told apart at half a second."""
    group: list[Send] = []
    kept: tuple[Statuses, Range] | None = None
    for _, burst in groupby(sends, key=lambda send: send.at_s):
        together = list(burst)
        alike = _alike(stream, together, played)
        if group and alike != kept and kept is not None:
            yield _together(group, *kept)
            group = []
        group += together
        kept = alike
    if group and kept is not None:
        yield _together(group, *kept)


def _alike(
    stream: str, sends: Sequence[Send], played: Sequence[Outcomes]
) -> tuple[Statuses, Range]:
    """All statuses and latencies of the requests of one instant, in all runs."""
    answers = [outcomes.answers[stream, send.number] for send in sends for outcomes in played]
    statuses = tuple(sorted({status for told, _ in answers for status in told}, key=str))
    return statuses, _range([_rounded(took_s) for _, took_s in answers])


def _rounded(seconds: float) -> float:
    """To half seconds: what is left is what the contract knows."""
    return round(seconds * 2) / 2


def _together(group: Sequence[Send], statuses: Statuses, latency: Range) -> Answers:
    return Answers(
        first=group[0].number,
        last=group[-1].number,
        from_s=group[0].at_s,
        to_s=group[-1].at_s,
        statuses=statuses,
        latency=latency,
    )
