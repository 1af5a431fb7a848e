"""Calls that a target makes by itself, for no request: its own health checks, say.

They say nothing of a breaker. Those that are declared are known; others are told apart by a route
and a life of their own, and where a fault hides their route by the rhythm that they go on in. A
loop may beat in the midst of a warm-up's request; so what was seen there is no proof that requests
make a call, where the contract doesn't name it or others go well without it.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence

from harness.history.requests import Request
from harness.history.view import History
from harness.routes import route_matches
from harness.wire.attempts import Attempt, in_order
from harness.wire.beats import (
    FEW_BEATS,
    Span,
    at_one_instant,
    hidden,
    on_the_beat,
    rhythm_of,
    steady,
)
from harness.wire.learned import CLOCK_S, WarmUp, alike, declared, exact, in_life

_OFTEN = 3
"""So many calls outside of all requests' lives are no straggler of one."""
_SELDOM = 0.1
"""In this share of the time, at the most, requests are seldom under way."""


def nobodys(
    history: History,
    attempts: Mapping[str, Sequence[Attempt]],
    warm_up: WarmUp,
    template: Callable[[str, str], str],
    untimely: Mapping[str, Callable[[float], bool]],
) -> dict[str, tuple[Attempt, ...]]:
    """By upstream, the attempts that no request caused.

    `template`: how a contract names the route of a call; empty where it doesn't. `untimely`:
    whether one that is seen then may have been made long before, by whoever waited for it.
    """
    found = {
        name: _by_route(history, name, made, warm_up, template, untimely[name])
        for name, made in attempts.items()
    }
    known = {name: _known(name, warm_up, template) for name in attempts}
    for name, own in at_one_instant(found, attempts, known):
        found[name] += own
    if not (history.run.background or any(found.values())):
        return found
    lives = _lives(history)
    beside = {
        name: (
            *own,
            *on_the_beat(name, found, attempts, seen=bool(own or declared(history, name))),
        )
        for name, own in found.items()
    }
    return {
        name: (*own, *_while_nobody_asks(own, attempts[name], lives, untimely[name]))
        for name, own in beside.items()
    }


def _by_route(
    history: History,
    upstream: str,
    attempts: Sequence[Attempt],
    warm_up: WarmUp,
    template: Callable[[str, str], str],
    untimely: Callable[[float], bool],
) -> tuple[Attempt, ...]:
    """Those at one upstream that are declared, or on a route with a life of its own.

    That is one that no request makes, as far as the warm-up and the contract tell, and that is
    called outside of all requests' lives, with a rhythm (but not that of the traffic itself), or
    not by requests that went well without it; or one that is called in both the first ways; or one
    that is called outside of them again and again, and that requests of every stream do without.
    `template`: how a contract names the route of a call; empty where it doesn't. `untimely`:
    whether one that is seen then may have been made long before, by whoever waited for it. With
    them go attempts for nobody knows what, by their rhythm or while no request is under way.
    """
    if not attempts:
        return ()
    by_itself = declared(history, upstream)
    known = _known(upstream, warm_up, template)
    by_route: dict[str, list[Attempt]] = defaultdict(list)
    bare: list[Attempt] = []
    found: list[Attempt] = []
    firsts: dict[str, Attempt] = {}
    for attempt in attempts:
        route = attempt.route
        firsts.setdefault(route, attempt)
        if (
            by_itself
            and attempt.path
            and any(route_matches(d, route, attempt.path) for d in by_itself)
        ):
            found.append(attempt)
        elif route:
            by_route[route].append(attempt)
        else:
            bare.append(attempt)
    lives = _lives(history)
    for route, made in by_route.items():
        unlike = {each for each, one in firsts.items() if each and not alike(route, one)}
        others = [a for a in attempts if a.route in unlike] if unlike else []
        own = _Route(history, upstream, warm_up, lives, route, made, others, untimely)
        strange = not any(alike(each, made[0]) for each in known)
        if own.has_own_life or (strange and own.is_strangers):
            found += made
            found += hidden(own.spans, bare)
    return tuple(found)


def _known(upstream: str, warm_up: WarmUp, template: Callable[[str, str], str]) -> set[str]:
    """The routes of an upstream that requests make, as far as the warm-up and the contract tell."""
    every = (call for calls in warm_up.calls.values() for call in calls)
    learned = {call.route for call in every if call.upstream == upstream}
    return {route for route in learned if template(upstream, route)} or learned


def _lives(history: History) -> list[Span]:
    return sorted((r.at_s, r.end_s) for r in (*history.warm_up, *history.requests))


def _while_nobody_asks(
    found: Sequence[Attempt],
    attempts: Sequence[Attempt],
    lives: Sequence[Span],
    untimely: Callable[[float], bool],
) -> Iterator[Attempt]:
    """Attempts for nobody knows what, beside those that were found, that began while no request was
    under way: they are no request's, and their target is known to call by itself, if only elsewhere
    or by its own word.
    """
    told = {attempt.id for attempt in found}
    bare = (a for a in attempts if not a.route and a.id not in told)
    left = in_order(a for a in bare if not untimely(a.start_s))
    for index in _aside([attempt.start_s for attempt in left], lives):
        yield left[index]


