"""The rhythm of what a target calls by itself: its own health checks, say.

A loop calls at equal intervals, and mostly several upstreams at one instant: so it gives away what
of it a fault hides, and what only a few of its beats are seen of.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import pairwise
from operator import attrgetter
from statistics import mean, median, pstdev

from harness.wire.attempts import Attempt, in_order
from harness.wire.learned import alike

_BEATS, _EVEN = 4, 0.1
"""So many equal intervals, give or take this share of one, are a rhythm of its own."""
FEW_BEATS = 2
"""So many are, of a call that no request is to make and that some surely did without."""
_MOST = 0.75
"""A rhythm that a fault interrupts or stretches still shows in this share of the intervals."""
_BEAT_S = 0.03
"""How far a call may lie from the instant at which its rhythm wants it."""
_TOGETHER_S = 0.1
"""How far apart a loop may call one upstream and the next."""

Span = tuple[float, float]

_start_s = attrgetter("start_s")
_end_s = attrgetter("end_s")


def _intervals(spans: Sequence[Span]) -> tuple[list[float], list[float]]:
    """From begin to begin, and from the end of one to the next: what a loop sleeps between them."""
    begins = [after - before for (before, _), (after, _) in pairwise(spans)]
    pauses = [after - done for (_, done), (after, _) in pairwise(spans) if done < math.inf]
    return begins, pauses


def steady(spans: Sequence[Span], beats: int = _BEATS) -> bool:
    """Whether all of them come at equal intervals, by their begins or between them."""
    return any(
        len(gaps) >= beats and 0 <= pstdev(gaps) < _EVEN * mean(gaps) for gaps in _intervals(spans)
    )


def rhythm_of(spans: Sequence[Span]) -> tuple[float, bool] | None:
    """The interval at which most of them come, and whether it counts from the end of the last."""
    for gaps, from_end in zip(_intervals(spans), (False, True), strict=True):
        if len(gaps) >= _BEATS:
            usual = median(gaps)
            near = sum(abs(gap - usual) <= _EVEN * usual for gap in gaps)
            if usual > 0 and near >= max(_BEATS, _MOST * len(gaps)):
                return usual, from_end
    return None


def hidden(spans: Sequence[Span], bare: Sequence[Attempt]) -> Iterator[Attempt]:
    """Attempts whose route nobody saw, where the rhythm of these goes on, or had begun before:
    refused connects, say.
    """
    rhythm = rhythm_of(spans)
    if rhythm is None or not bare:
        return
    interval_s, from_end = rhythm
    done = _end_s if from_end else _start_s
    left = sorted(bare, key=_start_s)
    for start_s, end_s in spans:
        due_s = (end_s if from_end else start_s) + interval_s
        while (near := _take_near(left, due_s, _BEAT_S)) is not None:
            yield near
            due_s = done(near) + interval_s
    left.sort(key=done)
    for start_s, _ in spans:
        due_s = start_s - interval_s
        while (near := _take_near(left, due_s, _BEAT_S, by=done)) is not None:
            yield near
            due_s = near.start_s - interval_s


def _take_near(
    bare: list[Attempt], at_s: float, within_s: float, by: Callable[[Attempt], float] = _start_s
) -> Attempt | None:
    """Take out the one that began (or ended) nearest to an instant; None where none did so.

    `bare`: in that order.
    """
    first = bisect_left(bare, at_s - within_s, key=by)
    near = range(first, bisect_right(bare, at_s + within_s, key=by))
    nearest = min(near, key=lambda index: abs(by(bare[index]) - at_s), default=None)
    return None if nearest is None else bare.pop(nearest)


def on_the_beat(
    upstream: str,
    found: Mapping[str, Sequence[Attempt]],
    attempts: Mapping[str, Sequence[Attempt]],
    *,
    seen: bool,
) -> Iterator[Attempt]:
    """Attempts for nobody knows what, each at an instant at which a loop was seen to call another
    upstream: one that asks them all.

    `seen`: whether this one is known to be among them. If not, nothing but an attempt at each such
    instant tells so.
    """
    told = {attempt.id for attempt in found[upstream]}
    bare = sorted(
        (a for a in attempts[upstream] if not a.route and a.id not in told),
        key=_start_s,
    )
    elsewhere = sorted(a.start_s for name, own in found.items() if name != upstream for a in own)
    beats: list[float] = []
    for at_s in elsewhere if bare else ():
        if not beats or at_s > beats[-1] + _TOGETHER_S:
            beats.append(at_s)
    matched = [near for at_s in beats if (near := _take_near(bare, at_s, _TOGETHER_S)) is not None]
    if seen or len(matched) == len(beats) >= _BEATS:
        yield from matched


def at_one_instant(
    found: Mapping[str, Sequence[Attempt]],
    attempts: Mapping[str, Sequence[Attempt]],
    known: Mapping[str, Collection[str]],
) -> Iterator[tuple[str, tuple[Attempt, ...]]]:
    """By upstream, what else a loop calls that asks several of them at one instant.

    Calls on such a route, which no request is known to make, have others beside them on the same
    route of other upstreams: of one that a loop surely calls, of two, or again and again. A call
    that a fault held up may have been late, so not all of them need have any.
    """
    strange: dict[str, dict[str, list[Attempt]]] = defaultdict(dict)
    for name, made in attempts.items():
        by_route: dict[str, list[Attempt]] = defaultdict(list)
        for attempt in made:
            by_route[attempt.route].append(attempt)
        for route, own in by_route.items():
            if route and not any(alike(each, own[0]) for each in known[name]):
                strange[route][name] = own
    for route, by_name in strange.items():
        surely = {name for name in by_name if any(a.route == route for a in found[name])}
        starts = {name: [a.start_s for a in in_order(made)] for name, made in by_name.items()}
        for name in sorted(by_name.keys() - surely):
            beside = [_near(starts, at_s) - {name} for at_s in starts[name]]
            with_others = [each for each in beside if each]
            several = any(each & surely or len(each) > 1 for each in with_others)
            several = several or len(with_others) > FEW_BEATS
            if several and 2 * len(with_others) >= len(beside):
                yield name, tuple(by_name[name])


def _near(starts_s: Mapping[str, Sequence[float]], at_s: float) -> set[str]:
    """The upstreams that were called around an instant, of which these are the calls in order."""
    return {
        name
        for name, own in starts_s.items()
        if bisect_left(own, at_s - _TOGETHER_S) < bisect_right(own, at_s + _TOGETHER_S)
    }
