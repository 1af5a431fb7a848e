"""Calls that reached stubs, with their replies: put together when somebody asks for one."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any, overload

from harness.frozen import Frozen
from harness.history.columns import column, places_of, taken
from harness.history.events import Called, Replied
from harness.routes import route_matches


class Call(Frozen, kw_only=True):
    """One call that reached a stub, and its reply."""

    called: Called
    replied: Replied | None

    @property
    def at_s(self) -> float:
        """When it had come in whole."""
        return self.called.at_s


class Calls(Sequence[Call]):
    """Calls in some order, each put together when it is asked for."""

    def __init__(
        self,
        called: Sequence[Called],
        replied: Sequence[Replied],
        replies: Sequence[int],
        order: Sequence[int],
    ) -> None:
        """`replies`: of each of `called` where its reply stands, -1 without one. `order`: which of
        `called` they are.
        """
        self._called = called
        self._replied = replied
        self._replies = replies
        self._order = order

    def __len__(self) -> int:
        return len(self._order)

    @overload
    def __getitem__(self, index: int) -> Call: ...
    @overload
    def __getitem__(self, index: slice) -> Calls: ...
    def __getitem__(self, index: int | slice) -> Call | Calls:
        if isinstance(index, slice):
            return self.taken(self._order[index])
        place = self._order[index]
        reply = self._replies[place]
        return Call(called=self._called[place], replied=None if reply < 0 else self._replied[reply])

    def __iter__(self) -> Iterator[Call]:
        return map(self.__getitem__, range(len(self)))

    def taken(self, order: Sequence[int]) -> Calls:
        """Those of some places."""
        return Calls(self._called, self._replied, self._replies, order)

    def to(self, upstream: str, route: str | None = None) -> Calls:
        """Those at one upstream, of one route if given."""
        own = self._by_upstream.get(upstream, self._none)
        if route is None:
            return own
        keys = zip(own._order, own.told("route"), own.told("path"), strict=True)
        return self.taken(
            array("I", (k for k, each, path in keys if route_matches(route, each, path)))
        )

    @cached_property
    def _by_upstream(self) -> dict[str, Calls]:
        found = places_of(self._called, "upstream", self._order)
        return {upstream: self.taken(order) for upstream, order in found.items()}

    @cached_property
    def _none(self) -> Calls:
        return self.taken(())

    def told(self, name: str) -> Iterator[Any]:
        """What each says of itself under a field's name (`Called`)."""
        return column(taken(self._called, self._order), name)

    def answered(self, name: str) -> Iterator[Any]:
        """What is told of each one's end under a field's name (`Replied`); None without an end."""
        replies = array("q", map(self._replies.__getitem__, self._order))
        told = column(taken(self._replied, (place for place in replies if place >= 0)), name)
        return (None if place < 0 else next(told) for place in replies)
