"""A gateway's calls in virtual time: attempts, backoffs, and the breakers asked before them."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping
from functools import partial

from msgspec import Struct

from harness.contract.attempt import Attempt, Delivered
from harness.contract.chance import Chance
from harness.contract.outcomes import Life, Outcomes
from harness.contract.routes import Attempted, Call
from harness.contract.way import Clock, Way
from harness.policy.backoffs import Backoff
from harness.policy.breaker import Breaker
from harness.policy.counting import Result, endings_of, plainly
from harness.policy.settings import ServiceSettings
from harness.timeline import Send

_HEALTHY_S = 0.5
"""No healthy attempt takes as long, in seconds."""


class Waiting(Struct, eq=False):
    """An attempt that somebody waits for; `resume` goes on with its end."""

    resume: Callable[[], None] | None = None
    delivered: Delivered | None = None


Steps = Generator["float | Waiting", None, None]
"""Yields the instant to go on at, or an attempt to wait for."""


class Calls:
    """What a gateway does for each call that its requests need, and tells `outcomes` of it."""

    def __init__(
        self,
        clock: Clock,
        chance: Chance,
        settings: Mapping[str, ServiceSettings],
        ways: Mapping[str, Way],
        outcomes: Outcomes,
        *,
        fresh: Callable[[ServiceSettings], Life],
        on_event: Callable[[str], None],
    ) -> None:
        """`settings` and `ways` are by upstream; `fresh` makes a breaker that no call has asked;
        `on_event` is told the upstream at which something happened that a fault may wait for.
        """
        self._clock = clock
        self._chance = chance
        self._settings = settings
        self._ways = ways
        self._outcomes = outcomes
        self._fresh = fresh
        self._on_event = on_event
        self._charged: set[Send] = set()
        self._workers: dict[Send, int] = {}

    def make(self, call: Call, send: Send) -> Generator[float | Waiting, None, Attempted | None]:
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
                ticket = seen.breaker.ask(self._clock.now_s)
                whole = own.counting.by_call and self._chance.whole_trials
                asks_again = own.rechecks and not (whole and ticket is not None and ticket.trial)
            if ticket is None:
                seen.turned_away.append(self._clock.now_s)
                if send not in seen.called_for:
                    # Of several at one instant the one with the lowest number counts as first.
                    sent = send.at_s, send.number
                    seen.rejected[send.stream] = min(sent, seen.rejected.get(send.stream, sent))
                return None
            if number == 1 or own.rechecks or not own.counting.by_call:
                counted_s = self._clock.now_s
            seen.attempts.append(self._clock.now_s)
            seen.called_for.add(send)
            if ticket.trial:
                seen.probes.append(self._clock.now_s)
            self._on_event(call.upstream)
            done = yield from self._attempt(call, send, own, seen.breaker, counted_s)
            last = number == own.attempts
            goes_on = own.counting.by_call and done.result is Result.FAILURE and not last
            if (ticket.trial and asks_again) or not goes_on:
                seen.breaker.tell(ticket, done.counted, self._clock.now_s, self._chance.leeway_s())
                self._outcomes.heard(call.upstream, done.counted)
                self._on_event(call.upstream)
            if done.result is not Result.FAILURE:
                return done
            if not last:
                yield (
                    self._clock.now_s
                    + self._backoff_s(own.backoff, number, done)
                    + self._chance.jitter_s()
                )
        return None

    def _at(self, call: Call, send: Send, own: ServiceSettings) -> Life:
        """What happens at the breaker that a call is behind."""
        parts = self._outcomes.parts[call.upstream]
        part = own.scope.part(call.template, partial(self._worker, send, parts))
        if part not in parts:
            parts[part] = self._fresh(own)
        return parts[part]

    def _worker(self, send: Send, parts: Mapping[str, Life], number: int) -> int:
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
    ) -> Generator[float | Waiting, None, Attempted]:
        """One attempt, on a way where anything may happen to it.

        `counted_s`: since when it takes, for the breaker.
        """

        def work() -> None:
            if call.once:
                self._charge(send)

        way = self._ways[call.upstream]
        if breaker.quiet and way.calm and way.steady(_HEALTHY_S):
            work()
            return Attempted(result=Result.SUCCESS)
        waiting = Waiting()
        attempt = Attempt(
            way=way,
            call=call,
            user=send.user,
            usual_s=self._chance.jitter_s() / 2,
            timeout_s=own.timeout_s,
            on_work=work,
            on_end=partial(self._ended, waiting),
        )
        self._clock.at(self._clock.now_s + own.timeout_s, partial(self._give_up, attempt, waiting))
        attempt.begin()
        if waiting.delivered is None:
            yield waiting
        yield self._clock.now_s + self._chance.jitter_s() / 4
        assert waiting.delivered is not None
        return _made_of(waiting.delivered, own, self._clock.now_s - counted_s)

    def _ended(self, waiting: Waiting, delivered: Delivered) -> None:
        waiting.delivered = delivered
        if waiting.resume is not None:
            waiting.resume()

    def _give_up(self, attempt: Attempt, waiting: Waiting) -> None:
        """The deadline of an attempt (B8)."""
        if waiting.delivered is None:
            attempt.abandon()
            self._ended(waiting, Delivered(whole=False, ending="silence"))

    def _charge(self, send: Send) -> None:
        """One key for each request, so a second attempt is no second charge."""
        if send not in self._charged:
            self._charged.add(send)
            self._outcomes.charges.append(self._clock.now_s)


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
