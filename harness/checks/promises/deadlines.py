"""The deadline of an attempt is one that it gets: nobody gives it up before (B8).

Only attempts that met nothing but silence are judged, since whoever has heard a part of an answer
may know enough; and only while everybody is waited for, since whoever works for nobody may stop.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property

from harness.checks.promises.facts import Facts
from harness.checks.promises.violation import Violation
from harness.contracts.promises import ENDS_ATTEMPTS
from harness.history.requests import Request
from harness.history.view import FaultWindow
from harness.routes import route_matches
from harness.scenario.faults import KINDS
from harness.wire.learned import CLOCK_S

_EARLY_S, _EARLY = 0.3, 0.1
"""So much before its deadline, in seconds and as a share of it, an attempt may end all the same."""
_NEAR_S = 0.5
"""So near to the end of a client that has left, or of all, it may have been stopped for that."""


def cut_short(facts: Facts) -> Iterator[Violation]:
    """No attempt is given up before its deadline (B8)."""
    for upstream in filter(facts.has_declared, facts.upstreams):
        deadline_s = facts.settings(upstream).timeout_s
        if not math.isfinite(deadline_s):
            continue
        waiting = _Waiting(facts, upstream)
        early_s = max(_EARLY_S, _EARLY * deadline_s)
        for start_s, end_s in facts.history.connections_at(upstream).given_up():
            lasted_s = end_s - start_s
            if lasted_s >= deadline_s - early_s - facts.slack_s(start_s, end_s):
                continue
            if not waiting.in_silence(start_s, end_s) or waiting.left_near(end_s):
                continue
            request = waiting.request(start_s, end_s)
            if request is not None:
                says = (
                    f"gave up its attempt at {upstream} of {start_s:.2f} s after {lasted_s:.2f} s, "
                    f"not {deadline_s:g} s"
                )
                claims = facts.claims(ENDS_ATTEMPTS)
                yield Violation.of(request, "the whole deadline", upstream, claims, says)
                break


class _Waiting:
    """Who waits for an upstream, and what it meets meanwhile."""

    def __init__(self, facts: Facts, upstream: str) -> None:
        self._facts = facts
        self._upstream = upstream

    @cached_property
    def _faults(self) -> Sequence[FaultWindow]:
        return self._facts.history.faults_on(self._upstream)

    def in_silence(self, start_s: float, end_s: float) -> bool:
        """Whether an upstream was silent all that time, and nothing else was wrong with it."""
        met = [fault for fault in self._faults if fault.meets(start_s, end_s)]
        silent = all(KINDS[fault.name].new == "silent" for fault in met)
        return silent and any(fault.holds(start_s) and fault.holds(end_s) for fault in met)

    @cached_property
    def _left_s(self) -> Sequence[float]:
        left = (request.hung_up_s for request in self._facts.history.requests)
        return sorted(at_s for at_s in left if at_s is not None)

    def left_near(self, at_s: float) -> bool:
        """Whether a client left about then, or all did, as the play ended."""
        near_s = self._facts.margin_s(at_s, _NEAR_S)
        first = bisect_left(self._left_s, at_s - near_s)
        left = first < len(self._left_s) and self._left_s[first] <= at_s + near_s
        return left or at_s + near_s >= self._facts.history.end_s

    def request(self, start_s: float, end_s: float) -> Request | None:
        """The request that waited for the attempt all that time, and that makes such calls when all
        is well; None for a health check, say.
        """
        wire = self._facts.wire(self._upstream)
        begun_s = wire.begun_s
        for attempt in wire.attempts[
            bisect_left(begun_s, start_s) : bisect_right(begun_s, start_s)
        ]:
            request = self._requests.get(wire.request_of(attempt) or -1)
            if request is None or end_s > request.end_s + CLOCK_S:
                continue
            calls = self._facts.offered(request).calls
            own = (route for name, route in calls if name == self._upstream)
            if any(route_matches(route, attempt.route, attempt.path) for route in own):
                return request
        return None

    @cached_property
    def _requests(self) -> Mapping[int, Request]:
        return {request.id: request for request in self._facts.requests}
