"""What one run of the arithmetic came to: answers, charges, and what happened at each breaker."""

from __future__ import annotations

import math
from collections import Counter

from msgspec import Struct, field

from harness.contract.chance import Chance
from harness.contracts.routes import Statuses
from harness.policy.breaker import Breaker
from harness.policy.counting import FAILED, Counted, Result, told
from harness.policy.settings import ServiceSettings
from harness.scenario.faults import After
from harness.timeline import Send

_WARM_UP_S = -0.3
"""About when the warm-up was."""


class Life(Struct):
    """What happened at one upstream in one run."""

    breaker: Breaker
    attempts: list[float] = field(default_factory=list)
    called_for: set[Send] = field(default_factory=set)
    """The requests that attempts were made for."""
    asked: bool = False
    """Whether any request got as far as to need it."""
    probes: list[float] = field(default_factory=list)
    turned_away: list[float] = field(default_factory=list)
    """When a call or a retry was turned away."""
    rejected: dict[str, tuple[float, int]] = field(default_factory=dict)
    """By stream: the first request that was turned away at once, by when it was sent and by its
    number. One that waited for an attempt before, of the same call or of another, was not."""

    def has_come(self, after: After) -> bool:
        """Whether the breaker has been in that state, or the upstream has had so many calls."""
        if after.is_ is None:
            return len(self.attempts) >= (after.calls or 1)
        shown = {
            "open": self.breaker.trips,
            "half_open": self.probes,
            "closed": self.breaker.closings,
        }
        return bool(shown[after.is_])


class Outcomes(Struct):
    """What one run came to."""

    parts: dict[str, dict[str, Life]]
    """By upstream: what happened at each of its breakers, by whose calls it counts."""
    together: frozenset[str] = frozenset()
    """The upstreams whose breakers nobody can tell apart."""
    answers: dict[tuple[str, int], tuple[Statuses, float]] = field(default_factory=dict)
    """By stream and number: the answer, any of these statuses, and how long it took in seconds."""
    charges: list[float] = field(default_factory=list)
    begun: dict[int, float] = field(default_factory=dict)
    """When each fault began that waited for an event, by number from 0."""
    abandoned: set[str] = field(default_factory=set)
    """The upstreams called for requests whose clients had hung up: whether work goes on is nobody's
    promise."""

    _failures: Counter[str] = field(default_factory=Counter)
    _mended: set[str] = field(default_factory=set)

    def of(self, upstream: str) -> Life:
        """What happened at an upstream's breaker; of several, at that which tripped first, or at
        all of them where nobody can tell them apart.
        """
        parts = self.parts[upstream].values()
        if upstream in self.together:
            return _as_one(list(parts))
        return min(parts, key=_first_trip_s)

    def heard(self, upstream: str, counted: Counted) -> None:
        """How an attempt ended, before any breaker of an upstream has opened."""
        if upstream not in self.together or self.tripped(upstream):
            return
        heard = told(counted)
        if heard is not None and heard & FAILED:
            self._failures[upstream] += 1
        elif heard is not None and self._failures[upstream]:
            self._mended.add(upstream)

    def mixed(self, upstream: str, failures: int) -> bool:
        """Whether successes lay between so many failures: whose they were decides who opens."""
        return upstream in self._mended and self._failures[upstream] >= failures

    def tripped(self, upstream: str) -> int:
        """How many of an upstream's breakers tripped."""
        return sum(bool(seen.breaker.trips) for seen in self.parts[upstream].values())


def _as_one(parts: list[Life]) -> Life:
    """Several breakers as one that is open while any of them is."""
    breaker = Breaker(parts[0].breaker.rules)
    changes = [
        (at_s, opens, number)
        for number, seen in enumerate(parts)
        for opens, instants in ((True, seen.breaker.trips), (False, seen.breaker.closings))
        for at_s in instants
    ]
    opened: set[int] = set()
    for at_s, opens, number in sorted(changes):
        if opens and not opened:
            breaker.trips.append(at_s)
        if not opens and opened == {number}:
            breaker.closings.append(at_s)
        (opened.add if opens else opened.discard)(number)
    rejected: dict[str, tuple[float, int]] = {}
    for seen in parts:
        for stream, sent in seen.rejected.items():
            rejected[stream] = min(sent, rejected.get(stream, sent))
    return Life(
        breaker=breaker,
        attempts=sorted(at_s for seen in parts for at_s in seen.attempts),
        asked=any(seen.asked for seen in parts),
        probes=sorted(at_s for seen in parts for at_s in seen.probes),
        turned_away=sorted(at_s for seen in parts for at_s in seen.turned_away),
        rejected=rejected,
    )


def _first_trip_s(seen: Life) -> tuple[float, bool]:
    """What of several is told first: whatever tripped, else whatever was asked."""
    return min(seen.breaker.trips, default=math.inf), not seen.asked


def warmed_up(own: ServiceSettings, chance: Chance, successes: int) -> Breaker:
    """A breaker that has seen so many successes of the warm-up, where its rule counts them.

    How many routes of a scenario call an upstream isn't known here, so runs differ in this.
    """
    made = Breaker(own.breaker, eager=chance.eager, clock_s=chance.clock_s)
    for _ in range(successes):
        leave = made.ask(_WARM_UP_S)
        assert leave is not None
        made.tell(leave, Result.SUCCESS, _WARM_UP_S)
    return made
