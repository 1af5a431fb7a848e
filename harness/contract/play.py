"""One run of a scenario in virtual time: calls, attempts, backoffs and breakers."""

from __future__ import annotations

import heapq
import itertools
from collections import defaultdict
from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial

from harness.contract.attempt import Attempt, Delivered
from harness.contract.chance import Chance
from harness.contract.forecast import NO_ANSWER
from harness.contract.outcomes import Outcomes, Witness, warmed_up
from harness.contract.routes import Attempted, Call, Route
from harness.contract.wire import Wire
from harness.contracts import Contract
from harness.contracts.routes import Limit, Statuses, covered
from harness.policy.backoffs import Backoff
from harness.policy.breaker import Breaker
from harness.policy.counting import Result, endings_of, plainly
from harness.policy.settings import ServiceSettings
from harness.scenario.faults import FaultBase
from harness.scenario.model import Scenario
from harness.timeline import Apply, Lift, Send, Step

_KNOWN_AFTER_S = 0.001
"""How long after an event it is known to whoever begins a fault then (as in the simulation)."""
_HEALTHY_S = 0.5
"""No healthy attempt takes as long, in seconds."""


@dataclass(slots=True, eq=False)
class _Waiting:
    """An attempt that somebody waits for; `resume` goes on with its end."""

    resume: Callable[[], None] | None = None
    delivered: Delivered | None = None


