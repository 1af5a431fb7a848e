"""Requests under way, by when each may be due to make its next attempt.

Whose an attempt is, is asked for each of them: looking at every request under way each time would
cost as much as all pairs of both. Here the nearest come first, so that whoever asks can stop at the
first that is too far off.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from heapq import heappop, heappush
from typing import NamedTuple

from harness.history.requests import Request
from harness.wire.learned import CLOCK_S
from harness.wire.turns import Due


class Standing(NamedTuple):
    """What is known of one request by now."""

    dues: Sequence[Due]
    """All that it may do next: nothing else is ever asked of it."""
    last: tuple[str, float] | None
    """Its last attempt: at which upstream, and since when."""


Place = tuple[float, int]
"""An instant, and a request by its place among all."""


class Pending:
    """Requests that come in as time goes on, and leave for good when they have ended."""

    def __init__(
        self, requests: Iterable[Request], standing: Callable[[Request], Standing]
    ) -> None:
        """`requests`: in the order in which they left. `standing`: what is known of one now."""
        self._all = tuple(requests)
        self._standing = standing
        self._came = 0
        self._gone_s = -math.inf
        self._ends: list[Place] = []
        self._alive: dict[int, int] = {}
        self._by_trace: dict[str, list[int]] = defaultdict(list)
        self._later: list[tuple[float, int, int, str, float]] = []
        """What isn't due yet: from when on, whose, as of which change, where, and how near."""
        self._now: dict[str, list[Place]] = defaultdict(list)
        """What is due, by upstream: its instant less what is unlikely of it, and whose."""
        self._lasts: dict[str, list[Place]] = defaultdict(list)
        self._moved: set[int] = set()
        """Of whom more is known since their places were found: that is done when it is asked for,
        as who says whose an attempt is (a trace) is never looked for among all.
        """
        self._to_s = -math.inf
        self._held: dict[int, tuple[list[tuple[list[Place], Place]], int]] = {}
        """Where each request stands in these, and how often that has changed."""

    def go_on(self, to_s: float, gone_s: float) -> list[Request]:
        """Let time go on: whoever has left by then comes in, who ended before `gone_s` is gone.

        Returns those that are gone now.
        """
        while self._came < len(self._all) and self._all[self._came].at_s <= to_s + CLOCK_S:
            self._come(self._came)
            self._came += 1
        self._gone_s, self._to_s = max(self._gone_s, gone_s), max(self._to_s, to_s)
        gone = []
        while self._ends and self._ends[0][0] < self._gone_s:
            gone.append(self._leave(heappop(self._ends)[1]))
        return gone

    def _settle(self) -> None:
        """Put everybody where they stand by now."""
        for number in self._moved:
            self._place(number)
        self._moved.clear()
        to_s = self._to_s
        while self._later and self._later[0][0] <= to_s:
            _, number, change, upstream, near_s = heappop(self._later)
            places, changed = self._held.get(number, ([], -1))
            if change == changed:
                self._stand(places, self._now[upstream], (near_s, number))

    def _come(self, number: int) -> None:
        request = self._all[number]
        heappush(self._ends, (request.end_s, number))
        self._alive[request.id] = number
        if request.trace:
            self._by_trace[request.trace].append(number)
        self._held[number] = ([], 0)
        self.moved(request)

    def _leave(self, number: int) -> Request:
        request = self._all[number]
        self._withdraw(number)
        self._moved.discard(number)
        del self._held[number]
        if self._alive.get(request.id) == number:
            del self._alive[request.id]
        if request.trace:
            self._by_trace[request.trace].remove(number)
            if not self._by_trace[request.trace]:
                del self._by_trace[request.trace]
        return request

    def moved(self, request: Request) -> None:
        """Something more is known of a request."""
        number = self._alive.get(request.id)
        if number is not None:
            self._moved.add(number)

    def _place(self, number: int) -> None:
        change = self._withdraw(number) + 1
        places: list[tuple[list[Place], Place]] = []
        self._held[number] = places, change
        standing = self._standing(self._all[number])
        dues = {(d.upstream, d.from_s - CLOCK_S, d.at_s - d.unlikely_s) for d in standing.dues}
        for upstream, from_s, near_s in dues:
            heappush(self._later, (from_s, number, change, upstream, near_s))
        if standing.last is not None:
            upstream, since_s = standing.last
            self._stand(places, self._lasts[upstream], (since_s, number))

    @staticmethod
    def _stand(places: list[tuple[list[Place], Place]], among: list[Place], place: Place) -> None:
        insort(among, place)
        places.append((among, place))

    def _withdraw(self, number: int) -> int:
        places, change = self._held[number]
        for among, place in places:
            del among[bisect_left(among, place)]
        return change

    # Who is asked

    def all(self) -> Iterator[Request]:
        """Everyone under way."""
        return (self._all[number] for number in self._alive.values())

    def one(self, request: int) -> Request | None:
        """The request of an id, if it is under way."""
        number = self._alive.get(request)
        return None if number is None else self._all[number]

    def traced(self, trace: str) -> list[Request]:
        """Those that began a trace."""
        return [self._all[number] for number in self._by_trace.get(trace, ())]

    def nearest(self, upstream: str, at_s: float) -> Iterator[tuple[float, Request]]:
        """Those that are due at an upstream, each with how far off that is at least."""
        self._settle()
        for near_s, number in reversed(self._now[upstream]):
            yield at_s - near_s, self._all[number]

    def due(self, upstream: str, from_s: float, to_s: float) -> list[Request]:
        """Those that may have been due at an upstream in that time at the latest, ends included."""
        self._settle()
        among = self._now[upstream]
        first = bisect_left(among, (from_s, -1))
        last = bisect_right(among, (to_s, len(self._all)))
        return [self._all[number] for _, number in among[first:last]]

    def last_at(self, upstream: str, since_s: float) -> list[Request]:
        """Those whose last attempt is one at an upstream, begun since then, as they left."""
        self._settle()
        among = self._lasts[upstream]
        numbers = sorted(number for _, number in among[bisect_left(among, (since_s, -1)) :])
        return [self._all[number] for number in numbers]