class _Route:
    """The attempts on one route of an upstream, beside the lives of all requests.

    `others`: attempts at the same upstream for something else.
    """

    def __init__(
        self,
        history: History,
        upstream: str,
        warm_up: WarmUp,
        lives: Sequence[Span],
        route: str,
        made: Sequence[Attempt],
        others: Sequence[Attempt],
        untimely: Callable[[float], bool],
    ) -> None:
        self._history = history
        self._upstream = upstream
        self._warm_up = warm_up
        self._lives = lives
        self._route = route
        self._made = made
        self._others = others
        self.spans = sorted((*self._before(), *((a.start_s, a.end_s) for a in made)))
        """From when to when each lasted, those before the outage, too, which are no attempts."""
        in_time = [span for span in self.spans if not untimely(span[0])]
        self._outside = _outside(in_time, lives)

    def _before(self) -> Iterator[Span]:
        for call in self._history.warm_up_calls.to(self._upstream):
            if exact(call.called.route, call.called.path) == self._route:
                yield call.at_s, call.at_s if call.replied is None else call.replied.at_s

    @property
    def has_own_life(self) -> bool:
        """Whether they are nobody's although a request of the warm-up seemed to make one."""
        if not self._outside:
            return False
        if steady(self.spans) or self._is_needless(well=True):
            return True
        often = self._outside >= _OFTEN
        return often and (rhythm_of(self.spans) is not None or self._is_done_without)

    @property
    def is_strangers(self) -> bool:
        """Whether they are nobody's, as no request is known to make them."""
        if self._outside or self._is_needless(well=True):
            return True
        if steady(self.spans) and not self._answers_requests:
            return True
        return steady(self.spans, FEW_BEATS) and self._is_needless(well=False)

    @property
    def _answers_requests(self) -> bool:
        """Whether each begins while a request is under way although that is seldom so: they come
        as evenly as the traffic that they are made for, to a stand-in, say.
        """
        first_s, last_s = self.spans[0][0], self.spans[-1][0]
        busy_s, until_s = 0.0, first_s
        for start_s, end_s in self._lives:
            end_s = min(end_s, last_s)
            busy_s += max(0.0, end_s - max(start_s, until_s))
            until_s = max(until_s, end_s)
        return not self._outside and busy_s <= _SELDOM * (last_s - first_s)

    @property
    def _is_done_without(self) -> bool:
        """Whether each stream has a request that was answered as ever without such a call."""
        instants = sorted(
            call.at_s
            for call in self._history.calls_to(self._upstream)
            if call.at_s >= 0 and exact(call.called.route, call.called.path) == self._route
        )
        if not instants:
            return False  # nobody would have seen it
        without = {
            request.stream
            for request in self._history.requests
            if request.status is not None
            and self._went_as_ever(request)
            and not _any_within(instants, request)
        }
        return without == set(self._warm_up.last)

    def _is_needless(self, *, well: bool) -> bool:
        """Whether each stream that seemed to make such a call in the warm-up has a request that
        called the same upstream for something else only; `well`: with success, and answered as
        there.
        """
        began_s = [attempt.start_s for attempt in self._made]
        other_s = [attempt.start_s for attempt in self._others if attempt.ok or not well]
        seemed = {
            stream
            for stream, calls in self._warm_up.calls.items()
            if any(c.route and c.may_be(self._upstream, self._made[0]) for c in calls)
        }
        without = {
            request.stream
            for request in self._history.requests
            if request.stream in seemed
            and (not well or self._went_as_ever(request))
            and _any_within(other_s, request)
            and not _any_within(began_s, request)
        }
        return bool(seemed) and without == seemed

    def _went_as_ever(self, request: Request) -> bool:
        """Whether a request has the status of its stream's last one in the warm-up."""
        before = self._warm_up.last.get(request.stream)
        return before is not None and request.status == before.status


def _outside(spans: Sequence[Span], lives: Sequence[Span]) -> int:
    """How many of these began while no request was under way."""
    return sum(1 for _ in _aside([start_s for start_s, _ in spans], lives))


def _aside(starts_s: Sequence[float], lives: Sequence[Span]) -> Iterator[int]:
    """Which of these instants, in order, lie where no request was under way."""
    busy_s, index = -math.inf, 0
    for number, start_s in enumerate(starts_s):
        while index < len(lives) and lives[index][0] - CLOCK_S <= start_s:
            busy_s = max(busy_s, lives[index][1])
            index += 1
        if busy_s + CLOCK_S < start_s:
            yield number


def _any_within(instants: Sequence[float], request: Request) -> bool:
    """Whether one of these, in order, lies in a request's life."""
    own = instants[in_life(instants, request)]
    return len(own) > 0
