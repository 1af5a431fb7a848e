"""No wait after the last attempt: there is nothing left to wait for (B7).

Attempts don't say for whom they are made. Where requests overlap it is counted how many each of
them must have made, as nobody can have made more than what lies in its life, a backoff apart.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cached_property
from operator import attrgetter

from harness.checks.promises.facts import OWN_WORK, Facts
from harness.checks.promises.jobs import may_be_older
from harness.checks.promises.retries import EARLY_S, LATE_S
from harness.checks.promises.violation import Violation
from harness.contracts.promises import REPEATS
from harness.frozen import Frozen
from harness.history.requests import Request
from harness.policy.counting import Result
from harness.wire.attempts import FAILURE, SUCCESS, Attempt, in_order
from harness.wire.learned import CLOCK_S, alike

_at_s = attrgetter("at_s")
_NEAR_S = 0.1
"""Requests that end and begin nearer than this to each other may have met."""


def idling(facts: Facts) -> Iterator[Violation]:
    """Whoever has made its last attempt goes on at once (B7)."""
    crowds = _Crowds(facts)
    for request in facts.requests:
        if request.unanswered or _was_quick(facts, request):
            continue
        if facts.alone(request):
            yield from _alone(facts, request)
        else:
            yield from crowds.idle(request)


def _was_quick(facts: Facts, request: Request) -> bool:
    """Whether all of it, and what began just before or after it, was over too soon to be idle."""
    return request.service_s + facts.margin_s(request.end_s, 2 * CLOCK_S) < LATE_S


def _alone(facts: Facts, request: Request) -> Iterator[Violation]:
    offered = facts.offered(request)
    if not all(facts.sees_all(upstream) for upstream in offered.upstreams):
        return
    attempts = [(a, name) for name in offered.upstreams for a in facts.begun_in(request, name)]
    if not attempts:
        return
    last, upstream = max(attempts, key=lambda pair: pair[0].end_s)
    if may_be_older(facts, request, upstream, last):
        return
    tries = sum(name == upstream and _told_alike(a, last) for a, name in attempts)
    final = last.result is Result.NEUTRAL or 400 <= (last.status or 0) < 500
    if not final and tries < facts.settings(upstream).attempts:
        return  # it may have waited for another attempt, which the breaker then refused (B6)
    idle_s = request.end_s - last.end_s
    hit = [name for name in offered.upstreams if name in facts.faulted]
    unsure = any(a.result is None for a, _ in attempts)
    if unsure or not hit or idle_s < _least_s(facts, request, last.end_s, request.end_s):
        return
    says = f"was answered {idle_s:.2f} s after the last attempt for it had ended"
    yield _violation(facts, request, hit[-1], says)


class _Crowds:
    """Requests that overlap, one after the other, and how many attempts each must have made."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._together: dict[tuple[int, str, str], _Together] = {}
        self._on_routes: dict[tuple[str, str], _OnRoute] = {}

    @cached_property
    def _crowds(self) -> Sequence[Sequence[Request]]:
        """All requests as they left, in crowds: those whose lives hang together."""
        found: list[list[Request]] = []
        until_s = -math.inf
        for request in sorted(self._facts.history.requests, key=_at_s):
            if request.at_s > until_s:
                found.append([])
            found[-1].append(request)
            until_s = max(until_s, request.known_s + _NEAR_S)
        return found

    def _crowd_of(self, request: Request) -> Sequence[Request]:
        """The crowd of one of them."""
        crowds = self._crowds
        return crowds[bisect_right(crowds, request.at_s, key=lambda crowd: crowd[0].at_s) - 1]

    def idle(self, request: Request) -> Iterator[Violation]:
        """That a request waited after its last attempt, whoever made which."""
        facts, offered = self._facts, self._facts.offered(request)
        if not all(facts.sees_all(name) for name in offered.upstreams) or facts.queues(offered):
            return
        usual = Counter(name for name, _ in offered.calls)
        for upstream, route in dict.fromkeys(offered.calls):
            if upstream not in facts.faulted or not facts.has_declared(upstream):
                continue
            if usual[upstream] > 1 and any(not a.path for a in facts.begun_in(request, upstream)):
                continue  # a refused connect doesn't say what it was for
            mine = self._on(upstream, route).begun_in(request)
            if not mine or any(a.results != FAILURE for a in mine):
                continue
            made = self._made_together(request, upstream, route)
            if made.surely_by(request) >= facts.settings(upstream).attempts:
                others = [
                    a
                    for name in offered.upstreams
                    for a in facts.begun_in(request, name)
                    if name != upstream or not alike(route, a)
                ]
                yield from _gap(facts, request, upstream, mine, others)

    def _on(self, upstream: str, route: str) -> _OnRoute:
        key = upstream, route
        if key not in self._on_routes:
            self._on_routes[key] = _OnRoute(self._facts, upstream, route)
        return self._on_routes[key]

    def _made_together(self, request: Request, upstream: str, route: str) -> _Together:
        crowd = self._crowd_of(request)
        key = crowd[0].id, upstream, route
        if key not in self._together:
            self._together[key] = _together(crowd, self._on(upstream, route))
        return self._together[key]


