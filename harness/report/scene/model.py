"""What a scene is made of. All instants are seconds since 0s."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import field

from harness.checks.brackets import Brackets
from harness.contract import Forecast
from harness.frozen import Frozen
from harness.history.events import Charged, Logged, Reported
from harness.history.requests import Request
from harness.scenario.model import Scenario
from harness.units import Range
from harness.verdict import Hits, Transition
from harness.wire.attempts import Attempt


class Band(Frozen, kw_only=True):
    """A fault as it really was in force."""

    hits: Hits
    """Its number, kind and subject, and how many calls it met."""
    upstreams: tuple[str, ...]
    """Those that it hits and the target has; none where it hits the target itself."""
    planned_s: tuple[float, float]
    """From when to when the scenario asks for it."""


class Spell(Frozen, kw_only=True):
    """A time that a breaker spent in one state; its ends as sure as the evidence leaves them."""

    state: str
    """`closed`, `open` or `half_open`."""
    start: Range
    """The earliest and latest instant at which it can have begun."""
    end: Range


class BreakerView(Frozen, kw_only=True):
    """One upstream's breaker: as inferred, as reported by the target, and as expected."""

    changes: tuple[Transition, ...] = ()
    perhaps_open: tuple[Range, ...] = ()
    """When the evidence leaves it open whether it was."""
    reported: tuple[Reported, ...] = ()
    wanted: Brackets = field(default_factory=Brackets)
    """When the scenario expects it to change."""
    causes: tuple[str, ...] = ()
    """Where its rules are broken: what it behaves as, in words."""
    conflicts: tuple[str, ...] = ()
    """Where the target says otherwise of itself."""

    def spells(self, end_s: float) -> tuple[Spell, ...]:
        """Its states one after another, from 0s to the end of the play."""
        found: list[Spell] = []
        state, start = "closed", Range(0.0, 0.0)
        for change in self.changes:
            at = Range(change.at_s - change.error_s, change.at_s + change.error_s)
            found.append(Spell(state=state, start=start, end=at))
            state, start = change.state, at
        found.append(Spell(state=state, start=start, end=Range(end_s, end_s)))
        return tuple(found)


class Try(Frozen, kw_only=True):
    """One attempt at an upstream, with what it was made for."""

    attempt: Attempt
    number: int | None
    """Which attempt of its call, from 1; 0 where no request caused it; None where that can't be
    told: whose it is, or whether it is a retry or another call."""
    request: int | None
    """Id of the request that it was made for; None for nobody's, or where that can't be told."""
    until_s: float
    """When it was over, as far as was seen: after its deadline, where its request waited on."""
    met: tuple[int, ...] = ()
    """Numbers of the faults, from 1, that it may have met by its time, or surely met by the stub's
    own account."""


class UpstreamView(Frozen, kw_only=True):
    """One upstream: its breaker, and the attempts at it by start."""

    name: str
    concerned: bool
    """Whether the scenario is about it: a fault hits it, or an expectation speaks of it."""
    settings: str
    """What the target declares, in a line."""
    promised: bool
    """Whether it is to have a breaker at all."""
    breaker: BreakerView
    tries: tuple[Try, ...]
    queue: str | None = None
    """That its calls seem to wait for each other, in a sentence that asks; None where none do."""


class Veil(Frozen, kw_only=True):
    """A time in which the machine was late: `wait_s` in all, and who waited how."""

    start_s: float
    end_s: float
    wait_s: float
    words: str


class Scene(Frozen, kw_only=True):
    """All that lies on the timeline of one play."""

    scenario: Scenario
    end_s: float
    """The later of the scenario's end and the last that happened."""
    bands: tuple[Band, ...] = ()
    upstreams: tuple[UpstreamView, ...] = ()
    streams: Mapping[str, tuple[Request, ...]]
    """Requests by stream, each by planned instant; the warm-up's left out."""
    turned_away: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    """The upstreams whose breakers surely turned a request away, by its id."""
    charges: tuple[Charged, ...] = ()
    logs: tuple[Logged, ...] = ()
    veils: tuple[Veil, ...] = ()
    forecast: Forecast | None = None
    """What the contract says of it, with the target's own settings; None where all was well."""
    troubles: tuple[tuple[float, str], ...] = ()
    """When something went wrong with the run itself, and what."""

    @property
    def requests(self) -> int:
        """How many requests it has in all."""
        return sum(len(each) for each in self.streams.values())
