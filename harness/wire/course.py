"""The course of events at one upstream, in their order, and where nothing of it can matter.

Most of a long history is calm: attempts begin and succeed, of which a breaker that is closed and at
rest takes no notice. The next event that it might take notice of is found without looking at each
of those in between.
"""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from functools import cached_property
from operator import attrgetter, itemgetter
from typing import NamedTuple

from harness.frozen import Frozen
from harness.wire.attempts import Attempt
from harness.wire.demand import Asked

END, START, AWAY, LOST = 0, 1, 2, 3
BLIND_S = 1.0
"""Where the machine was later than this nothing is read from the order of events."""
_RANKS = {END: 0, START: 3, LOST: 4, AWAY: 5}
_AT_ONCE = {START: 1, END: 2}
_WORTH = 8
"""So many attempts are worth leaving out at once."""
_order = itemgetter(0, 1)
_at_s, _start_s, _end_s = attrgetter("at_s"), attrgetter("start_s"), attrgetter("end_s")


class Lost(Frozen):
    """One attempt that may have failed here, unseen."""

    at_s: float


Item = Attempt | Asked | Lost


class Happening(NamedTuple):
    """One event at an upstream's wire."""

    at_s: float
    rank: int
    """Its place among those of one instant."""
    what: int
    item: Item
    tie_s: float
    """How far the target's own order of events may be from the wire's around it."""


class Course:
    """All events of one upstream in their order, which many readings may follow.

    They are put in order once, and each is made when the first of them comes to it.
    """

    def __init__(
        self,
        attempts: Sequence[Attempt],
        asked: Collection[Asked],
        tie_s: Callable[[float], float],
        lost: Sequence[float] = (),
    ) -> None:
        """As `breaker.read` has them."""
        self.attempts = attempts
        self.tie_s = tie_s
        self.events = 2 * len(attempts) + len(asked) + len(lost)
        """How many there are."""
        # Of those that begin at one instant what ends there comes first, of ends there it is last.
        lasting = sorted(attempts, key=lambda a: a.start_s != a.end_s)
        self.begins = sorted(lasting, key=_start_s)
        at_once = sorted(attempts, key=lambda a: a.start_s == a.end_s)
        self.ends = sorted(at_once, key=_end_s)
        self.others = sorted(self._unseen(asked, lost), key=_order)
        self._made: dict[int, Happening] = {}
        """By how many come before it."""
        self.plainly: tuple[dict[int, int], Stirs] | None = None
        """What is mixed (`outcomes.mixed`) and what stirs by rules to which attempts are plainly
        what they were: the same by all of these, once one was held against it.
        """

    def __iter__(self) -> Walk:
        """Follow them from the first one on."""
        return Walk(self)

    def _unseen(self, asked: Iterable[Asked], lost: Sequence[float]) -> Iterator[Happening]:
        for one in asked:
            # What the target did meanwhile may show on the wire a little later.
            late_s = min(self.tie_s(one.by_s), BLIND_S) if one.sure else 0.0
            yield self._happening(one.by_s + late_s, AWAY, one)
        for at_s in lost:
            yield self._happening(at_s, LOST, Lost(at_s))

    def _happening(self, at_s: float, what: int, item: Item) -> Happening:
        return Happening(at_s, _rank(what, item), what, item, self.tie_s(at_s))

    def after(self, begun: int, ended: int, told: int) -> Happening | None:
        """The next event when so many of each kind are over; None when all are."""
        place = begun + ended + told
        known = self._made.get(place)
        if known is None and place < self.events:
            known = self._made[place] = self._next(begun, ended, told)
        return known

    def _next(self, begun: int, ended: int, told: int) -> Happening:
        at_s, rank, what = math.inf, math.inf, -1
        if begun < len(self.begins):
            begin = self.begins[begun]
            at_s, rank, what = begin.start_s, _rank(START, begin), START
        if ended < len(self.ends):
            end = self.ends[ended]
            if what < 0 or (end.end_s, _rank(END, end)) < (at_s, rank):
                at_s, rank, what = end.end_s, _rank(END, end), END
        if told < len(self.others):
            other = self.others[told]
            if what < 0 or _order(other) < (at_s, rank):
                return other
        return self._happening(at_s, what, begin if what == START else end)

    # What may be left out

    def stirs(self, calm: Callable[[Attempt], bool]) -> Stirs:
        """When something goes on that is not calm: an attempt that isn't, what nobody saw, or an
        event whose order can't be told.
        """
        found = [
            (each.start_s, each.end_s)
            for each, untold in zip(self.begins, self._untold, strict=True)
            if untold or not calm(each)
        ]
        found += [(other.at_s, other.at_s) for other in self.others]
        return Stirs(sorted(found))

    @cached_property
    def _untold(self) -> bytearray:
        """Of each attempt, whether the order of its begin or its end can't be told."""
        return bytearray(
            self.tie_s(each.start_s) > BLIND_S or self.tie_s(each.end_s) > BLIND_S
            for each in self.begins
        )


