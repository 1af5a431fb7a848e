"""What a request may do next at an upstream, and how unlikely that is, given what it has done.

Unlikely is counted in seconds: so far off from when it is due an attempt seems.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from harness.history.requests import Request
from harness.policy.counting import Result
from harness.policy.settings import ServiceSettings
from harness.wire.attempts import FAILURE, Attempt
from harness.wire.learned import CLOCK_S, Learned, alike
from harness.wire.made import last_of, same, tries_of
from harness.wire.sight import Sight

ASIDE_S = 0.5
"""What a request does out of turn: before an earlier call, or beside another."""
UNSURE_S = 0.1
"""A retry of what may have succeeded, beside whoever surely was to ask then."""
ANSWERED_S = 0.2
"""An attempt that begins when its request had just been answered."""
UNLIKELY_S = 5.0
"""What a request does instead of waiting for its next attempt."""
TOO_MANY_S = 1e4
"""An attempt more than it may make of a call: anybody else's that it may be comes first."""

Mine = Mapping[str, Sequence[Attempt]] | None
"""What a request has attempted by now, by upstream; None for nothing."""


class Due(NamedTuple):
    """What a request may do next at an upstream, and how unlikely that is."""

    upstream: str
    from_s: float
    """The earliest instant."""
    at_s: float
    """The latest instant that is on time."""
    unlikely_s: float
    of: Learned | Attempt | None = None
    """The call, or the attempt that it repeats; None for one that nobody is known to make."""
    until_s: float = math.inf
    """When it has been given up."""

    def when_s(self, attempt: Attempt) -> float | None:
        """When this attempt was due, the instant nearest to its begin; None if it isn't this."""
        start_s = attempt.start_s
        if not self.from_s - CLOCK_S <= start_s <= self.until_s + CLOCK_S:
            return None
        if isinstance(self.of, Attempt):
            fits = same(self.of, attempt)
        else:
            fits = self.of is None or alike(self.of.route, attempt)
        return min(max(start_s, self.from_s), self.at_s) if fits else None


