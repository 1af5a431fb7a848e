"""What a promise is held against: the requests of a play, what each needed, and what was broken.

Which upstreams a stream's requests call, and what they are answered when all is well, is learned
from the warm-up, so that nothing is expected of a target that it never did.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from functools import cached_property

from msgspec import field

from harness.checks.case import Case
from harness.checks.excuses import Excuses
from harness.checks.promises.broken import Broken
from harness.checks.selection import WHOLE
from harness.contracts import ContractRoute, Step
from harness.frozen import Frozen
from harness.history.events import Logged
from harness.history.requests import Request
from harness.history.spans import Spans
from harness.history.view import History
from harness.policy.counting import Result
from harness.policy.settings import ServiceSettings
from harness.routes import route_matches
from harness.scenario.faults import KINDS
from harness.scenario.model import Scenario
from harness.wire.attempts import Attempt
from harness.wire.learned import CLOCK_S
from harness.wire.wire import Wire

OWN_WORK = 3
"""So many times what a request takes when all is well a target may spend on its own work."""


class Offered(Frozen, kw_only=True):
    """What a stream's requests are answered when all is well, and the calls that they then make."""

    stream: str
    healthy: int
    healthy_s: float
    """How long that takes, with whatever the target does besides."""
    own: bool
    """Whether the user may do it: has a good token or password, and owns what is asked for."""
    route: ContractRoute | None
    """Its route in the contract; None for one that the contract doesn't name."""
    calls: tuple[tuple[str, str], ...]
    """Upstream and route of each call of a healthy request, in order."""
    upstreams: tuple[str, ...]
    """The upstreams that it calls, each once, in order."""
    shown: Mapping[str, bool] = field(default_factory=dict)
    """What answers say of the calls behind them, as the contract has it and the warm-up showed."""

    @property
    def steps(self) -> tuple[Step, ...]:
        """The calls that the contract says it makes, in order."""
        return () if self.route is None else self.route.calls