Steps = Generator["float | _Waiting", None, None]
"""Yields the instant to go on at, or an attempt to wait for."""


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
        self._settings = settings
        self._routes = routes
        named = {
            name: contract.route_of(stream.request) for name, stream in scenario.traffic.items()
        }
        self._limits = {name: one.limit for name, one in named.items() if one is not None}
        self._now_s = 0.0
        self._queue: list[tuple[float, int, Callable[[], None]]] = []
        self._sequence = itertools.count()
        self._admitted: dict[tuple[str, int], list[float]] = defaultdict(list)
        self._charged: set[Send] = set()
        self._calling: dict[Send, str] = {}
        self._left: set[Send] = set()
        self._workers: dict[Send, int] = {}
        self._waiting = set(scenario.waiting)
        self._wires = {name: Wire(self, self._chance, self._changes_s(name)) for name in settings}
        self._warm_ups = seed % (len(routes) + 1)
        self.outcomes = Outcomes(
            parts={
                name: {"": Witness(breaker=warmed_up(own, self._chance, self._warm_ups))}
                for name, own in settings.items()
            },
            together=frozenset(name for name, own in settings.items() if own.scope.alike),
        )

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
            if upstream in self._wires:
                self.at(step.at_s, partial(self._change, step, fault, upstream))

    def _change(self, step: Apply | Lift, fault: FaultBase, upstream: str) -> None:
        wire = self._wires[upstream]
        change = wire.apply if isinstance(step, Apply) else wire.lift
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
            for change_s in (at_s, end_s) if name in self._wires else ():
                self._wires[name].expect(change_s)
        self._plan_change(Apply(at_s=at_s, fault=index))
        self._plan_change(Lift(at_s=end_s, fault=index))

    def _go_on(self, steps: Steps) -> None:
        """Take somebody's steps as far as they go without waiting."""
        try:
            until = next(steps)
        except StopIteration:
            return
        if isinstance(until, _Waiting):
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
                reply = yield from self._call(call, send)
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

    def _call(self, call: Call, send: Send) -> Generator[float | _Waiting, None, Attempted | None]:
        """One call: its attempts and backoffs. None stands for `ServiceUnavailable` (B9)."""
        if call.upstream not in self._settings:
            return Attempted(result=Result.SUCCESS)
        own = self._settings[call.upstream]
        seen = self._at(call, send, own)
        seen.asked = True
        ticket = None
        asks_again = own.rechecks
        for number in range(1, own.attempts + 1):
            if number == 1 or asks_again:
                ticket = seen.breaker.ask(self._now_s)
                whole = own.counting.by_call and self._chance.whole_trials
                asks_again = own.rechecks and not (whole and ticket is not None and ticket.trial)
            if ticket is None:
                seen.turned_away.append(self._now_s)
                if send not in seen.called_for:
                    # Of several at one instant the one with the lowest number counts as first.
                    sent = send.at_s, send.number
                    seen.rejected[send.stream] = min(sent, seen.rejected.get(send.stream, sent))
                return None
            if number == 1 or own.rechecks or not own.counting.by_call:
                counted_s = self._now_s
            seen.attempts.append(self._now_s)
            seen.called_for.add(send)
            if ticket.trial:
                seen.probes.append(self._now_s)
            self._noticed(call.upstream)
            done = yield from self._attempt(call, send, own, seen.breaker, counted_s)
            last = number == own.attempts
            goes_on = own.counting.by_call and done.result is Result.FAILURE and not last
            if (ticket.trial and asks_again) or not goes_on:
                seen.breaker.tell(ticket, done.counted, self._now_s, self._chance.leeway_s())
                self.outcomes.heard(call.upstream, done.counted)
                self._noticed(call.upstream)
            if done.result is not Result.FAILURE:
                return done
            if not last:
                yield (
                    self._now_s
                    + self._backoff_s(own.backoff, number, done)
                    + self._chance.jitter_s()
                )
        return None

    def _at(self, call: Call, send: Send, own: ServiceSettings) -> Witness:
        """What happens at the breaker that a call is behind."""
        parts = self.outcomes.parts[call.upstream]
        part = own.scope.part(call.template, partial(self._worker, send, parts))
        if part not in parts:
            parts[part] = Witness(breaker=warmed_up(own, self._chance, self._warm_ups))
        return parts[part]

    def _worker(self, send: Send, parts: Mapping[str, Witness], number: int) -> int:
        """Which of so many workers has a request."""
        if send not in self._workers:
            drawn = self._chance.worker(len(self._workers))
            opened = sum(seen.breaker.reopens_s is not None for seen in parts.values())
            self._workers[send] = opened if drawn is None else drawn
        return self._workers[send] % number

    def _backoff_s(self, backoff: Backoff, number: int, done: Attempted) -> float:
        """How long a call waits after attempt number `number`."""
        told_s = done.retry_after_s if backoff.heeds else None
        if told_s is not None:
            return told_s
        return self._chance.between_s(*backoff.between_s(number))

    def _attempt(
        self, call: Call, send: Send, own: ServiceSettings, breaker: Breaker, counted_s: float
    ) -> Generator[float | _Waiting, None, Attempted]:
        """One attempt, over the wire where anything may happen to it.

        `counted_s`: since when it takes, for the breaker.
        """

        def work() -> None:
            if call.once:
                self._charge(send)

        wire = self._wires[call.upstream]
        if breaker.quiet and wire.calm and wire.steady(_HEALTHY_S):
            work()
            return Attempted(result=Result.SUCCESS)
        waiting = _Waiting()
        attempt = Attempt(
            wire=wire,
            call=call,
            user=send.user,
            usual_s=self._chance.jitter_s() / 2,
            timeout_s=own.timeout_s,
            on_work=work,
            on_end=partial(self._ended, waiting),
        )
        self.at(self._now_s + own.timeout_s, partial(self._give_up, attempt, waiting))
        attempt.begin()
        if waiting.delivered is None:
            yield waiting
        yield self._now_s + self._chance.jitter_s() / 4
        assert waiting.delivered is not None
        return _made_of(waiting.delivered, own, self._now_s - counted_s)

    def _ended(self, waiting: _Waiting, delivered: Delivered) -> None:
        waiting.delivered = delivered
        if waiting.resume is not None:
            waiting.resume()

    def _give_up(self, attempt: Attempt, waiting: _Waiting) -> None:
        """The deadline of an attempt (B8)."""
        if waiting.delivered is None:
            attempt.abandon()
            self._ended(waiting, Delivered(whole=False, ending="silence"))

    def _charge(self, send: Send) -> None:
        """One key for each request, so a second attempt is no second charge."""
        if send not in self._charged:
            self._charged.add(send)
            self.outcomes.charges.append(self._now_s)


def _made_of(delivered: Delivered, own: ServiceSettings, took_s: float) -> Attempted:
    """What an attempt came to: for the call, and for its breaker."""
    served = None if delivered.sent is None else delivered.sent.served
    if not delivered.whole or served is None or not served.readable:
        ending = "broken" if delivered.whole else delivered.ending
        counted = own.counting.counted(Result.FAILURE, took_s, (ending,))
        return Attempted(result=Result.FAILURE, counted=counted, status=None)
    result = plainly(served.status)
    return Attempted(
        result=result,
        counted=own.counting.counted(result, took_s, endings_of(served.status)),
        status=served.status,
        agreed=served.agreed,
        json=served.json,
        retry_after_s=_told_s(served.headers),
    )


def _told_s(headers: Iterable[tuple[str, str]]) -> float | None:
    """How long an answer asks to wait, where it says so in seconds."""
    said = (text for name, text in headers if name.lower() == "retry-after")
    text = next(said, "")
    return float(text) if text.isdecimal() else None