class _Together(Frozen, kw_only=True):
    """How many attempts a crowd made on one route, and can have made at the most."""

    on: _OnRoute
    made: int
    could: int

    def surely_by(self, request: Request) -> int:
        """How many one of them must have made; 0 where all made more than they should."""
        others = self.could - self.on.longest(request)
        return 0 if self.made > self.could else self.made - others


class _OnRoute:
    """The attempts at an upstream that may be of a route, found once: where requests overlap each
    of them asks for all that began in its life.
    """

    def __init__(self, facts: Facts, upstream: str, route: str) -> None:
        self._facts = facts
        self._upstream = upstream
        self._own = [a for a in facts.wire(upstream).attempts if alike(route, a)]
        self._begun_s = [attempt.start_s for attempt in self._own]

    def begun_in(self, request: Request) -> Sequence[Attempt]:
        """Those that began in a request's life."""
        return self.within(request.at_s, request.end_s)

    def within(self, start_s: float, end_s: float) -> Sequence[Attempt]:
        """Those that began in that time, ends included, as facts have it."""
        return self._own[slice(*self._facts.between(self._begun_s, start_s, end_s))]

    def longest(self, request: Request) -> int:
        """How many of those that began in a request's life one call can have made: a backoff apart,
        where one was declared, and no more than are promised.
        """
        facts = self._facts
        own = facts.settings(self._upstream)
        spaced = facts.has_declared_backoff(self._upstream)
        place, end = facts.between(self._begun_s, request.at_s, request.end_s)
        if end - place < 2:
            return min(end - place, own.attempts)
        count = 0
        while place < end and count < own.attempts:
            last = self._own[place]
            count += 1
            low_s = own.between_s(count, last.status)[0] - EARLY_S if spaced else 0.0
            due_s = last.ends_from_s + low_s
            earliest_s = due_s - facts.slack_s(last.start_s, due_s)
            place = max(place + 1, bisect_left(self._begun_s, earliest_s))
            while place < end and self._begun_s[place] < due_s - facts.slack_s(
                last.start_s, self._begun_s[place]
            ):
                place += 1
        return count


def _together(crowd: Sequence[Request], on: _OnRoute) -> _Together:
    until_s = max(request.known_s for request in crowd)
    made = len(on.within(crowd[0].at_s, until_s))
    return _Together(on=on, made=made, could=sum(map(on.longest, crowd)))


def _gap(
    facts: Facts,
    request: Request,
    upstream: str,
    mine: Sequence[Attempt],
    others: Sequence[Attempt],
) -> Iterator[Violation]:
    """That nothing at all was under way for it after the last attempt that may be its own."""
    failed_s = since_s = max(a.end_s for a in mine)
    if any(a.results != SUCCESS for a in others if a.start_s <= since_s):
        return  # it may have waited for an attempt at another upstream
    until_s = request.end_s
    for attempt in in_order(others):
        if attempt.start_s - since_s >= _least_s(facts, request, since_s, attempt.start_s):
            until_s = attempt.start_s
            break
        if attempt.start_s > failed_s + _NEAR_S:
            return
        since_s = max(since_s, attempt.end_s)
    idle_s = until_s - since_s
    if idle_s < _least_s(facts, request, since_s, until_s):
        return
    says = f"did nothing for {idle_s:.2f} s after its last attempt at {upstream} had failed"
    yield _violation(facts, request, upstream, says)


def _told_alike(one: Attempt, other: Attempt) -> bool:
    """Whether nothing that is told of two attempts makes them attempts of two calls: less than that
    they may be of one (`made.same`), so that nobody is taken to have made its last too soon.
    """
    return one.route == other.route and (one.of == other.of or not (one.of and other.of))


def _least_s(facts: Facts, request: Request, start_s: float, end_s: float) -> float:
    """So long it is surely idle."""
    own_s = OWN_WORK * facts.offered(request).healthy_s
    return LATE_S + own_s + facts.slack_s(start_s, end_s)


def _violation(facts: Facts, request: Request, about: str, says: str) -> Violation:
    claims = facts.claims(REPEATS)
    return Violation.of(request, "no wait after the last attempt", about, claims, says)
