"""One run of a scenario in virtual time: its clock, its faults, and the requests of its clients."""

from __future__ import annotations

import heapq
import itertools
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from functools import partial

from msgspec.structs import replace

from harness.contract.calls import Calls, Steps, Waiting
from harness.contract.chance import Chance
from harness.contract.forecast import NO_ANSWER
from harness.contract.outcomes import Life, Outcomes, warmed_up
from harness.contract.routes import Attempted, Route
from harness.contract.way import Way
from harness.contracts import Contract
from harness.contracts.routes import Limit, Statuses, covered
from harness.policy.settings import ServiceSettings
from harness.scenario.faults import FaultBase
from harness.scenario.model import Scenario
from harness.timeline import Apply, Lift, Send, Step

_KNOWN_AFTER_S = 0.001
"""How long after an event it is known to whoever begins a fault then (as in the simulation)."""


class Run:
    """Plays the sends of a scenario once."""

    def __init__(
        self,
        scenario: Scenario,
        settings: Mapping[str, ServiceSettings],
        routes: Mapping[str, Route],
        contract: Contract,
        seed: int,
    ) -> None:
        self._chance = Chance(seed)
        self._scenario = scenario
        self._routes = routes
        named = {
            name: contract.route_of(stream.request) for name, stream in scenario.traffic.items()
        }
        self._limits = {name: one.limit for name, one in named.items() if one is not None}
        self._now_s = 0.0
        self._queue: list[tuple[float, int, Callable[[], None]]] = []
        self._sequence = itertools.count()
        self._admitted: dict[tuple[str, int], list[float]] = defaultdict(list)
        self._calling: dict[Send, str] = {}
        self._left: set[Send] = set()
        self._waiting = set(scenario.waiting)
        self._ways = {name: Way(self, self._chance, self._changes_s(name)) for name in settings}
        self._warm_ups = seed % (len(routes) + 1)
        self.outcomes = Outcomes(
            parts={name: {"": self._fresh(own)} for name, own in settings.items()},
            together=frozenset(name for name, own in settings.items() if own.scope.alike),
        )
        self._calls = Calls(
            self,
            self._chance,
            settings,
            self._ways,
            self.outcomes,
            fresh=self._fresh,
            on_event=self._noticed,
        )

    def _fresh(self, own: ServiceSettings) -> Life:
        """A breaker that only the warm-up has asked."""
        return Life(breaker=warmed_up(own, self._chance, self._warm_ups))

    def _changes_s(self, upstream: str) -> list[float]:
        """When faults begin at an upstream and are lifted."""
        faults = enumerate(self._scenario.faults)
        hitting = [(index, fault) for index, fault in faults if upstream in fault.upstreams]
        ends = [self._scenario.fault_end_s(index) for index, _ in hitting]
        return [fault.from_ for _, fault in hitting] + ends

    @property
    def now_s(self) -> float:
        """The present instant of virtual time."""
        return self._now_s

    def at(self, at_s: float, act: Callable[[], None]) -> None:
        """Do something at an instant, after all that was planned for it before."""
        heapq.heappush(self._queue, (at_s, next(self._sequence), act))

    def play(self, steps: Iterable[Step]) -> Outcomes:
        """All steps of a timeline, until each request has its answer."""
        for step in steps:
            if isinstance(step, Send):
                self._plan_send(step)
            else:
                self._plan_change(step)
        while self._queue:
            self._now_s, _, act = heapq.heappop(self._queue)
            act()
        return self.outcomes

    def _plan_send(self, send: Send) -> None:
        if send.stream in self._routes:
            late_s = self._chance.late_s()
            self.at(send.at_s + late_s, lambda: self._go_on(self._request(send)))

    def _plan_change(self, step: Apply | Lift) -> None:
        fault = self._scenario.faults[step.fault]
        for upstream in fault.upstreams:
            if upstream in self._ways:
                self.at(step.at_s, partial(self._change, step, fault, upstream))

    def _change(self, step: Apply | Lift, fault: FaultBase, upstream: str) -> None:
        way = self._ways[upstream]
        change = way.apply if isinstance(step, Apply) else way.lift
        change(step.fault, fault)

    def _noticed(self, upstream: str) -> None:
        """Begin the faults that waited for what has just happened at an upstream."""
        if not self._waiting:
            return
        seen = self.outcomes.of(upstream)
        for index in sorted(self._waiting):
            fault = self._scenario.faults[index]
            if (after := fault.trigger) and after.upstream == upstream and seen.has_come(after):
                self._waiting.discard(index)
                self._begin(index, self._now_s + _KNOWN_AFTER_S + (fault.wait or 0.0))

    def _begin(self, index: int, at_s: float) -> None:
        if at_s >= self._scenario.duration:
            return
        self.outcomes.begun[index] = at_s
        placed = self._scenario.begun({index: at_s})
        end_s = placed.fault_end_s(index)
        for name in placed.faults[index].upstreams:
            for change_s in (at_s, end_s) if name in self._ways else ():
                self._ways[name].expect(change_s)
        self._plan_change(Apply(at_s=at_s, fault=index))
        self._plan_change(Lift(at_s=end_s, fault=index))

    def _go_on(self, steps: Steps) -> None:
        """Take somebody's steps as far as they go without waiting."""
        try:
            until = next(steps)
        except StopIteration:
            return
        if isinstance(until, Waiting):
            until.resume = lambda: self._go_on(steps)
        else:
            self.at(until, lambda: self._go_on(steps))

    def _request(self, send: Send) -> Steps:
        stream = self._scenario.traffic[send.stream]
        begin_s = self._now_s
        if stream.hang_up is not None:
            self.at(send.at_s + stream.hang_up, partial(self._hang_up, send, stream.hang_up))
        if self._limited(self._limits.get(send.stream), (send.stream, send.address)):
            answer: Statuses = (429,)
        else:
            flow = self._routes[send.stream](send.user)
            reply: Attempted | None = None
            started = False
            while True:
                try:
                    call = flow.send(reply) if started else next(flow)
                except StopIteration as stop:
                    answer = stop.value
                    break
                started = True
                if stream.hang_up is not None:
                    self._calling[send] = call.upstream
                    if send in self._left:
                        self.outcomes.abandoned.add(call.upstream)
                reply = yield from self._calls.make(call, send)
        if stream.hang_up is not None:
            self._calling.pop(send, None)
        if not self._left or send not in self._left:
            self._answered(send, answer, self._now_s - begin_s)

    def _answered(self, send: Send, answer: Statuses, took_s: float) -> None:
        """A client has its answer, or none; it may try again."""
        stream = self._scenario.traffic[send.stream]
        if stream.hang_up is not None:
            self._left.add(send)
        self.outcomes.answers[send.stream, send.number] = (answer, took_s)
        retry = stream.retry
        if retry is None or send.tried >= retry.attempts:
            return
        if (self._chance.one_of(sorted(covered(answer))) or None) in retry.on:
            again_s = self._now_s + retry.waits_s[send.tried - 1]
            if again_s < self._scenario.duration:
                self._plan_send(replace(send, at_s=again_s, tried=send.tried + 1))

    def _hang_up(self, send: Send, patience_s: float) -> None:
        if send not in self._left:
            if send in self._calling:
                self.outcomes.abandoned.add(self._calling[send])
            self._answered(send, (NO_ANSWER,), patience_s)

    def _limited(self, limit: Limit | None, address: tuple[str, int]) -> bool:
        """Whether a client address has had all that it may have for now."""
        if limit is None:
            return False
        recent = [at_s for at_s in self._admitted[address] if at_s > self._now_s - limit.within]
        self._admitted[address] = recent
        if len(recent) >= limit.count:
            return True
        recent.append(self._now_s)
        return False
