"""What an invariant is given: what was played, what it left, and what follows from both."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from harness.explore.acceptor import Reading, TurnedAway, read
from harness.explore.outage import Outage
from harness.explore.surface import ROUTES, Offered, Surface
from harness.explore.wire import Attempt, Result, attempts_of, blind_until_s, cut_idle
from harness.history.view import History, Request
from harness.routes import route_matches
from harness.scenario.faults import FaultBase, Revoke
from harness.scenario.model import Scenario
from harness.settings import ServiceSettings

SLACK_S = 0.02
_AT_ONCE_S = 0.2
"""A request that took longer may have asked the breaker at any time in between."""
_PLAIN_TIE_S, _SWITCHED_TIE_S = 0.06, 0.35
"""How far the target's order of events may be from the wire's: without and with switch points."""


class Evidence:
    """One play of one outage; everything is worked out once, when first asked for."""

    def __init__(self, outage: Outage, scenario: Scenario, history: History, surface: Surface):
        self.outage = outage
        self.scenario = scenario
        self.history = history
        self.surface = surface
        self._attempts: dict[str, tuple[Attempt, ...]] = {}
        self._readings: dict[str, Reading] = {}
        self._routes = {flow.name: flow.route for flow in outage.flows}

    # What was sent

    @cached_property
    def requests(self) -> tuple[Request, ...]:
        """All requests since 0s whose route the surface knows."""
        return tuple(r for r in self.history.requests if self.offered(r) is not None)

    def offered(self, request: Request) -> Offered | None:
        """The route of a request."""
        return self.surface.of(self._routes.get(request.sent.stream, ""))

    def alone(self, request: Request, margin_s: float = 0.1) -> bool:
        """Whether no other request was under way meanwhile."""
        return not any(
            other is not request
            and other.sent.at_s <= request.end_s + margin_s
            and other.end_s >= request.sent.at_s - margin_s
            for other in self.history.requests
        )

    # What crossed the wire

    @cached_property
    def tie_s(self) -> float:
        """How far the target's order of events may be from the wire's, in seconds."""
        return _PLAIN_TIE_S if self.outage.seed == 0 else _SWITCHED_TIE_S

    def settings(self, upstream: str) -> ServiceSettings:
        """n, T, N and W that the target declares."""
        return self.surface.settings[upstream]

    def attempts(self, upstream: str) -> tuple[Attempt, ...]:
        """All attempts at an upstream since 0s."""
        if upstream not in self._attempts:
            self._attempts[upstream] = attempts_of(self.history, upstream, self.settings(upstream))
        return self._attempts[upstream]

    def within(self, upstream: str, start_s: float, end_s: float) -> list[Attempt]:
        """The attempts that began in that time, ends included."""
        return [
            a for a in self.attempts(upstream) if start_s - SLACK_S <= a.start_s <= end_s + SLACK_S
        ]

    def made_for(self, request: Request, upstream: str) -> list[Attempt]:
        """The attempts at an upstream that began in a request's life: its own, and others'."""
        return self.within(upstream, request.sent.at_s, request.end_s)

    def blind(self, upstream: str) -> list[tuple[float, float]]:
        """Windows in which attempts can't be told apart."""
        return blind_until_s(self.history, upstream, self.settings(upstream))

    def reading(self, upstream: str) -> Reading:
        """What the contract's breaker makes of it."""
        if upstream not in self._readings:
            self._readings[upstream] = read(
                self.attempts(upstream),
                self.turned_away(upstream),
                self.settings(upstream),
                tie_s=self.tie_s,
                blind=self.blind(upstream),
                lost=self.lost(upstream),
            )
        return self._readings[upstream]

    def lost(self, upstream: str) -> list[float]:
        """When an attempt may have been made that nobody saw: on a connection just being cut.

        At most one for each such connection, and for each request under way without an attempt.
        """
        found: list[float] = []
        for at_s in cut_idle(self.history, upstream):
            until_s = at_s + self.tie_s
            could = [
                r
                for r in self.requests
                if r.sent.at_s <= until_s and r.end_s >= at_s and self._needs(r, upstream)
            ]
            seen = len(self.within(upstream, at_s, until_s))
            told = sum(at_s - self.tie_s <= other_s <= at_s for other_s in found)
            if len(could) > seen + told:
                found.append(at_s)
        return found

    def _needs(self, request: Request, upstream: str) -> bool:
        offered = self.offered(request)
        return offered is not None and upstream in offered.upstreams

    def turned_away(self, upstream: str) -> list[TurnedAway]:
        """Requests that surely needed an upstream and were answered at once without an attempt."""
        return [
            TurnedAway(sent_s=r.sent.at_s, end_s=r.end_s, request=r.sent.id)
            for r in self.requests
            if r.service_s <= _AT_ONCE_S
            and self._went_without(r, upstream)
            and not self.made_for(r, upstream)
        ]

    def _went_without(self, request: Request, upstream: str) -> bool:
        """Whether an answer shows that an upstream was needed, got as far as, and not had."""
        offered = self.offered(request)
        if offered is None or upstream not in offered.upstreams:
            return False
        if not offered.route.own and upstream == "auth":
            return False  # its healthy answer is a refusal too
        if request.status == offered.route.healthy:
            if upstream == "billing":
                return offered.says_charged and request.field("charged") is False
            return upstream == "chroma" and request.field("degraded") is True
        if upstream == "auth":
            return request.status in (401, 403, 503)
        return upstream not in ("billing", "chroma") and request.status == 503

    # What was broken

    def faults_on(self, upstream: str) -> tuple[int, ...]:
        """Numbers of the faults that hit an upstream."""
        return tuple(
            index for index, fault in enumerate(self.scenario.faults) if upstream in fault.upstreams
        )

    @cached_property
    def faulted(self) -> tuple[str, ...]:
        """The upstreams that some fault hits."""
        return self.scenario.faulted_upstreams

    def broken_throughout(
        self, upstream: str, route: str, start_s: float, end_s: float, user: str | None = None
    ) -> bool:
        """Whether one fault kept every call of a route from succeeding, from start to end."""
        for index in self.faults_on(upstream):
            fault = self.scenario.faults[index]
            if not (fault.from_ <= start_s + 1e-6 and end_s <= self.scenario.fault_end_s(index)):
                continue
            if fault.on is not None and not route_matches(fault.on, route, route.partition(" ")[2]):
                continue
            if fault.counted is not None or fault.one_in is not None or fault.share < 1:
                continue
            if getattr(fault, "toxicity", 1.0) < 1:
                continue
            if self._spoils(fault, user):
                return True
        return False

    def _spoils(self, fault: FaultBase, user: str | None) -> bool:
        return fault.spoils or (
            isinstance(fault, Revoke) and user is not None and fault.user == user
        )

    def succeeded(self, attempts: Sequence[Attempt], route: str) -> bool:
        """Whether any of these may have succeeded on a route, answered 200."""
        return any(
            Result.SUCCESS in attempt.results
            and (attempt.status is None or attempt.status < 300)
            and route_matches(route, attempt.route, attempt.path)
            for attempt in attempts
        )

    # In words

    def route_name(self, request: Request) -> str:
        """The name of a request's route in the catalogue."""
        return self._routes[request.sent.stream]

    def project_of(self, request: Request) -> str | None:
        """The project that a request names."""
        return ROUTES[self.route_name(request)].project