class Facts:
    """One play of one scenario; everything is worked out once, when first asked for."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.scenario: Scenario = case.scenario
        self.history: History = case.history
        self._lives: dict[str | None, Spans] = {}
        self._asked: dict[tuple[str, str], tuple[float, float]] = {}

    def claims(self, *promises: str) -> tuple[str, ...]:
        """The claims that the contract says these promises rest on."""
        return self.case.contract.claims_of(*promises)

    # What was sent

    @cached_property
    def streams(self) -> dict[str, Offered]:
        """The streams whose warm-up was answered as their authors say it should be."""
        last = self.case.witness.warm_up.last
        found = {}
        for name, stream in self.scenario.traffic.items():
            request = last.get(name)
            status = None if request is None else request.status
            if request is not None and status is not None and status in stream.healthy:
                found[name] = _offered(name, request, self.case)
        return found

    @cached_property
    def requests(self) -> tuple[Request, ...]:
        """All requests since 0s of these streams."""
        return tuple(r for r in self.history.requests if r.stream in self.streams)

    @cached_property
    def answered(self) -> int:
        """How many of these were answered."""
        return sum(not request.unanswered for request in self.requests)

    def excused(self, request: Request) -> bool:
        """Whether there is patience for its answer, whatever it is."""
        return self.case.patient and self._excuses.answer(request)

    @cached_property
    def _excuses(self) -> Excuses:
        return Excuses(self.case, WHOLE)

    def offered(self, request: Request) -> Offered:
        """What a request's stream is answered when all is well."""
        return self.streams[request.stream]

    def alone(self, request: Request, margin_s: float = 0.1, *, at: str | None = None) -> bool:
        """Whether no other request was under way meanwhile; `at`: that may have called this
        upstream.
        """
        begun_s = request.at_s - self.margin_s(request.at_s, margin_s)
        ended_s = request.end_s + self.margin_s(request.end_s, margin_s)
        if at not in self._lives:
            self._lives[at] = Spans(
                (other.at_s, other.end_s)
                for other in self.history.requests
                if at is None or self._may_call(other, at)
            )
        return self._lives[at].touching(begun_s, ended_s) == 1  # itself

    def _may_call(self, request: Request, upstream: str) -> bool:
        offered = self.streams.get(request.stream)
        if offered is None:
            return True  # nobody knows what it calls
        steps = (step.upstream for step in offered.steps)
        return upstream in offered.upstreams or upstream in steps

    def margin_s(self, at_s: float, margin_s: float) -> float:
        """A margin around an instant, as wide as there is patience for."""
        return margin_s + self.case.late_at_s(at_s)

    # What crossed the wire

    @property
    def upstreams(self) -> tuple[str, ...]:
        """The upstreams that some stream calls and the target declares."""
        called = dict.fromkeys(name for one in self.streams.values() for name in one.upstreams)
        return tuple(name for name in called if name in self.history.run.upstreams)

    def settings(self, upstream: str) -> ServiceSettings:
        """What the target declares of an upstream."""
        return self.case.settings(upstream)

    def has_declared(self, upstream: str) -> bool:
        """Whether anybody said how an upstream is called; else its settings are a guess.

        A target that declares just what the contract says of all others can't be told from one that
        says nothing.
        """
        contract = self.case.contract
        return upstream in contract.upstreams or self.settings(upstream) != contract.settings_of(
            upstream
        )

    def has_declared_backoff(self, upstream: str) -> bool:
        """Whether anybody said how long is waited between attempts, as `has_declared` knows it: who
        says only how many there are leaves that open.
        """
        contract = self.case.contract
        usual = contract.settings_of(upstream).backoff
        return upstream in contract.upstreams or self.settings(upstream).backoff != usual

    def wire(self, upstream: str) -> Wire:
        """What crossed an upstream's wire."""
        return self.case.wire(upstream)

    def sees_all(self, upstream: str) -> bool:
        """Whether every attempt at an upstream left a trace, with its beginning and its end."""
        return self.wire(upstream).sight.sees_ends

    def queues(self, offered: Offered) -> tuple[str, ...]:
        """Where calls seem to wait for each other that a stream's requests make."""
        queues = [self.wire(name).queue for name in offered.upstreams if name in self.upstreams]
        return tuple(queue.says for queue in queues if queue is not None)

    def converses(self, offered: Offered, start_s: float, end_s: float) -> bool:
        """Whether a service that speaks no HTTP was slow then: a call there is a conversation of
        turns that nobody has counted, each with its own deadline.
        """
        own = set(offered.upstreams) & set(self.history.run.tcp)
        return any(
            KINDS[fault.name].new == "slow"
            and own.intersection(fault.upstreams)
            and fault.meets(start_s, end_s)
            for fault in self.history.faults
        )

    def slack_s(self, start_s: float, end_s: float) -> float:
        """How late what went on in that time may be: ties, and what there is patience for."""
        return self._ties_s + self.case.late_s(start_s, end_s)

    @cached_property
    def _ties_s(self) -> float:
        return max(sight.fine_s for sight in self.case.witness.sights.values())

    def within(self, upstream: str, start_s: float, end_s: float) -> list[Attempt]:
        """The attempts that began in that time, ends included."""
        wire = self.wire(upstream)
        return list(wire.attempts[slice(*self.between(wire.begun_s, start_s, end_s))])

    def between(self, begun_s: Sequence[float], start_s: float, end_s: float) -> tuple[int, int]:
        """From where to where instants lie in that time, ends included."""
        until_s = end_s + self.margin_s(end_s, CLOCK_S)
        return bisect_left(begun_s, start_s - CLOCK_S), bisect_right(begun_s, until_s)

    def begun_in(self, request: Request, upstream: str) -> list[Attempt]:
        """The attempts at an upstream that began in a request's life: its own, and others'."""
        return self.within(upstream, request.at_s, request.end_s)

    def asked_for(self, request: Request, upstream: str, route: str) -> list[Attempt]:
        """Those that may be of a route."""
        made = self.begun_in(request, upstream)
        return [attempt for attempt in made if self._may_be(attempt, upstream, route)]

    def _may_be(self, attempt: Attempt, upstream: str, route: str) -> bool:
        """Whether an attempt may be of a route: a refused connect doesn't say what it was for, and
        what the contract doesn't know may be what it spells otherwise.
        """
        if not attempt.path or route_matches(route, attempt.route, attempt.path):
            return True
        return self.case.contract.step_of(upstream, attempt.route) is None

    def met_open(self, request: Request, upstream: str) -> bool:
        """Whether a request of a stream that always asks an upstream surely met its open breaker.

        It does ask each time if all its requests made attempts until the breaker first opened.
        """
        wire = self.wire(upstream)
        if wire.refutation is not None or not wire.open_windows:
            return False
        slack_s = self.slack_s(request.at_s, request.end_s)
        first_s = wire.open_windows[0].start_s - slack_s
        ends_s, silent_s = self._asking(request.stream, upstream)
        return ends_s < first_s <= silent_s and any(
            window.start_s + slack_s < request.at_s and request.end_s < window.end_s - slack_s
            for window in wire.open_windows
        )

    def _asking(self, stream: str, upstream: str) -> tuple[float, float]:
        """Of a stream's requests up to the first opening of a breaker: when the first of all ends,
        and the first that made no attempt.
        """
        if (found := self._asked.get((stream, upstream))) is None:
            first_s = self.wire(upstream).open_windows[0].start_s
            before = [r for r in self.history.stream(stream) if r.end_s < first_s]
            silent = [r for r in before if not self.begun_in(r, upstream)]
            ends_s, silent_s = (
                min((r.end_s for r in each), default=math.inf) for each in (before, silent)
            )
            found = self._asked[stream, upstream] = ends_s, silent_s
        return found

    def surely_closed(self, upstream: str, start_s: float, end_s: float) -> bool:
        """Whether a sound breaker explains everything, and surely was closed all that time."""
        wire = self.wire(upstream)
        if wire.refutation is not None or wire.changes.more:
            return False
        if any(start_s <= at_s <= end_s for at_s in wire.lost):
            return False
        for story in (wire.changes.main, *wire.changes.others):
            state, since_s = "closed", -math.inf
            for change in (*story, None):
                until_s = math.inf if change is None else change.high_s
                if state != "closed" and since_s <= end_s and start_s <= until_s:
                    return False
                if change is not None:
                    state, since_s = change.kind, change.low_s
        return True

    @cached_property
    def output(self) -> Sequence[Logged]:
        """The lines that the target itself printed."""
        return [line for line in self.history.logs if line.by == "target"]

    # What was broken

    @cached_property
    def broken(self) -> Broken:
        """Which faults kept which calls from succeeding."""
        return Broken(self.case)

    @cached_property
    def faulted(self) -> tuple[str, ...]:
        """The upstreams that some fault hits."""
        return self.scenario.faulted_upstreams

    def succeeded(self, attempts: Sequence[Attempt], upstream: str, route: str) -> bool:
        """Whether any of these may have succeeded on a route of an upstream, answered 200."""
        return any(
            Result.SUCCESS in attempt.results
            and (attempt.status is None or attempt.status < 300)
            and self._may_be(attempt, upstream, route)
            for attempt in attempts
        )


def _offered(name: str, request: Request, case: Case) -> Offered:
    calls = case.witness.demands.calls.get(name, ())
    healthy, declared = request.status or 0, case.history.run.upstreams
    route = case.contract.route_of(f"{request.method} {request.path}")
    steps = () if route is None else route.calls
    shown = {name: value for step in steps for name, value in step.shows.items()}
    return Offered(
        stream=name,
        healthy=healthy,
        healthy_s=request.service_s,
        own=200 <= healthy < 300,
        route=route,
        calls=tuple((c.upstream, c.route) for c in calls if c.upstream in declared),
        upstreams=tuple(dict.fromkeys(c.upstream for c in calls if c.upstream in declared)),
        shown={name: value for name, value in shown.items() if request.field(name) is value},
    )
