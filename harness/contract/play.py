"""One run of a scenario in virtual time: calls, attempts, backoffs and breakers.

Ties are broken by chance: every step takes a few milliseconds drawn from the run's seed, so that
events planned for the same instant come in either order over many runs (contract, section 4).
"""

from __future__ import annotations

import heapq
import itertools
import random
from collections import defaultdict
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field

from harness.contract.breaker import Breaker, Outcome
from harness.contract.effects import Armed, Attempted, Effects
from harness.contract.routes import Answer, Call, Route
from harness.scenario.model import Scenario
from harness.settings import ServiceSettings
from harness.timeline import Send

EITHER_WAY_S = 0.25
"""Around the end of the recovery wait either answer is right (B4)."""
_LEANS = (None, EITHER_WAY_S, None, -EITHER_WAY_S)
"""Targets that lean the same way at each probe are sound too: their slips add up."""
_LOGINS_PER_MINUTE = 5
_LAGS_S = ((0.003, 0.003), (0.1, 0.003), (0.012, 0.012), (0.06, 0.012), (0.012, 0.04))
"""How late a request may leave, and a thread may wake; the runs take them in turn."""


@dataclass(slots=True)
class Witness:
    """What happened at one upstream in one run."""

    breaker: Breaker
    attempts: list[float] = field(default_factory=list)
    probes: list[float] = field(default_factory=list)
    rejected: dict[str, int] = field(default_factory=dict)
    """By stream: the first request that was turned away at once."""


@dataclass(slots=True)
class Outcomes:
    """What one run came to."""

    upstreams: dict[str, Witness]
    answers: dict[tuple[str, int], tuple[Answer, float]] = field(default_factory=dict)
    """By stream and number: the answer, and how long it took in seconds."""
    charges: list[float] = field(default_factory=list)


Steps = Generator[float, None, None]


class Run:
    """Plays the sends of a scenario once."""

    def __init__(
        self,
        scenario: Scenario,
        settings: Mapping[str, ServiceSettings],
        routes: Mapping[str, Route],
        seed: int,
    ) -> None:
        self._rng = random.Random(seed)
        self._send_lag_s, self._lag_s = _LAGS_S[seed % len(_LAGS_S)]
        self._lean = _LEANS[seed % len(_LEANS)]
        self._scenario = scenario
        self._settings = settings
        self._routes = routes
        self._now_s = 0.0
        self._queue: list[tuple[float, int, Steps]] = []
        self._sequence = itertools.count()
        self._logins: dict[tuple[str, int], list[float]] = defaultdict(list)
        self._charged: set[tuple[str, int]] = set()
        self._effects = {name: self._effects_on(name) for name in settings}
        self.outcomes = Outcomes(
            upstreams={
                name: Witness(breaker=Breaker(threshold=own.threshold, wait_s=own.wait_s))
                for name, own in settings.items()
            }
        )

    def _effects_on(self, upstream: str) -> Effects:
        armed = [
            Armed(fault, fault.from_, self._scenario.fault_end_s(index))
            for index, fault in enumerate(self._scenario.faults)
            if upstream in fault.upstreams
        ]
        return Effects(armed, self._rng)

    def play(self, sends: tuple[Send, ...]) -> Outcomes:
        """All requests, until each has its answer."""
        for send in sends:
            if send.stream in self._routes:
                late_s = self._send_lag_s * self._rng.random()
                self._at(send.at_s + late_s, self._request(send))
        while self._queue:
            self._now_s, _, steps = heapq.heappop(self._queue)
            self._advance(steps)
        return self.outcomes

    def _at(self, at_s: float, steps: Steps) -> None:
        heapq.heappush(self._queue, (at_s, next(self._sequence), steps))

    def _advance(self, steps: Steps) -> None:
        try:
            at_s = next(steps)
        except StopIteration:
            return
        self._at(at_s, steps)

    def _jitter(self) -> float:
        return self._lag_s * self._rng.random()

    def _request(self, send: Send) -> Steps:
        stream = self._scenario.traffic[send.stream]
        begin_s = self._now_s
        if self._limited(stream.request, (send.stream, send.address)):
            answer = Answer(status=429)
        else:
            flow = self._routes[send.stream](stream, send.user)
            reply: Attempted | None = None
            started = False
            while True:
                try:
                    call = flow.send(reply) if started else next(flow)
                except StopIteration as stop:
                    answer = stop.value
                    break
                started = True
                reply = yield from self._call(call, send)
        self.outcomes.answers[send.stream, send.number] = (answer, self._now_s - begin_s)

    def _limited(self, request: str, address: tuple[str, int]) -> bool:
        """G1: five logins a minute for each client address."""
        if request != "POST /v1/api/auth/login":
            return False
        recent = [at_s for at_s in self._logins[address] if at_s > self._now_s - 60]
        self._logins[address] = recent
        if len(recent) >= _LOGINS_PER_MINUTE:
            return True
        recent.append(self._now_s)
        return False

    def _call(self, call: Call, send: Send) -> Generator[float, None, Attempted | None]:
        """One call: its attempts and backoffs. None stands for `ServiceUnavailable` (B9)."""
        if call.upstream not in self._settings:
            return Attempted(outcome=Outcome.SUCCESS, end_s=self._now_s)
        own = self._settings[call.upstream]
        seen = self.outcomes.upstreams[call.upstream]
        for number in range(1, own.attempts + 1):
            ticket = seen.breaker.ask(self._now_s)
            if ticket is None:
                if number == 1:
                    seen.rejected.setdefault(send.stream, send.number)
                return None
            seen.attempts.append(self._now_s)
            if ticket.probe:
                seen.probes.append(self._now_s)
            done = yield from self._attempt(call, send, own, seen.breaker)
            last = number == own.attempts
            goes_on = own.per_call and done.outcome is Outcome.FAILURE and not last
            if ticket.probe or not goes_on:  # a probe is one attempt in any reading
                seen.breaker.tell(ticket, done.outcome, self._now_s, own.wait_s + self._leeway())
            if done.outcome is not Outcome.FAILURE:
                return done
            if not last:
                yield self._now_s + own.backoff_s(number) + self._jitter()
        return None

    def _leeway(self) -> float:
        """How much sooner or later than W a probe is let through, in seconds."""
        return self._rng.uniform(-EITHER_WAY_S, EITHER_WAY_S) if self._lean is None else self._lean

    def _attempt(
        self, call: Call, send: Send, own: ServiceSettings, breaker: Breaker
    ) -> Generator[float, None, Attempted]:
        effects = self._effects[call.upstream]
        if breaker.quiet and effects.idle(self._now_s):
            done = Attempted(outcome=Outcome.SUCCESS, end_s=self._now_s)
        else:
            done = effects.attempt(
                self._now_s, call.route, own.timeout_s, self._jitter() / 2, send.user
            )
            yield done.end_s + self._jitter() / 4
        if done.executed and call.route == "POST /deduct":
            self._charge(send)
        return done

    def _charge(self, send: Send) -> None:
        """One key for each chat, so a second attempt is no second charge (G7)."""
        key = (send.stream, send.number)
        if key not in self._charged:
            self._charged.add(key)
            self.outcomes.charges.append(self._now_s)
