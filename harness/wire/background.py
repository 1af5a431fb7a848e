"""Calls that a target makes by itself, for no request: its own health checks, say.

They say nothing of a breaker. Those that are declared are known; others are told apart by a route
and a life of their own, and where a fault hides their route by the rhythm that they go on in. A
loop may beat in the midst of a warm-up's request; so what was seen there is no proof that requests
make a call, where the contract doesn't name it or others go well without it.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from statistics import mean, median, pstdev

from harness.history.view import History, Request
from harness.routes import route_matches
from harness.wire.attempts import Attempt
from harness.wire.learned import CLOCK_S, alike, calls_of, exact

_BEATS, _EVEN = 4, 0.1
"""So many equal intervals, give or take this share of one, are a rhythm of its own."""
_FEW_BEATS = 2
"""So many are, of a call that no request is to make and that some surely did without."""
_MOST = 0.75
"""A rhythm that a fault interrupts or stretches still shows in this share of the intervals."""
_OFTEN = 3
"""So many calls outside of all requests' lives are no straggler of one."""
_SELDOM = 0.1
"""In this share of the time, at the most, requests are seldom under way."""
_BEAT_S = 0.03
"""How far a call may lie from the instant at which its rhythm wants it."""

Span = tuple[float, float]


def nobodys(
    history: History,
    upstream: str,
    attempts: Sequence[Attempt],
    template: Callable[[str, str], str] = lambda upstream, route: route,
) -> tuple[Attempt, ...]:
    """Attempts that no request caused: declared, or on a route with a life of its own.

    That is one that no request makes, as far as the warm-up and the contract tell, and that is
    called outside of all requests' lives, with a rhythm (but not that of the traffic itself), or
    not by requests that went well without it; or one that is called in both the first ways; or one
    that is called outside of them again and again, and that requests of every stream do without.
    `template`: how a contract names the route of a call; empty where it doesn't.
    """
    if not attempts:
        return ()
    declared = [
        entry.partition(" ")[2]
        for entry in history.run.background
        if entry.partition(" ")[0] == upstream
    ]
    every = (call for calls in calls_of(history).values() for call in calls)
    learned = {call.route for call in every if call.upstream == upstream}
    known = {route for route in learned if template(upstream, route)} or learned
    by_route: dict[str, list[Attempt]] = defaultdict(list)
    bare: list[Attempt] = []
    found: list[Attempt] = []
    for attempt in attempts:
        if attempt.path and any(route_matches(d, attempt.route, attempt.path) for d in declared):
            found.append(attempt)
        elif attempt.route:
            by_route[attempt.route].append(attempt)
        else:
            bare.append(attempt)
    lives = sorted((r.sent.at_s, r.end_s) for r in (*history.warm_up, *history.requests))
    for route, made in by_route.items():
        spans = sorted((*_before(history, upstream, route), *((a.start_s, a.end_s) for a in made)))
        outside, steady = _outside(spans, lives), _steady(spans)
        others = [a for a in attempts if a.route and not alike(route, a)]
        own_life = (
            (outside and steady)
            or (outside >= _OFTEN and (_rhythm(spans) or _done_without(history, upstream, route)))
            or (outside and _needless(history, made, others, well=True))
        )
        strange = not any(alike(each, made[0]) for each in known)
        if own_life or (strange and _is_strangers(history, made, others, spans, lives)):
            found += made
            found += _hidden(spans, bare)
    return tuple(found)


def _is_strangers(
    history: History,
    made: Sequence[Attempt],
    others: Sequence[Attempt],
    spans: Sequence[Span],
    lives: Sequence[Span],
) -> bool:
    """Whether calls that no request is known to make are nobody's."""
    if _outside(spans, lives) or _needless(history, made, others, well=True):
        return True
    if _steady(spans) and not _answers_requests(spans, lives):
        return True
    return _steady(spans, _FEW_BEATS) and _needless(history, made, others, well=False)


def _before(history: History, upstream: str, route: str) -> Iterator[Span]:
    """Its calls before the outage, which are no attempts of the play."""
    for call in history.warm_up_calls.to(upstream):
        if exact(call.called.route, call.called.path) == route:
            yield call.at_s, call.at_s if call.replied is None else call.replied.at_s


def _outside(spans: Sequence[Span], lives: Sequence[Span]) -> int:
    """How many of these began while no request was under way."""
    busy_s, index, count = -math.inf, 0, 0
    for start_s, _ in spans:
        while index < len(lives) and lives[index][0] - CLOCK_S <= start_s:
            busy_s = max(busy_s, lives[index][1])
            index += 1
        count += busy_s + CLOCK_S < start_s
    return count


