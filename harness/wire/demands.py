"""Which request each attempt was made for, and who asked for an upstream and was turned away.

What a stream calls, and in which order, is learned from the warm-up, where requests are sent one at
a time. An attempt belongs to one request that was alive for all of it: the one that was just about
to make it. A request is known to have been turned away by an upstream's breaker when it got as far
as that upstream, no attempt can be its own, and its answer is that of a request which had to do
without. Whatever is left open is said to be unknown; an attempt that no request caused is
nobody's, and says nothing of the breaker.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from harness.history.view import History, Request
from harness.settings import ServiceSettings
from harness.wire.attempts import FAILURE, Attempt, Result, by_start
from harness.wire.background import nobodys
from harness.wire.learned import CLOCK_S, Learned, alike, calls_of
from harness.wire.sight import TIE_S, Sight

_BEFORE_ASKING = frozenset({400, 404, 405, 413, 415, 422, 429})
"""Answers that a target may give before it asks any upstream (a limit, a malformed request)."""
_IDENTITY = frozenset({401, 403})
_AT_ONCE_S = 0.2
"""Whoever took longer for no known reason may have asked the breaker at any time in between."""
_ASIDE_S = 0.5
"""So far off seems what a request does out of turn: before an earlier call, or beside another."""
_UNLIKELY_S = 5.0
"""So far off seems what a request does instead of waiting for its next attempt."""
_NEARLY = 0.9
"""Of a wait that was declared: enough to say that it was waited for."""

Outcome = Literal["made", "turned away", "unseen", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """One request's need of one upstream."""

    request: Request
    outcome: Outcome
    """`made`: it has attempts. `turned away`: it asked, and has none. `unseen`: it asked where
    nothing can be seen. `unknown`: it may not have asked at all."""
    asked_s: float
    """When it can have asked first."""
    asked_by_s: float
    """When it must have asked, if it did."""
    attempts: tuple[Attempt, ...] = ()


