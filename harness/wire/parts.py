"""An upstream's wire with several breakers: each counts the calls of one route, and is read alone.

What is said of the upstream's breaker is said of one of them: the first that is refuted, or the
only one that changed. Where several changed nothing is said of when, as nobody says which is meant.
"""

from __future__ import annotations

import math
from functools import cached_property

from msgspec.structs import replace

from harness.wire.attempts import Attempt
from harness.wire.causes import Cause
from harness.wire.changes import Changes, Probe
from harness.wire.demand import Asked, Demand
from harness.wire.learned import exact
from harness.wire.readings import Readings
from harness.wire.states import Reading
from harness.wire.wire import Wire


class Part(Wire):
    """The calls of one route of an upstream."""

    def __init__(self, whole: Parted, part: str) -> None:
        super().__init__(whole.crossings, whole.upstream)
        self._parted = whole
        self._part = part
        self.of = f"{whole.upstream} ({part})"

    @cached_property
    def attempts(self) -> tuple[Attempt, ...]:
        """Those at its route."""
        return tuple(a for a in self._parted.attempts if self._is_own(a.route))

    @cached_property
    def demands(self) -> tuple[Demand, ...]:
        """Those who made attempts at its route, or made none and would have begun with it."""
        return tuple(filter(None, map(self._demand, self._parted.demands)))

    def _demand(self, demand: Demand) -> Demand | None:
        if not demand.attempts:
            return demand if self._is_own(self.route_of(demand.request.id)) else None
        mine = tuple(a for a in demand.attempts if self._is_own(a.route))
        at_s = mine[0].start_s if mine else 0.0
        return replace(demand, attempts=mine, asked_s=at_s, asked_by_s=at_s) if mine else None

    @cached_property
    def calls(self) -> tuple[tuple[Attempt, ...], ...]:
        """Those at its route."""
        return tuple(call for call in self._parted.calls if self._is_own(call[0].route))

    @cached_property
    def asked(self) -> tuple[Asked, ...]:
        """Those who would have begun with it."""
        return tuple(a for a in self._parted.asked if self._is_own(self.route_of(a.request)))

    @cached_property
    def earlier(self) -> tuple[float, ...]:
        """When calls of its route in the warm-up were answered."""
        calls = self.history.warm_up_calls.to(self.upstream)
        return tuple(
            call.at_s
            for call in calls
            if call.replied is not None and self._is_own(exact(call.called.route, call.called.path))
        )

    def with_timeout(self, timeout_s: float) -> Readings:
        """All calls at the upstream, seen so."""
        return self._parted.with_timeout(timeout_s)

    @property
    def whole(self) -> Readings:
        """All calls at the upstream."""
        return self._parted

    def _is_own(self, route: str) -> bool:
        return self._parted.part_of(route) == self._part


class Parted(Wire):
    """All calls at an upstream that has a breaker for each of its routes."""

    def part_of(self, route: str) -> str:
        """Which of them a call is behind."""
        return self.crossings.template(self.upstream, route) or route

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        """One for each route that was called, in that order."""
        called = [
            *(a.route for a in self.attempts),
            *(self.route_of(a.request) for a in self.asked),
        ]
        return tuple(Part(self, part) for part in dict.fromkeys(map(self.part_of, called)))

    @cached_property
    def told(self) -> Part:
        """The one that is spoken of: the first refuted, else one that changed, else any."""
        return min(self.parts, key=_grave, default=Part(self, ""))

    @cached_property
    def several(self) -> str:
        """Whether more of them changed than the one that is spoken of."""
        others = (part for part in self.parts if part is not self.told)
        if any(part.changes.main for part in others):
            return "breakers of several of its routes changed, and which is meant isn't said"
        return ""

    @cached_property
    def changes(self) -> Changes:
        """Of the only one that changed; no status page is held against it, as that shows one state
        for all.
        """
        if self.several:
            return Changes()
        return replace(self.told.changes, conflicts=(), differences=())

    @property
    def reading(self) -> Reading:
        """Of the one that is spoken of."""
        return self.told.reading

    @property
    def patient_reading(self) -> Reading:
        """Of the one that is spoken of."""
        return self.told.patient_reading

    @property
    def causes(self) -> tuple[Cause, ...]:
        """Of the one that is spoken of."""
        return self.told.causes

    @property
    def probes(self) -> tuple[Probe, ...]:
        """Of the one that is spoken of."""
        return self.told.probes if self.changes.main else ()

    @property
    def late(self) -> tuple[Attempt, ...]:
        """Of the one that is spoken of."""
        return self.told.late if self.changes.main else ()


def _grave(part: Part) -> tuple[float, bool]:
    """What is said first of several: when it was refuted, else whether it changed."""
    at_s = math.inf if part.refutation is None else part.refutation.at_s
    return at_s, not part.changes.main