def _answers_requests(spans: Sequence[Span], lives: Sequence[Span]) -> bool:
    """Whether each begins while a request is under way although that is seldom so: they come as
    evenly as the traffic that they are made for, to a stand-in, say.
    """
    first_s, last_s = spans[0][0], spans[-1][0]
    busy_s, until_s = 0.0, first_s
    for start_s, end_s in lives:
        end_s = min(end_s, last_s)
        busy_s += max(0.0, end_s - max(start_s, until_s))
        until_s = max(until_s, end_s)
    return not _outside(spans, lives) and busy_s <= _SELDOM * (last_s - first_s)


def _done_without(history: History, upstream: str, route: str) -> bool:
    """Whether each stream has a request that was answered as in the warm-up without such a call."""
    instants = sorted(
        call.at_s
        for call in history.calls_to(upstream)
        if call.at_s >= 0 and exact(call.called.route, call.called.path) == route
    )
    if not instants:
        return False  # nobody would have seen it
    healthy = {request.sent.stream: request.status for request in history.warm_up}
    without = {
        request.sent.stream
        for request in history.requests
        if request.status is not None
        and request.status == healthy.get(request.sent.stream)
        and not _any_within(instants, request)
    }
    return without == set(healthy)


def _needless(
    history: History, made: Sequence[Attempt], others: Sequence[Attempt], *, well: bool
) -> bool:
    """Whether each stream that seemed to make such a call in the warm-up has a request that called
    the same upstream for something else only; `well`: with success, and answered as there.
    """
    began_s = [attempt.start_s for attempt in made]
    other_s = [attempt.start_s for attempt in others if attempt.ok or not well]
    healthy = {request.sent.stream: request.status for request in history.warm_up}
    seemed = {
        stream
        for stream, calls in calls_of(history).items()
        if any(alike(call.route, made[0]) for call in calls if call.route)
    }
    without = {
        request.sent.stream
        for request in history.requests
        if request.sent.stream in seemed
        and (not well or request.status == healthy[request.sent.stream])
        and _any_within(other_s, request)
        and not _any_within(began_s, request)
    }
    return bool(seemed) and without == seemed


def _any_within(instants: Sequence[float], request: Request) -> bool:
    """Whether one of these, in order, lies in a request's life."""
    first = bisect_left(instants, request.sent.at_s - CLOCK_S)
    return first < bisect_right(instants, request.end_s + CLOCK_S)


def _intervals(spans: Sequence[Span]) -> tuple[list[float], list[float]]:
    """From begin to begin, and from the end of one to the next: what a loop sleeps between them."""
    begins = [after - before for (before, _), (after, _) in pairwise(spans)]
    pauses = [after - done for (_, done), (after, _) in pairwise(spans) if done < math.inf]
    return begins, pauses


def _steady(spans: Sequence[Span], beats: int = _BEATS) -> bool:
    """Whether all of them come at equal intervals, by their begins or between them."""
    return any(
        len(gaps) >= beats and 0 <= pstdev(gaps) < _EVEN * mean(gaps) for gaps in _intervals(spans)
    )


def _rhythm(spans: Sequence[Span]) -> tuple[float, bool] | None:
    """The interval at which most of them come, and whether it counts from the end of the last."""
    for gaps, from_end in zip(_intervals(spans), (False, True), strict=True):
        if len(gaps) >= _BEATS:
            usual = median(gaps)
            near = sum(abs(gap - usual) <= _EVEN * usual for gap in gaps)
            if usual > 0 and near >= max(_BEATS, _MOST * len(gaps)):
                return usual, from_end
    return None


def _hidden(spans: Sequence[Span], bare: Sequence[Attempt]) -> Iterator[Attempt]:
    """Attempts whose route nobody saw, where the rhythm of these goes on: refused connects, say."""
    rhythm = _rhythm(spans)
    if rhythm is None or not bare:
        return
    interval_s, from_end = rhythm
    left = sorted(bare, key=lambda attempt: attempt.start_s)
    starts = [attempt.start_s for attempt in left]
    for start_s, end_s in spans:
        due_s = (end_s if from_end else start_s) + interval_s
        while True:
            first = bisect_left(starts, due_s - _BEAT_S)
            near = left[first : bisect_right(starts, due_s + _BEAT_S)]
            if not near:
                break
            nearest = min(near, key=lambda attempt: abs(attempt.start_s - due_s))
            index = left.index(nearest)
            del left[index], starts[index]
            yield nearest
            due_s = (nearest.end_s if from_end else nearest.start_s) + interval_s
