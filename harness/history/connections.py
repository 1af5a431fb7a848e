"""What crossed one upstream's proxy, by connection: what came after what, and which were cut."""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from operator import itemgetter

from harness.history.columns import Coded, column, followed
from harness.history.events import Crossed

_GOODBYE_S = 0.02
"""Nobody gives an answer up so soon."""
_AT_ONCE_S = 0.0001
"""Nobody gets an answer and asks again on its connection so soon."""


class Connections:
    """What crossed one upstream's proxy, field by field: an event is known by its place.

    A client of what isn't HTTP that had been answered and spoke once more, but closed at once, has
    said `goodbye`: it can't have wanted an answer to that, so it was no request.
    """

    def __init__(self, crossed: Sequence[Crossed], *, tcp: bool = False) -> None:
        """`tcp`: whether what crossed isn't HTTP."""
        self.at_s = array("d", column(crossed, "at_s"))
        self.what: Coded[str] = Coded(column(crossed, "what"))
        self.closed_by: Coded[str | None] = Coded(column(crossed, "closed_by"))
        self._followed = followed(crossed, "connection")
        if tcp:
            goodbyes = set(self._goodbyes())
            self.what = Coded("goodbye" if k in goodbyes else w for k, w in enumerate(self.what))

    def _goodbyes(self) -> Iterator[int]:
        for place in self.all("response", -math.inf):
            said = self.after(place, "request")
            closed = None if said is None else self.after(said, "closed")
            if said is None or closed is None or self.closed_by[closed] != "client":
                continue
            if self.at_s[closed] - self.at_s[said] <= _GOODBYE_S:
                yield said

    def all(self, what: str, since_s: float = 0.0, until_s: float = math.inf) -> Iterator[int]:
        """The events of one kind from an instant up to another, as they came."""
        first, end = bisect_left(self.at_s, since_s), bisect_left(self.at_s, until_s)
        return self.what.places(what, first, end)

    def on(self, place: int) -> Iterator[int]:
        """What came after an event on its connection."""
        while (place := self._followed[place]) >= 0:
            yield place

    def after(self, place: int, *kinds: str) -> int | None:
        """What came next on its connection, if it is of these kinds."""
        after = self._followed[place]
        return after if after >= 0 and self.what[after] in kinds else None

    def first(self, place: int, *kinds: str) -> int | None:
        """The first of these kinds that came after an event on its connection."""
        return next((after for after in self.on(place) if self.what[after] in kinds), None)

    def cut_idle(self, since_s: float = 0.0) -> list[float]:
        """When kept-alive connections on which nothing was asked were closed from the far side.

        A request that was just being sent on one of them failed without reaching the proxy. Nobody
        was that quick where it was closed with its answer.
        """
        found = []
        for place in self.all("response", -math.inf):
            closed = self.after(place, "closed")
            if closed is None or self.closed_by[closed] == "client":
                continue
            at_s = self.at_s[closed]
            if at_s >= since_s and at_s - self.at_s[place] > _AT_ONCE_S:
                found.append(at_s)
        return sorted(found)

    def given_up(self) -> list[tuple[float, float]]:
        """When each attempt began and ended whose connection its client closed before any answer,
        as they ended.
        """
        found = []
        for place in self.all("request"):
            closed = self.after(place, "closed")
            if closed is not None and self.closed_by[closed] == "client":
                found.append((self.at_s[place], self.at_s[closed]))
        return sorted(found, key=itemgetter(1))
