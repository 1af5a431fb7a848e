"""What the contract says of a scenario, as data: moments, predictions, answers, a forecast.

Everything is stated as ranges or alternatives, because several outcomes are right where events
meet at one instant (contract, section 4).
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import field

from harness.contracts.routes import Statuses
from harness.frozen import Frozen
from harness.policy.settings import ServiceSettings
from harness.scenario.model import Scenario
from harness.units import Range

NO_ANSWER = 0
"""In place of a status: the client had hung up."""
TOGETHER_S = 0.1
"""Nearer than this to each other two things happen at one instant, in either order."""
APART_S = 0.5
"""Instants further apart than this are alternatives, not one range."""
_NARROW_S = 0.5
"""A range no wider than this is told as one instant."""


class Moment(Frozen, kw_only=True):
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
    if found.high - found.low <= _NARROW_S:
        return f"{round(found.low * 2) / 2:g}"
    return f"{found.low:.1f}-{found.high:.1f}"


class Prediction(Frozen, kw_only=True):
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
    open_spells: tuple[tuple[Range, Range], ...] = ()
    """When the k-th spell in which it isn't closed begins, and when it ends."""
    attempts: Range | None = None
    """Attempts until it first opens."""
    first_rejection: Mapping[str, tuple[Range, ...]] = field(default_factory=dict)
    """By stream: numbers of the first request that is turned away at once."""
    spared: frozenset[str] = frozenset()
    """The streams of which nobody need be turned away, though it may be that somebody is."""
    untold: str = ""
    """Why nothing can be said of it; empty where all above is what the contract says."""

    @property
    def opened(self) -> Moment:
        """The first opening."""
        return self.opening_moments[0] if self.opening_moments else Moment()

    @property
    def opens(self) -> tuple[Range, ...]:
        """Seconds in which it may open first; empty for never."""
        return self.opened.alternatives

    @property
    def closes(self) -> tuple[Range, ...]:
        """Seconds in which it may close for good; empty for never."""
        return self.closed_for_good.alternatives

    @property
    def probes(self) -> tuple[Range, ...]:
        """For each probe the seconds in which it may be made, from the earliest to the latest."""
        return tuple(Range(m.earliest_s, m.latest_s) for m in self.probe_moments)


class Answers(Frozen, kw_only=True):
    """Requests of a stream in a row that are answered alike."""

    first: int
    last: int
    from_s: float
    to_s: float
    """Planned instants of the first and the last one."""
    statuses: Statuses
    """One status, or all that are right; `NO_ANSWER` where the client may have hung up."""
    latency: Range
    """In seconds, without the few milliseconds that everything takes."""


class Forecast(Frozen, kw_only=True):
    """What a sound target shows in one scenario."""

    upstreams: Mapping[str, Prediction]
    answers: Mapping[str, tuple[Answers, ...]]
    """By stream, in order."""
    charges: Range
    runs: int
    others: ServiceSettings
    """Of an upstream that nothing is known of."""
    begins: Mapping[int, Moment] = field(default_factory=dict)
    """When each fault begins that waits for an event, by number from 0."""

    def placed(self, scenario: Scenario) -> Scenario:
        """The scenario with these faults where they begin at the earliest."""
        sure = {index: moment.earliest_s for index, moment in self.begins.items() if moment}
        return scenario.begun(sure)

    def of(self, upstream: str) -> Prediction:
        """What one upstream's breaker does; one that nothing concerns stays closed."""
        unconcerned = Prediction(upstream=upstream, settings=self.others)
        return self.upstreams.get(upstream, unconcerned)