class Turns:
    """Whose turn it is. `calls`: what each stream calls, in order; `leads_s`: what a target takes
    before the first of them.
    """

    def __init__(
        self,
        calls: Mapping[str, Sequence[Learned]],
        settings: Mapping[str, ServiceSettings],
        sights: Mapping[str, Sight],
        leads_s: Mapping[str, float],
    ) -> None:
        self._calls = calls
        self._leads_s = leads_s
        self._settings = settings
        self._sights = sights

    def all(self, request: Request, mine: Mine) -> list[Due]:
        """All that a request may do next, on the routes that its stream is known to call."""
        last = last_of(mine)
        upstreams = dict.fromkeys(call.upstream for call in self._calls[request.stream])
        if last is not None:
            upstreams[last[0]] = None
        return [due for name in upstreams for due in self.at(name, request, mine)]

    def at(
        self, upstream: str, request: Request, mine: Mine, *, strange: bool = False
    ) -> Iterator[Due]:
        """All that it may do next at an upstream; `strange`: on a route that no stream is known to
        call.
        """
        calls = self._calls[request.stream]
        own_calls = [None] if strange else [call for call in calls if call.upstream == upstream]
        last = last_of(mine)
        if mine is not None and last is not None:
            yield from self._after(last, mine, upstream, own_calls, calls)
            return
        aside_s = 0.0 if strange or calls[0].upstream == upstream else ASIDE_S
        for call in own_calls:
            by_s = request.at_s + self._leads_s.get(request.stream, 0.0)
            yield from self._or_later(Due(upstream, request.at_s, by_s, aside_s, call), 1)

    def _after(
        self,
        last: tuple[str, Attempt],
        mine: Mapping[str, Sequence[Attempt]],
        upstream: str,
        own_calls: Sequence[Learned | None],
        calls: Sequence[Learned],
    ) -> Iterator[Due]:
        """What may follow its last attempt: the same again, or one of the upstream's own calls."""
        name, latest = last
        own, tries = self._settings[name], tries_of(mine[name], latest)
        done_s, by_s = latest.ends_from_s, latest.end_s  # it may have ended at any time in between
        failed = Result.FAILURE in latest.results
        again = failed and tries < own.attempts
        waits = tuple(_waits(own, tries, latest.status))
        if name == upstream and failed:
            more_s = 0.0 if again else TOO_MANY_S
            more_s += 0.0 if latest.results == FAILURE else UNSURE_S
            for low_s, high_s, price_s in waits:
                due = Due(upstream, done_s + low_s, by_s + high_s, more_s + price_s, latest)
                yield from self._or_later(due, tries + 1)
            yield Due(upstream, done_s, by_s, more_s + UNLIKELY_S, latest)
        # It goes on at once after an attempt that may have succeeded, or was its last one.
        on_s = UNLIKELY_S if again and latest.results == FAILURE else 0.0
        were = [k for k, call in enumerate(calls) if call.may_be(name, latest)] or [-1]
        # Which call a bare connection was for is open: never two at one upstream in a row.
        done = max(were) if name == upstream else min(were)
        # Whoever asks several at one instant has made all of these, whichever counts as last.
        beside = [a for a in mine.get(upstream, ()) if a.start_s >= latest.start_s]
        for call in own_calls:
            if call is not None and any(call.may_be(upstream, attempt) for attempt in beside):
                continue
            if call is None or calls.index(call) > done:
                for low_s, high_s, price_s in waits if again else ():
                    yield Due(upstream, done_s + low_s, by_s + high_s, price_s, call)
                yield from self._or_later(Due(upstream, done_s, by_s, on_s, call), 1)
            if call is not None and name != upstream and not is_made(call, mine):
                # It may ask several at once, in any order.
                yield Due(upstream, latest.start_s, latest.start_s, ASIDE_S, call)

    def _or_later(self, due: Due, number: int) -> Iterator[Due]:
        """The same, and what comes after it if it is waited for in vain, unseen, as the attempt of
        that number of its call: so are those that follow.
        """
        own, sight = self._settings[due.upstream], self._sights[due.upstream]
        while number < own.attempts:
            failed_s = sight.given_up_s(due.at_s, own.timeout_s)
            if failed_s is None:
                break
            yield due._replace(until_s=failed_s)
            again_s = failed_s + own.backoff_s(number)
            due, number = due._replace(from_s=again_s, at_s=again_s), number + 1
        yield due

    def done_s(self, upstream: str, attempt: Attempt, mine: Mine) -> float:
        """When a request goes on after an attempt that it made: who will retry waits before."""
        own, last, tries = self._settings[upstream], last_of(mine), 1
        if mine is not None and last is not None and last[0] == upstream and same(last[1], attempt):
            tries = 1 if last[1].ok else tries_of(mine[upstream], last[1]) + 1
        if attempt.results != FAILURE or tries >= own.attempts:
            return attempt.end_s
        return attempt.end_s + own.backoff_s(tries)

    def failed_by(self, upstream: str, mine: Mine) -> str | None:
        """The upstream that had failed a request for good before it came to this one."""
        last = last_of(mine)
        if mine is None or last is None or last[0] == upstream or last[1].results != FAILURE:
            return None
        name, latest = last
        return name if tries_of(mine[name], latest) >= self._settings[name].attempts else None


def is_made(call: Learned, mine: Mapping[str, Sequence[Attempt]]) -> bool:
    """Whether one of these attempts may be of a call."""
    return any(call.may_be(call.upstream, attempt) for attempt in mine.get(call.upstream, ()))


def _waits(
    own: ServiceSettings, tries: int, status: int | None
) -> Iterator[tuple[float, float, float]]:
    """Between which waits (seconds) a call tries again, and how unlikely that is.

    Few answers say `Retry-After`: where it is heeded, any wait may be, but isn't the likeliest.
    """
    yield (*own.backoff.between_s(tries), 0.0)
    if own.backoff.heeds and status is not None:
        yield (*own.between_s(tries, status), UNLIKELY_S)
