"""What the contract says will happen: the union of many runs whose ties fell differently.

Everything is stated as ranges or alternatives, because several outcomes are right where events
meet at one instant (contract, section 4).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import groupby

from harness.contract.breaker import Breaker
from harness.contract.play import EITHER_WAY_S, Outcomes, Run
from harness.contract.routes import learned, route_of
from harness.scenario.model import Scenario
from harness.settings import DOCUMENTED, ServiceSettings
from harness.timeline import Send, compile_timeline
from harness.units import Range

Span = Range
"""From the lowest to the highest that a sound target may show: seconds, or numbers of requests."""

_RUNS = 48
_SENDS = 12_000
"""Requests played in all: long scenarios are played less often."""
_FEWEST_RUNS = 6
_APART_S = 0.5
"""Instants further apart than this are alternatives, not one range."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """When something happens: one of several ranges of seconds; `sure` if it does in any case."""

    alternatives: tuple[Range, ...] = ()
    sure: bool = False

    def __bool__(self) -> bool:
        """Whether it may happen at all."""
        return bool(self.alternatives)

    def allows(self, at_s: float | None, tolerance_s: float) -> bool:
        """Whether a sound target may show it then; None stands for not at all."""
        if at_s is None:
            return not self.sure
        return any(r.low - tolerance_s <= at_s <= r.high + tolerance_s for r in self.alternatives)

    @property
    def earliest_s(self) -> float:
        """The earliest instant. Raises: IndexError if it never happens."""
        return self.alternatives[0].low

    @property
    def latest_s(self) -> float:
        """The latest instant. Raises: IndexError if it never happens."""
        return self.alternatives[-1].high

    def __str__(self) -> str:
        """`9 s`, `69 or 70 s`, `never`; `9 s or never`."""
        if not self.alternatives:
            return "never"
        words = [_span(r) for r in self.alternatives]
        text = (", ".join(words[:-1]) + " or " if words[:-1] else "") + words[-1] + " s"
        return text if self.sure else f"{text}, or never"


def _span(found: Range) -> str:
    if found.high - found.low <= 2 * EITHER_WAY_S:
        return f"{round(found.low * 2) / 2:g}"
    return f"{found.low:.1f}-{found.high:.1f}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """What one upstream's breaker does."""

    upstream: str
    settings: ServiceSettings
    opening_moments: tuple[Moment, ...] = ()
    """The k-th opening, those by a failed probe included."""
    probe_moments: tuple[Moment, ...] = ()
    """The k-th probe; those that are not `sure` may be missing."""
    closing_moments: tuple[Moment, ...] = ()
    """The k-th closing."""
    closed_for_good: Moment = Moment()
    """The last closing, if the breaker then stays closed."""
    attempts: Span | None = None
    """Attempts until it first opens."""
    first_rejection: Mapping[str, tuple[Span, ...]] = field(default_factory=dict)
    """By stream: numbers of the first request that is turned away at once."""

    @property
    def opened(self) -> Moment:
        """The first opening."""
        return self.opening_moments[0] if self.opening_moments else Moment()

    @property
    def opens(self) -> tuple[Span, ...]:
        """Seconds in which it may open first; empty for never."""
        return self.opened.alternatives

    @property
    def closes(self) -> tuple[Span, ...]:
        """Seconds in which it may close for good; empty for never."""
        return self.closed_for_good.alternatives

    @property
    def probes(self) -> tuple[Span, ...]:
        """For each probe the seconds in which it may be made, from the earliest to the latest."""
        return tuple(Span(m.earliest_s, m.latest_s) for m in self.probe_moments)

    @property
    def sure_probes(self) -> int:
        """How many of the probes happen in any case."""
        return sum(moment.sure for moment in self.probe_moments)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """Requests of a stream in a row that are answered alike."""

    first: int
    last: int
    from_s: float
    to_s: float
    """Planned instants of the first and the last one."""
    statuses: tuple[int, ...]
    """One status, or all that are right."""
    latency: Range
    """In seconds, without the few milliseconds that everything takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What a sound target shows in one scenario."""

    upstreams: Mapping[str, Prediction]
    answers: Mapping[str, tuple[Answers, ...]]
    """By stream, in order."""
    charges: Range
    runs: int

    def of(self, upstream: str) -> Prediction:
        """What one upstream's breaker does; one that nothing concerns stays closed."""
        settings = DOCUMENTED.get(upstream, DOCUMENTED["auth"])
        return self.upstreams.get(upstream) or Prediction(upstream=upstream, settings=settings)


def predict(
    scenario: Scenario,
    settings: Mapping[str, ServiceSettings] = DOCUMENTED,
    *,
    upstreams: Iterable[str] | None = None,
    calls: Mapping[str, Sequence[str]] | None = None,
    runs: int | None = None,
) -> Forecast:
    """What the contract says of a scenario, for a target with these settings.

    `upstreams`: those that the target has (all of `settings` if None); calls to others are left
    out. `calls`: by stream, the upstreams that a route unknown to the contract was seen to call.
    `runs`: how often it is played with other ties; by default as often as is affordable.
    """
    present = tuple(settings) if upstreams is None else tuple(upstreams)
    own = tuple((name, settings.get(name, DOCUMENTED["auth"])) for name in dict.fromkeys(present))
    seen = tuple((stream, tuple(names)) for stream, names in (calls or {}).items())
    return _predict(_Key(scenario), own, seen, runs)


