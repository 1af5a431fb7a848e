"""Calls that a target makes by itself, for no request: its own health checks, say.

They say nothing of a breaker. Those that are declared are known; others are told apart by a route
and a life of their own.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise
from statistics import mean, pstdev

from harness.history.view import History
from harness.routes import route_matches
from harness.wire.attempts import Attempt
from harness.wire.learned import CLOCK_S, alike, calls_of, exact

_BEATS, _EVEN = 4, 0.1
"""So many equal intervals, give or take this share of one, are a rhythm of its own."""


def nobodys(history: History, upstream: str, attempts: Sequence[Attempt]) -> tuple[Attempt, ...]:
    """Attempts that no request caused: declared, or on a route with a life of its own.

    That is one that no request was seen to call in the warm-up and that is called outside of all
    requests' lives or with a rhythm; or one that is called in both these ways.
    """
    declared = [
        entry.partition(" ")[2]
        for entry in history.run.background
        if entry.partition(" ")[0] == upstream
    ]
    learned = {
        call.route for calls in calls_of(history).values() for call in calls
        if call.upstream == upstream
    }  # fmt: skip
    by_route: dict[str, list[Attempt]] = defaultdict(list)
    found: list[Attempt] = []
    for attempt in attempts:
        if attempt.path and any(route_matches(d, attempt.route, attempt.path) for d in declared):
            found.append(attempt)
        elif attempt.route:
            by_route[attempt.route].append(attempt)
    before = [
        (call.at_s, exact(call.called.route, call.called.path))
        for call in history.calls_to(upstream)
        if call.at_s < 0
    ]
    lives = sorted((r.sent.at_s, r.end_s) for r in (*history.warm_up, *history.requests))
    for route, made in by_route.items():
        instants = [at_s for at_s, seen in before if seen == route]
        instants += [attempt.start_s for attempt in made]
        strange = not any(alike(each, made[0]) for each in learned)
        alone, rhythmic = _alone(instants, lives), _rhythmic(instants)
        if (alone and rhythmic) or (strange and (alone or rhythmic)):
            found += made
    return tuple(found)


def _alone(instants: Sequence[float], lives: Sequence[tuple[float, float]]) -> bool:
    """Whether one of these happened while no request was under way."""
    busy_s, index = -math.inf, 0
    for at_s in sorted(instants):
        while index < len(lives) and lives[index][0] - CLOCK_S <= at_s:
            busy_s = max(busy_s, lives[index][1])
            index += 1
        if busy_s + CLOCK_S < at_s:
            return True
    return False


def _rhythmic(instants: Sequence[float]) -> bool:
    """Whether they come at equal intervals."""
    gaps = [b - a for a, b in pairwise(sorted(instants))]
    return len(gaps) >= _BEATS and pstdev(gaps) < _EVEN * mean(gaps)