class Demands:
    """Requests and attempts of one history, matched."""

    def __init__(
        self,
        history: History,
        attempts: Mapping[str, Sequence[Attempt]],
        settings: Mapping[str, ServiceSettings],
        sights: Mapping[str, Sight],
    ) -> None:
        self._history = history
        self._settings = settings
        self._sights = sights
        self.background = {name: nobodys(history, name, made) for name, made in attempts.items()}
        """Attempts that no request caused, by upstream."""
        own_routes = {
            (name, attempt.route) for name, made in self.background.items() for attempt in made
        }
        self.calls = {
            stream: tuple(call for call in calls if (call.upstream, call.route) not in own_routes)
            for stream, calls in calls_of(history).items()
        }
        self._streams = {r.sent.id: r.sent.stream for r in history.requests}
        self._routes: dict[str, set[str]] = defaultdict(set)
        for calls in self.calls.values():
            for call in calls:
                self._routes[call.upstream].add(call.route)
        self._of: dict[int, dict[str, list[Attempt]]] = {}
        self._went_on: set[tuple[str, str]] = set()
        self._told_down: dict[tuple[str, str], set[object]] = {}
        self._attempts = self._matched(attempts)
        known = {name: list(made) for name, made in attempts.items()}
        while self._imply(known):
            self._attempts = self._matched(known)

    def attempts_at(self, upstream: str) -> tuple[Attempt, ...]:
        """The attempts at an upstream that say something of its breaker, by start."""
        return tuple(sorted(self._attempts[upstream], key=by_start))

    def calls_at(self, upstream: str) -> tuple[tuple[Attempt, ...], ...]:
        """The attempts of each request's calls, in order: a new call begins after a success."""
        found: list[tuple[Attempt, ...]] = []
        for mine in self._of.values():
            own: list[Attempt] = []
            for attempt in mine.get(upstream, ()):
                if own and (own[-1].ok or not _same(own[-1], attempt)):
                    found.append(tuple(own))
                    own = []
                own.append(attempt)
            if own:
                found.append(tuple(own))
        return tuple(found)

    def route_of(self, request: int, upstream: str) -> str:
        """What a request calls first at an upstream; empty if that is unknown."""
        calls = self.calls.get(self._streams.get(request, ""), ())
        return next((call.route for call in calls if call.upstream == upstream), "")

    # Whose attempt it is

    def _matched(self, attempts: Mapping[str, Sequence[Attempt]]) -> dict[str, list[Attempt]]:
        """Give each attempt to the request that it was made for; what is kept of them."""
        self._of = defaultdict(lambda: defaultdict(list))
        kept: dict[str, list[Attempt]] = {name: [] for name in attempts}
        dropped = {name: {a.id for a in made} for name, made in self.background.items()}
        every = sorted(
            (
                (a.start_s, a.end_s, name, a)
                for name, made in attempts.items()
                for a in made
                if a.id not in dropped[name]
            ),
            key=lambda item: item[:3],
        )
        waiting = sorted(
            (r for r in self._history.requests if self.calls.get(r.sent.stream)),
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
            owner, due_s = self._owner(
                [r for r in alive if attempt.request in (None, r.sent.id)], name, attempt, slack_s
            )
            if owner is None:
                if not self._sights[name].released(start_s):
                    kept[name].append(attempt)
                continue
            if start_s > due_s + slack_s and self._sights[name].let_go(due_s, start_s):
                attempt = replace(attempt, start_s=due_s)  # seen only when it was let go
            self._take_over(owner, name, attempt, alive)
            self._of[owner.sent.id][name].append(attempt)
            kept[name].append(attempt)
        self._learn()
        return kept

    def _take_over(
        self, owner: Request, upstream: str, attempt: Attempt, alive: Sequence[Request]
    ) -> None:
        """Give a request the earlier call that it must have made to come to this attempt.

        Of requests at one instant it can't be told at first whose an attempt is: it may have been
        given to another one that has done nothing since.
        """
        mine = self._of[owner.sent.id]
        for call in self.calls[owner.sent.stream]:
            if self._was(call, upstream, attempt):
                return
            if self._made(call, mine):
                continue
            for other in alive:
                theirs = self._of.get(other.sent.id)
                last = _last(theirs)
                if other is owner or theirs is None or last is None or last[0] != call.upstream:
                    continue
                given = last[1]
                fits = owner.sent.at_s - CLOCK_S <= given.start_s
                fits = fits and given.ends_from_s <= attempt.start_s + CLOCK_S
                if fits and self._was(call, call.upstream, given) and given.request is None:
                    theirs[call.upstream].remove(given)
                    mine[call.upstream].append(given)
                    break

    def _owner(
        self, alive: Sequence[Request], name: str, attempt: Attempt, slack_s: float
    ) -> tuple[Request | None, float]:
        """The request that was nearest to making an attempt, and when it was due.

        Of those that were equally near, the one whose answer followed soonest upon its end.
        """
        best: tuple[tuple[int, float, int], Request, float] | None = None
        for request in alive:
            outlived_s = attempt.ends_from_s - request.end_s
            if outlived_s > slack_s:
                continue  # it was not alive for all of it
            for due_s, unlikely_s in self._due(request, name, attempt):
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
        self, request: Request, upstream: str, attempt: Attempt
    ) -> Iterator[tuple[float, float]]:
        """When a request would make this attempt, given what it has done, and how unlikely that is
        as so many seconds.
        """
        calls = self.calls[request.sent.stream]
        positions = [
            k
            for k, call in enumerate(calls)
            if call.upstream == upstream and self._is_call(call, attempt)
        ]
        strange = bool(attempt.route) and not any(
            alike(route, attempt) for route in self._routes[upstream]
        )
        mine = self._of.get(request.sent.id)
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
        if name == upstream and Result.FAILURE in latest.results and _same(latest, attempt):
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

    def made_by(self, request: Request, upstream: str) -> tuple[Attempt, ...]:
        """The attempts at an upstream that were made for a request, by start."""
        mine = self._of.get(request.sent.id)
        return () if mine is None else tuple(mine.get(upstream, ()))

    def due_s(self, demand: Demand, upstream: str) -> float:
        """When a request that made attempts was ready for its first one."""
        mine, first_s = self._of[demand.request.sent.id], demand.attempts[0].start_s
        before = (a.end_s for name, own in mine.items() if name != upstream for a in own)
        return max([demand.request.sent.at_s, *(at_s for at_s in before if at_s <= first_s)])

    # What is learned of answers

    def _learn(self) -> None:
        """Which streams went on to a later upstream although one before it had failed them, and
        what each answered when all its attempts at an upstream surely failed.
        """
        self._went_on, self._told_down = set(), defaultdict(set)
        for request in self._history.requests:
            mine = self._of.get(request.sent.id) or {}
            stream = request.sent.stream
            down = [name for name, own in mine.items() if own and _all_failed(own)]
            order = _order(self.calls.get(stream, ()))
            for name in down:
                if request.status is not None:
                    self._told_down[stream, name].add(_answer(request))
                if name in order and any(mine.get(n) for n in order[order.index(name) + 1 :]):
                    self._went_on.add((stream, name))

    # Who was turned away

    def at(self, upstream: str) -> tuple[Demand, ...]:
        """The requests that need an upstream and got as far as it, by the instant they left."""
        found = []
        for request in self._history.requests:
            calls = self.calls.get(request.sent.stream, ())
            if any(call.upstream == upstream for call in calls):
                demand = self._demand(request, upstream, calls)
                if demand is not None:
                    found.append(demand)
        return tuple(sorted(found, key=lambda demand: demand.request.sent.at_s))

    def _demand(self, request: Request, upstream: str, calls: Sequence[Learned]) -> Demand | None:
        made = self.made_by(request, upstream)
        if made:
            return Demand(
                request=request,
                outcome="made",
                asked_s=made[0].start_s,
                asked_by_s=made[0].start_s,
                attempts=made,
            )
        order = _order(calls)
        place = order.index(upstream)
        mine = self._of.get(request.sent.id) or {}
        earlier = [a for name in order[:place] for a in mine.get(name, ())]
        later = [a for name in order[place + 1 :] for a in mine.get(name, ())]
        asked_s = max([request.sent.at_s, *(a.end_s for a in earlier)])
        by_s = min([request.end_s, *(a.start_s for a in later)])
        asked_s = min(asked_s, by_s)
        got_there = bool(later) or self._passed(request, order[:place], mine)
        if not got_there:
            return None
        outcome = self._without(request, upstream, first=place == 0, beyond=bool(later))
        as_ever = _answer(request) in self._healthy(request.sent.stream)
        needed = outcome == "turned away" or (request.status or 0) // 100 == 2 or as_ever
        if needed and self._sights[upstream].is_hidden(asked_s):
            outcome = self._unseen(upstream, asked_s, by_s)
            if as_ever and outcome == "turned away":
                outcome = "unknown"  # it may not have asked
        if outcome == "turned away" and self._took_too_long(upstream, asked_s, by_s):
            outcome = "unknown"
        return Demand(request=request, outcome=outcome, asked_s=asked_s, asked_by_s=by_s)

    def _passed(
        self, request: Request, before: Sequence[str], mine: Mapping[str, Sequence[Attempt]]
    ) -> bool:
        """Whether nothing before an upstream ended a request: each answered well, as in health."""
        for name in before:
            own = mine.get(name, ())
            told = self._told_down.get((request.sent.stream, name), ())
            if (request.sent.stream, name) in self._went_on and _answer(request) not in told:
                continue
            if not own or own[-1].result is not Result.SUCCESS:
                return False
            if any(attempt.altered for attempt in own):
                return False
        return True

    def _without(self, request: Request, upstream: str, *, first: bool, beyond: bool) -> Outcome:
        """Whether an answer shows that the upstream was needed and not had."""
        if request.status is None:
            return "unknown"
        if beyond:
            return "turned away"
        answer = _answer(request)
        known = self._told_down.get((request.sent.stream, upstream))
        if known and answer in known:
            return "turned away"
        if answer in self._healthy(request.sent.stream) or request.status in _BEFORE_ASKING:
            return "unknown"
        if request.status in (500, 502):
            return "unknown"  # a target that broke may never have come to what it would have asked
        if request.status >= 500 or (first and request.status in _IDENTITY):
            return "turned away"
        return "unknown"

    def _healthy(self, stream: str) -> set[object]:
        return {_answer(r) for r in self._history.warm_up if r.sent.stream == stream}

    def _unseen(self, upstream: str, asked_s: float, by_s: float) -> Outcome:
        """An unseen attempt shows by its deadline, or by the wait that follows it."""
        own, sight = self._settings[upstream], self._sights[upstream]
        failed_s = sight.given_up_s(asked_s, own.timeout_s)
        if failed_s is not None:
            waited = by_s - asked_s >= _NEARLY * (failed_s - asked_s)
            return "unseen" if waited else "turned away"
        if own.attempts < 2:
            return "unseen"
        waited = by_s - asked_s >= _NEARLY * own.backoff_s(1)
        return "unseen" if waited else "turned away"

    def _took_too_long(self, upstream: str, asked_s: float, by_s: float) -> bool:
        noise_s = self._sights[upstream].noise_s(asked_s, asked_s + _AT_ONCE_S)
        return by_s - asked_s > _AT_ONCE_S + noise_s

    # What must have happened where nothing could be seen

    def _imply(self, known: dict[str, list[Attempt]]) -> bool:
        """Add attempts that left no trace and that a wait gives away, the next one of each call.

        A failed attempt costs its backoff where a port refuses; one on a connection from before a
        silent fault its deadline, where the proxy tells of new connections only.
        """
        found = False
        for upstream, made in known.items():
            if self._sights[upstream].sees_all:
                continue
            number = max((attempt.id for attempt in made), default=-1) + 1
            implied = [self._implied_by(demand, upstream) for demand in self.at(upstream)]
            new = [attempt for attempt in implied if attempt is not None]
            made += [replace(attempt, id=number + k) for k, attempt in enumerate(new)]
            found |= bool(new)
        return found

    def _implied_by(self, demand: Demand, upstream: str) -> Attempt | None:
        """The next attempt of a call that must have been made, unseen."""
        own, tries = self._settings[upstream], len(demand.attempts)
        if demand.outcome == "turned away" or tries >= own.attempts:
            return None
        first = self._given_up_before(demand, upstream)
        if first is not None:
            return first
        at_s, by_s = demand.asked_s, demand.asked_by_s
        if tries:
            last = demand.attempts[-1]
            if last.results != FAILURE:
                return None
            at_s, by_s = last.end_s + own.backoff_s(tries), demand.request.end_s
        found = self._implied_at(upstream, at_s, by_s, tries)
        return None if found is None else replace(found, request=demand.request.sent.id)

    def _given_up_before(self, demand: Demand, upstream: str) -> Attempt | None:
        """An attempt that must have been waited for in vain before the first one that was seen."""
        if demand.outcome != "made":
            return None
        began_s = demand.attempts[0].start_s
        mine = self._of[demand.request.sent.id]
        before = (a for name, own in mine.items() if name != upstream for a in own)
        ends_s = [a.end_s for a in before if a.start_s < began_s]
        asked_s = max([demand.request.sent.at_s, *ends_s])
        failed_s = self._sights[upstream].given_up_s(asked_s, self._settings[upstream].timeout_s)
        if failed_s is None or began_s <= failed_s:
            return None
        found = _unseen_attempt(asked_s, failed_s)
        return replace(found, request=demand.request.sent.id)

    def _implied_at(self, upstream: str, at_s: float, by_s: float, tries: int) -> Attempt | None:
        """An attempt that must have begun then, given until when its request took; else None."""
        own, sight = self._settings[upstream], self._sights[upstream]
        end_s = sight.given_up_s(at_s, own.timeout_s)
        if end_s is not None:
            if sight.requests and not sight.is_hidden(at_s):
                return None  # it would have been seen
            if by_s - at_s < _NEARLY * (end_s - at_s) or end_s - at_s < _AT_ONCE_S:
                return None
            return _unseen_attempt(at_s, end_s)
        if not sight.is_hidden(at_s) or tries + 1 >= own.attempts:
            return None
        waited = by_s >= at_s + _NEARLY * own.backoff_s(tries + 1)
        return _unseen_attempt(at_s, at_s) if waited else None

    def asked_again(self, upstream: str) -> tuple[Demand, ...]:
        """Retries that were due where nothing can be seen: made and failed, or turned away."""
        own, sight = self._settings[upstream], self._sights[upstream]
        found = []
        for demand in self.at(upstream):
            tries = len(demand.attempts)
            if not tries or tries >= own.attempts or demand.attempts[-1].results != FAILURE:
                continue
            at_s = demand.attempts[-1].end_s + own.backoff_s(tries)
            end_s = demand.request.end_s
            hidden = sight.is_hidden(at_s) and sight.holding(at_s) is None
            if hidden and at_s - sight.tie_s(at_s) <= end_s < math.inf:
                again = replace(demand, outcome="unseen", asked_s=at_s, asked_by_s=max(at_s, end_s))
                found.append(again)
        return tuple(found)


def _unseen_attempt(start_s: float, end_s: float) -> Attempt:
    return Attempt(
        id=-1,
        start_s=start_s,
        end_s=end_s,
        ends_from_s=end_s,
        results=FAILURE,
        source="latency",
    )


def _all_failed(attempts: Sequence[Attempt]) -> bool:
    return all(attempt.results == FAILURE for attempt in attempts)


def _same(one: Attempt, other: Attempt) -> bool:
    """Whether two attempts may be of one call."""
    return not one.route or not other.route or one.route == other.route


def _tries(attempts: Sequence[Attempt], latest: Attempt) -> int:
    """Which attempt of its call the latest one was, from 1."""
    count = 0
    for attempt in reversed(attempts):
        if not _same(attempt, latest) or (attempt is not latest and attempt.ok):
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


def _order(calls: Sequence[Learned]) -> list[str]:
    return list(dict.fromkeys(call.upstream for call in calls))


def _answer(request: Request) -> object:
    """What tells a request's answers apart: the status, and what it says yes or no to."""
    body = None if request.answered is None else request.answered.body
    said = (
        frozenset((k, v) for k, v in body.items() if isinstance(v, bool))
        if isinstance(body, dict)
        else frozenset()
    )
    return request.status, said
