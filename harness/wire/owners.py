"""Which request each attempt was made for.

What a stream calls, and in which order, is learned from the warm-up. An attempt belongs to one
request that was alive for all of it: the one that was just about to make it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from harness.history.view import Request
from harness.settings import ServiceSettings
from harness.wire.attempts import Attempt, Result
from harness.wire.learned import CLOCK_S, Learned, alike
from harness.wire.sight import TIE_S, Sight

_ASIDE_S = 0.5
"""So far off seems what a request does out of turn: before an earlier call, or beside another."""
_UNLIKELY_S = 5.0
"""So far off seems what a request does instead of waiting for its next attempt."""


class Owners:
    """The requests of one history, and the attempts that each was given.

    `calls`: what each stream calls, in order.
    """

    def __init__(
        self,
        requests: Sequence[Request],
        calls: Mapping[str, Sequence[Learned]],
        settings: Mapping[str, ServiceSettings],
        sights: Mapping[str, Sight],
    ) -> None:
        self._requests = requests
        self._calls = calls
        self._settings = settings
        self._sights = sights
        self._routes: dict[str, set[str]] = defaultdict(set)
        for made in calls.values():
            for call in made:
                self._routes[call.upstream].add(call.route)
        self.of: dict[int, dict[str, list[Attempt]]] = {}
        """The attempts of each request, by its id and by upstream, by start."""

    def match(self, attempts: Mapping[str, Sequence[Attempt]]) -> dict[str, list[Attempt]]:
        """Give each attempt to the request that it was made for, and forget what was before.

        Returns those that say something of a breaker, by upstream; what was only let go, for
        nobody, doesn't.
        """
        self.of = defaultdict(lambda: defaultdict(list))
        kept: dict[str, list[Attempt]] = {name: [] for name in attempts}
        every = sorted(
            ((a.start_s, a.end_s, name, a) for name, made in attempts.items() for a in made),
            key=lambda item: item[:3],
        )
        waiting = sorted(
            (r for r in self._requests if self._calls.get(r.sent.stream)),
            key=lambda r: (r.sent.at_s, r.sent.id),
        )
        alive: list[Request] = []
        upcoming = 0
        for start_s, _, name, attempt in every:
            # What is seen of an attempt may be late, never early: it follows its cause.
            while upcoming < len(waiting) and waiting[upcoming].sent.at_s <= start_s + CLOCK_S:
                alive.append(waiting[upcoming])
                upcoming += 1
            slack_s = CLOCK_S + self._sights[name].noise_s(start_s, start_s)
            alive = [r for r in alive if r.end_s >= start_s - slack_s]
            able = [r for r in alive if attempt.request in (None, r.sent.id)]
            named = [r for r in able if self._names(attempt, r)]
            owner, due_s = self._owner(named or able, name, attempt, slack_s)
            if owner is None:
                if not self._sights[name].released(start_s):
                    kept[name].append(attempt)
                continue
            if start_s > due_s + slack_s and self._sights[name].let_go(due_s, start_s):
                attempt = replace(attempt, start_s=due_s)  # seen only when it was let go
            self._take_over(owner, name, attempt, alive)
            self.of[owner.sent.id][name].append(attempt)
            kept[name].append(attempt)
        return kept

    def _take_over(
        self, owner: Request, upstream: str, attempt: Attempt, alive: Sequence[Request]
    ) -> None:
        """Give a request the earlier call that it must have made to come to this attempt.

        Of requests at one instant it can't be told at first whose an attempt is: it may have been
        given to another one that has done nothing since.
        """
        mine = self.of[owner.sent.id]
        for call in self._calls[owner.sent.stream]:
            if self._was(call, upstream, attempt):
                return
            if self._made(call, mine):
                continue
            for other in alive:
                theirs = self.of.get(other.sent.id)
                last = _last(theirs)
                if other is owner or theirs is None or last is None or last[0] != call.upstream:
                    continue
                given = last[1]
                fits = owner.sent.at_s - CLOCK_S <= given.start_s
                fits = fits and given.ends_from_s <= attempt.start_s + CLOCK_S
                sure = given.request is not None or self._names(given, other)
                if fits and self._was(call, call.upstream, given) and not sure:
                    theirs[call.upstream].remove(given)
                    mine[call.upstream].append(given)
                    break

    def _names(self, attempt: Attempt, request: Request) -> bool:
        """Whether the attempt says itself whose it is: by a trace that the target passed on."""
        trace = "" if attempt.call is None else attempt.call.called.trace
        return bool(trace) and trace == request.sent.trace

    def _owner(
        self, alive: Sequence[Request], name: str, attempt: Attempt, slack_s: float
    ) -> tuple[Request | None, float]:
        """The request that was nearest to making an attempt, and when it was due.

        Of those that were equally near, the one whose answer followed soonest upon its end.
        """
        best: tuple[tuple[int, float, int], Request, float] | None = None
        strange = bool(attempt.route) and not any(
            alike(route, attempt) for route in self._routes[name]
        )
        for request in alive:
            outlived_s = attempt.ends_from_s - request.end_s
            if outlived_s > slack_s:
                continue  # it was not alive for all of it
            for due_s, unlikely_s in self._due(request, name, attempt, strange=strange):
                if attempt.start_s < due_s - CLOCK_S:
                    continue
                late_s = max(0.0, attempt.start_s - due_s)
                if self._sights[name].let_go(due_s, attempt.start_s):
                    late_s = 0.0
                price_s = late_s + max(0.0, outlived_s) + unlikely_s
                waited_s = abs(request.end_s - attempt.end_s)
                rank = (round(price_s / (TIE_S + slack_s)), waited_s, request.sent.id)
                if best is None or rank < best[0]:
                    best = (rank, request, due_s)
        return (None, 0.0) if best is None else (best[1], best[2])

    def _due(
        self, request: Request, upstream: str, attempt: Attempt, *, strange: bool
    ) -> Iterator[tuple[float, float]]:
        """When a request would make this attempt, given what it has done, and how unlikely that is
        as so many seconds; `strange` is one on a route that no stream is known to call.
        """
        calls = self._calls[request.sent.stream]
        positions = [
            k
            for k, call in enumerate(calls)
            if call.upstream == upstream and self._is_call(call, attempt)
        ]
        mine = self.of.get(request.sent.id)
        last = _last(mine)
        if mine is None or last is None:
            if positions or strange:
                first = strange or calls[0].upstream == upstream
                due_s = self._still_due(upstream, request.sent.at_s, attempt)
                yield due_s, 0.0 if first else _ASIDE_S
            return
        name, latest = last
        done_s, own = latest.ends_from_s, self._settings[name]
        tries = _tries(mine[name], latest)
        again = Result.FAILURE in latest.results and tries < own.attempts
        if name == upstream and Result.FAILURE in latest.results and same(latest, attempt):
            yield done_s + own.backoff_s(tries), 0.0
            yield done_s, _UNLIKELY_S
        were = [k for k, call in enumerate(calls) if self._was(call, name, latest)] or [-1]
        # Which call a bare connection was for is open: never two at one upstream in a row.
        done = max(were) if name == upstream else min(were)
        if strange or any(k > done for k in positions):
            if again:
                yield done_s + own.backoff_s(tries), 0.0
            yield done_s, _UNLIKELY_S if again else 0.0
        if name != upstream and any(not self._made(calls[k], mine) for k in positions):
            yield latest.start_s, _ASIDE_S  # it may ask several at once, in any order

    def _still_due(self, upstream: str, due_s: float, attempt: Attempt) -> float:
        """When it was due that is not given up yet: by waiting in vain before it, unseen."""
        own, sight = self._settings[upstream], self._sights[upstream]
        for tries in range(1, own.attempts):
            failed_s = sight.given_up_s(due_s, own.timeout_s)
            if failed_s is None or attempt.start_s <= failed_s + CLOCK_S:
                break
            due_s = failed_s + own.backoff_s(tries)
        return due_s

    def _made(self, call: Learned, mine: Mapping[str, Sequence[Attempt]]) -> bool:
        return any(self._was(call, call.upstream, a) for a in mine.get(call.upstream, ()))

    def _is_call(self, call: Learned, attempt: Attempt) -> bool:
        return not attempt.route or not call.route or alike(call.route, attempt)

    def _was(self, call: Learned, upstream: str, attempt: Attempt) -> bool:
        return call.upstream == upstream and self._is_call(call, attempt)


def same(one: Attempt, other: Attempt) -> bool:
    """Whether two attempts may be of one call."""
    return not one.route or not other.route or one.route == other.route


def _tries(attempts: Sequence[Attempt], latest: Attempt) -> int:
    """Which attempt of its call the latest one was, from 1."""
    count = 0
    for attempt in reversed(attempts):
        if not same(attempt, latest) or (attempt is not latest and attempt.ok):
            break
        count += 1
    return max(1, count)


def _last(mine: Mapping[str, Sequence[Attempt]] | None) -> tuple[str, Attempt] | None:
    if not mine:
        return None
    return max(
        ((name, own[-1]) for name, own in mine.items() if own),
        key=lambda pair: pair[1].start_s,
        default=None,
    )
