"""The stub's records of the calls at one upstream, of which each belongs to one attempt."""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from functools import cached_property, lru_cache

from harness.history.calls import Calls
from harness.history.columns import Coded

BEFORE_S = 0.01
"""How much earlier than its proxy a stub may seem to see a request."""


class Records:
    """Calls by instant, field by field; a record is known by its place."""

    def __init__(self, calls: Calls) -> None:
        self.at_s = array("d", calls.told("at_s"))
        self.done_s = array("d", (math.inf if s is None else s for s in calls.answered("at_s")))
        """When the stub was done with each; infinite where it never was."""
        self.status: Coded[int | None] = Coded(calls.answered("status"))
        self.outcome: Coded[str | None] = Coded(calls.answered("outcome"))
        """What became of each; None where nothing did."""
        self.path: list[str] = list(calls.told("path"))
        self.route: Coded[str] = Coded(calls.told("route"))
        self.of: list[str] = list(calls.told("of"))
        self.trace: list[str] = list(calls.told("trace"))
        self.met: Coded[tuple[str, ...] | None] = Coded(calls.told("met"))
        """What each met, by the stub's own account; None where it doesn't say."""
        self._taken = bytearray(len(self.at_s))

    def take(
        self,
        path: str,
        start_s: float,
        seen_s: float,
        status: int,
        *,
        travels_s: float,
        instant_s: float,
    ) -> int | None:
        """The record of an answered attempt: same path and status, the next that arrived. It is of
        no other one then; of equal attempts at one instant the end tells which.

        `start_s`: when the attempt entered the proxy; `seen_s`: when the first bytes of its answer
        passed there. `travels_s`: how long it may have been on its way. `instant_s`: nearer than
        this to each other two arrive at one instant.
        """
        path = _plain(path)
        found, nearest = None, (math.inf, math.inf)
        latest_s = min(start_s + travels_s, seen_s)  # nor had it arrived when its answer was seen
        for place in range(bisect_left(self.at_s, start_s - BEFORE_S), len(self.at_s)):
            if self.at_s[place] > latest_s:
                break
            if self._taken[place] or _plain(self.path[place]) != path:
                continue
            outcome = self.outcome[place]
            if outcome is not None and (outcome == "lost" or self.status[place] != status):
                continue
            arrived = round((self.at_s[place] - start_s) / instant_s)
            if arrived > nearest[0]:
                break  # and whatever comes after it
            done_s = self.done_s[place]
            apart = arrived, 0.0 if done_s == seen_s else abs(done_s - seen_s)
            if apart < nearest:
                found, nearest = place, apart
        if found is not None:
            self._taken[found] = True
        return found

    # Whether it may be another's

    def left_beside(self, record: int, instant_s: float) -> tuple[int, ...]:
        """Those of attempts that were never answered which it may be instead: they arrived at the
        same instant, are alike but for whose they are, and nobody has taken them.
        """
        arrived_s = self.at_s[record]
        first = bisect_left(self._left, arrived_s - instant_s, key=self.at_s.__getitem__)
        last = bisect_right(self._left, arrived_s + instant_s, key=self.at_s.__getitem__)
        return tuple(place for place in self._left[first:last] if self._alike(record, place))

    def beside(self, record: int, start_s: float, end_s: float) -> tuple[int, ...]:
        """The other calls that arrived in that time, alike but for whose they are."""
        first, last = bisect_left(self.at_s, start_s - BEFORE_S), bisect_right(self.at_s, end_s)
        places = (place for place in range(first, last) if place != record)
        return tuple(place for place in places if self._alike(record, place))

    def named_alike(self, record: int, others: Iterable[int]) -> bool:
        """Whether whoever it is of, it is of the same call and trace."""
        names = {(self.of[place], self.trace[place]) for place in (record, *others)}
        return len(names) == 1

    def ended_alike(self, record: int, others: Iterable[int]) -> bool:
        """Whether whoever it is of, the same became of it."""
        ends = {(self.outcome[place], self.met[place]) for place in (record, *others)}
        return len(ends) == 1

    @cached_property
    def _left(self) -> Sequence[int]:
        """Those since 0s that no attempt has taken, once all have taken theirs."""
        first = bisect_left(self.at_s, 0.0)
        return [place for place in range(first, len(self._taken)) if not self._taken[place]]

    def _alike(self, one: int, other: int) -> bool:
        same_path = _plain(self.path[one]) == _plain(self.path[other])
        return same_path and self.status[one] == self.status[other]


@lru_cache(maxsize=4096)  # asked for each call, of a few routes
def _plain(path: str) -> str:
    return path.partition("?")[0]
