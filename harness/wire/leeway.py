"""What a busy machine may have changed in what one upstream's breaker met, and when it changed.

Waits shift instants, and that is all but where two things come so near to each other that the
waits between them may have decided which came first: a fault and an attempt, a deadline and an
answer, the end of a breaker's wait and a request. Whatever hangs on such a thing may have come one
request earlier or later for each of them; where it was a probe, its breaker's whole life hangs on
it. Without measured waits there is no leeway at all.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from functools import cached_property

from msgspec.structs import replace

from harness.history.requests import Request
from harness.policy.settings import ServiceSettings
from harness.verdict import Transition
from harness.wire.attempts import Attempt
from harness.wire.demand import Demand
from harness.wire.sight import Sight
from harness.wire.stories import Change

LOST = 0.5
"""Waits of this share of a deadline may be why an attempt reached it, and of this share of a
backoff why there seems to have been one. An answer that a fault holds back for longer than the rest
of its deadline races it on a quiet machine, too."""


class Leeway:
    """The leeway of one wire. Everything is worked out when first asked for."""

    def __init__(
        self,
        sight: Sight,
        settings: ServiceSettings,
        demands: Sequence[Demand],
        attempts: Sequence[Attempt],
        changes: Sequence[Change],
    ) -> None:
        self._sight = sight
        self._settings = settings
        self._demands = demands
        self._attempts = attempts
        self._changes = changes

    # What waits may have decided

    def _near(self, at_s: float, edge: tuple[float, float]) -> bool:
        """Whether an instant lies within an edge that was waited for, or as near to it as the waits
        between them, or reaching into them, make up for.
        """
        nearest_s = min(max(at_s, edge[0]), edge[1])
        waited_s = self._sight.late_s(min(at_s, edge[0]), max(at_s, edge[1]))
        return abs(at_s - nearest_s) <= waited_s and waited_s > 0

    @cached_property
    def _raced(self) -> tuple[Attempt, ...]:
        """Attempts that waits may have made fail or succeed: at a fault's edge, or its deadline."""
        return tuple(attempt for attempt in self._attempts if self._is_raced(attempt))

    @cached_property
    def _edges(self) -> tuple[tuple[float, float], ...]:
        """When faults should have come and gone, and did."""
        pairs = (
            (plan_s, at_s)
            for f in self._sight.faults
            for plan_s, at_s in ((f.planned.start_s, f.start_s), (f.planned.end_s, f.end_s))
        )
        return tuple((min(pair), max(pair)) for pair in pairs if max(pair) < math.inf)

    def _is_raced(self, attempt: Attempt) -> bool:
        waited_s = self._sight.late_on_wire_s(attempt.start_s, attempt.end_s)
        if waited_s > 0 and (attempt.result is None or waited_s >= LOST * self._settings.timeout_s):
            return True
        ends_s = (attempt.start_s, attempt.ends_from_s, attempt.end_s)
        return any(self._near(at_s, edge) for edge in self._edges for at_s in ends_s)

    @cached_property
    def _raced_ids(self) -> frozenset[int]:
        return frozenset(attempt.id for attempt in self._raced)

    @cached_property
    def _dues(self) -> tuple[tuple[float, float], ...]:
        """When the wait of each opening was over."""
        found, openings = [], 0
        for change in self._changes:
            if change.kind == "open":
                openings += 1
                wait = self._settings.breaker.wait
                wait_s = wait.wait_s(openings)
                found.append((change.low_s + wait_s, change.high_s + wait_s + wait.later_s))
            elif change.kind == "closed":
                openings = 0
        return tuple(found)

    @cached_property
    def _decided_s(self) -> tuple[float, ...]:
        """When waits may have decided something that later changes hang on, in order."""
        found = [attempt.start_s for attempt in self._raced]
        found += [
            demand.asked_s
            for demand in self._demands
            if any(self._near(demand.asked_s, due) for due in self._dues)
        ]
        return tuple(sorted(found))

    def decides(self, request: Request) -> bool:
        """Whether waits may have decided which state of the breaker, or which fault, it met."""
        demand = self._demand_of.get(request.id)
        instants_s = {request.planned_s, request.at_s}
        if demand is not None:
            if any(attempt.id in self._raced_ids for attempt in demand.attempts):
                return True
            instants_s.add(demand.asked_s)
        changed = ((change.low_s, change.high_s) for change in self._changes)
        edges = (*changed, *self._dues, *self._edges)
        return any(self._near(at_s, edge) for at_s in instants_s for edge in edges)

    @cached_property
    def _demand_of(self) -> dict[int, Demand]:
        return {demand.request.id: demand for demand in self._demands}

    def doubts(self, attempt: Attempt) -> bool:
        """Whether an attempt that nobody saw may be none: waits make up for half of the time by
        which it is known.
        """
        demand = None if attempt.request is None else self._demand_of.get(attempt.request)
        if demand is None or demand.request.unanswered:
            return False
        until_s = demand.request.end_s
        waited_s = self._sight.late_s(attempt.start_s, until_s)
        return waited_s >= LOST * (until_s - attempt.start_s)

    # How far off a change may be

    def widened(self, transition: Transition) -> Transition:
        """The same change with all the instants at which it may have been on a quiet machine."""
        low_s = transition.at_s - transition.error_s
        high_s = transition.at_s + transition.error_s
        own_s = self._own_s(low_s, high_s)
        if own_s <= 0 and not self._decided_s:
            return transition
        beats = self.beats(high_s)
        asked = sorted(demand.asked_s for demand in self._demands)
        if beats is None:
            low_s, high_s = 0.0, math.inf
        elif beats and asked:
            first, last = bisect_right(asked, low_s) - 1 - beats, bisect_left(asked, high_s) + beats
            low_s = min(low_s, asked[max(0, first)])
            high_s = max(high_s, asked[last] if last < len(asked) else math.inf)
        low_s, high_s = low_s - own_s, high_s + own_s
        if math.isinf(high_s):
            return replace(transition, error_s=math.inf)
        return replace(transition, at_s=(low_s + high_s) / 2, error_s=(high_s - low_s) / 2)

    def beats(self, until_s: float) -> int | None:
        """By how many requests what hangs on all that was decided until then may be off.

        None for any number: waits may have decided how a probe ended.
        """
        probes = {c.attempt for c in self._changes if c.kind == "half_open" and c.high_s < until_s}
        if probes & self._raced_ids:
            return None
        return bisect_right(self._decided_s, until_s)

    def _own_s(self, low_s: float, high_s: float) -> float:
        """What was waited in the lives of the requests that were under way then."""
        begun = [
            demand.request.planned_s
            for demand in self._demands
            if demand.request.at_s <= high_s and demand.request.end_s >= low_s
        ]
        return self._sight.late_s(min([low_s, *begun]), high_s)