class Walk(Iterator[Happening]):
    """One reading's way along a course."""

    def __init__(self, course: Course) -> None:
        self._course = course
        self._begun = self._ended = self._told = 0
        """How many of each are over."""

    def __next__(self) -> Happening:
        """The next event. Raises: StopIteration when there is none."""
        event = self._course.after(self._begun, self._ended, self._told)
        if event is None:
            raise StopIteration
        if event.what == START:
            self._begun += 1
        elif event.what == END:
            self._ended += 1
        else:
            self._told += 1
        return event

    def go_on(self, at_s: float) -> list[Attempt] | None:
        """Leave out what comes before an instant: the attempts that are under way then, as they
        began; None where that is too little to be worth it, and nothing was left out.
        """
        course = self._course
        begun = bisect_left(course.begins, at_s, self._begun, key=_start_s)
        if begun - self._begun < _WORTH:
            return None
        self._begun = begun
        self._ended = bisect_left(course.ends, at_s, self._ended, key=_end_s)
        self._told = bisect_left(course.others, at_s, self._told, key=_at_s)
        under_way: list[Attempt] = []
        while len(under_way) < self._begun - self._ended:
            begun -= 1
            if course.begins[begun].end_s >= at_s:
                under_way.append(course.begins[begun])
        return under_way[::-1]


def _rank(what: int, item: Item) -> int:
    """At one instant ends come first, then begins, then refusals; but nothing ends unbegun."""
    at_once = isinstance(item, Attempt) and item.start_s == item.end_s
    return (_AT_ONCE if at_once else _RANKS)[what]


class Stirs:
    """The times in which something goes on that is not calm."""

    def __init__(self, spans: Iterable[tuple[float, float]]) -> None:
        """`spans`: by their begins."""
        self._from_s, self._to_s = array("d"), array("d")
        for start_s, end_s in spans:
            if self._to_s and start_s <= self._to_s[-1]:
                self._to_s[-1] = max(self._to_s[-1], end_s)
            else:
                self._from_s.append(start_s)
                self._to_s.append(end_s)

    def next_s(self, at_s: float) -> float:
        """When there is the first of an instant or later ones; infinite where there is none."""
        place = bisect_left(self._to_s, at_s)
        return max(at_s, self._from_s[place]) if place < len(self._to_s) else math.inf


class UnderWay:
    """The attempts under way in one reading, ready to be asked which of them may have ended."""

    def __init__(self) -> None:
        self.attempts: dict[int, Attempt] = {}
        self._ends: list[tuple[float, int]] = []
        """The earliest end of each, and whose."""

    def note(self, event: Happening) -> None:
        """One begins or ends, where that is what happens."""
        attempt = event.item
        if not isinstance(attempt, Attempt):
            return
        end = attempt.ends_from_s, attempt.id
        if event.what == START:
            insort(self._ends, end)
        elif attempt.id in self.attempts:
            del self._ends[bisect_left(self._ends, end)]
        note(self.attempts, event)

    def are(self, attempts: Sequence[Attempt]) -> None:
        """These are under way, and no others."""
        self.attempts = {attempt.id: attempt for attempt in attempts}
        self._ends = sorted((attempt.ends_from_s, attempt.id) for attempt in attempts)

    def ended_by(self, at_s: float) -> list[Attempt]:
        """Those that may have ended by then."""
        until = bisect_right(self._ends, at_s, key=lambda end: end[0])
        return [self.attempts[number] for _, number in self._ends[:until]]


def note(in_flight: dict[int, Attempt], event: Happening) -> None:
    """Keep account of the attempts that are under way."""
    if isinstance(event.item, Attempt):
        if event.what == START:
            in_flight[event.item.id] = event.item
        else:
            in_flight.pop(event.item.id, None)