class _Key:
    """A scenario as a key of the cache: by what is played, not by what is expected."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self._text = repr((scenario.duration, scenario.traffic, scenario.faults))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)


@lru_cache(maxsize=256)
def _predict(
    key: _Key,
    own: tuple[tuple[str, ServiceSettings], ...],
    seen: tuple[tuple[str, tuple[str, ...]], ...],
    runs: int | None,
) -> Forecast:
    scenario, settings, calls = key.scenario, dict(own), dict(seen)
    sends = tuple(step for step in compile_timeline(scenario) if isinstance(step, Send))
    routes = {}
    for name, stream in scenario.traffic.items():
        route = route_of(stream.request)
        if route is None and name in calls:
            route = learned(calls[name])
        if route is not None:
            routes[name] = route
    count = runs or min(_RUNS, max(_FEWEST_RUNS, _SENDS // max(1, len(sends))))
    played = [Run(scenario, settings, routes, seed).play(sends) for seed in range(count)]
    return Forecast(
        upstreams={
            name: _forecast(name, settings[name], played, scenario.duration) for name in settings
        },
        answers={
            name: tuple(_answers(name, [s for s in sends if s.stream == name], played))
            for name in routes
        },
        charges=_range([float(len(_until(o.charges, scenario.duration))) for o in played]),
        runs=count,
    )


def _forecast(
    name: str, settings: ServiceSettings, played: Sequence[Outcomes], end_s: float
) -> Prediction:
    seen = [outcomes.upstreams[name] for outcomes in played]
    last = [
        w.breaker.closings[-1:] if w.breaker.closings and _last_is_closing(w.breaker, end_s) else []
        for w in seen
    ]
    attempts = [
        float(sum(at_s <= w.breaker.trips[0] for at_s in w.attempts))
        for w in seen
        if w.breaker.trips
    ]
    streams = {stream for w in seen for stream in w.rejected}
    return Prediction(
        upstream=name,
        settings=settings,
        opening_moments=_moments([_until(w.breaker.trips, end_s) for w in seen]),
        probe_moments=_moments([_until(w.probes, end_s) for w in seen]),
        closing_moments=_moments([_until(w.breaker.closings, end_s) for w in seen]),
        closed_for_good=next(iter(_moments([_until(c, end_s) for c in last])), Moment()),
        attempts=_range(attempts) if attempts else None,
        first_rejection={
            stream: (_range([float(w.rejected[stream]) for w in seen if stream in w.rejected]),)
            for stream in sorted(streams)
        },
    )


def _last_is_closing(breaker: Breaker, end_s: float) -> bool:
    trips = _until(breaker.trips, end_s)
    closings = _until(breaker.closings, end_s)
    return bool(closings) and (not trips or trips[-1] < closings[-1])


def _until(instants: Sequence[float], end_s: float) -> list[float]:
    return [at_s for at_s in instants if at_s <= end_s]


def _moments(runs: Sequence[Sequence[float]]) -> tuple[Moment, ...]:
    """The k-th instant of each run, as one moment for each k."""
    longest = max((len(run) for run in runs), default=0)
    return tuple(
        Moment(
            alternatives=_clusters([run[k] for run in runs if len(run) > k]),
            sure=all(len(run) > k for run in runs),
        )
        for k in range(longest)
    )


def _clusters(instants: Iterable[float]) -> tuple[Range, ...]:
    found: list[Range] = []
    for at_s in sorted(instants):
        if found and at_s - found[-1].high <= _APART_S:
            found[-1] = Range(found[-1].low, at_s)
        else:
            found.append(Range(at_s, at_s))
    return tuple(found)


def _range(values: Sequence[float]) -> Range:
    return Range(min(values), max(values))


def _answers(stream: str, sends: Sequence[Send], played: Sequence[Outcomes]) -> Iterable[Answers]:
    """Requests in a row with the same statuses and latencies, told apart at half a second."""
    group: list[Send] = []
    kept: tuple[tuple[int, ...], Range] | None = None
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
) -> tuple[tuple[int, ...], Range]:
    """All statuses and latencies of the requests of one instant, in all runs."""
    answers = [outcomes.answers[stream, send.number] for send in sends for outcomes in played]
    statuses = tuple(sorted({answer.status for answer, _ in answers}))
    return statuses, _range([_rounded(took_s) for _, took_s in answers])


def _rounded(seconds: float) -> float:
    """To half seconds: what is left is what the contract knows."""
    return round(seconds * 2) / 2


def _together(group: Sequence[Send], statuses: tuple[int, ...], latency: Range) -> Answers:
    return Answers(
        first=group[0].number,
        last=group[-1].number,
        from_s=group[0].at_s,
        to_s=group[-1].at_s,
        statuses=statuses,
        latency=latency,
    )
