"""What a play shows of each request of an experiment: its attempts, its time, its answer."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator
from functools import cached_property

from harness.frozen import Frozen
from harness.history.connections import Connections
from harness.history.requests import Request
from harness.history.view import History


class Try(Frozen, kw_only=True):
    """One attempt, as its proxy saw it. Instants are seconds since 0s."""

    start_s: float
    end_s: float
    """When its answer began, or it was cut, refused or given up; infinite if none was seen."""
    gone_s: float = math.inf
    """When its connection was closed; infinite where it was kept."""
    how: str
    """`answered`, `refused`, `unanswered`, or `ended`: without an answer."""
    status: int | None = None
    route: str = ""
    """Method and path, where something was asked."""
    left: bool = False
    """Whether its client gave it up."""


class Seen(Frozen, kw_only=True):
    """One request: what it met, and what its sender heard."""

    sent_s: float
    end_s: float
    status: int | None
    tries: tuple[Try, ...]

    @property
    def latency_s(self) -> float:
        """From its instant to its answer; infinite without one."""
        return self.end_s - self.sent_s


class Reading:
    """One play of an experiment."""

    def __init__(
        self,
        history: History,
        upstream: str,
        *,
        ignored: Collection[str] = (),
        lead_s: float = 0.0,
    ) -> None:
        """`ignored`: routes of calls that no request causes, such as `GET /health`; `lead_s`: how
        long after a request its first call here begins at the earliest.
        """
        self.history = history
        self.upstream = upstream
        self._ignored = frozenset(ignored)
        self._lead_s = lead_s

    @cached_property
    def tries(self) -> tuple[Try, ...]:
        """All attempts since 0s, by start."""
        crossed = Connections(self.history.crossings_at(self.upstream))
        found = [*self._asked(crossed), *_unasked(crossed)]
        for how in ("refused", "unanswered"):
            for start_s in map(crossed.at_s.__getitem__, crossed.all(how)):
                end_s = start_s if how == "refused" else math.inf
                found.append(Try(start_s=start_s, end_s=end_s, how=how))
        return tuple(sorted(found, key=lambda one: (one.start_s, one.end_s)))

    def _asked(self, crossed: Connections) -> Iterator[Try]:
        events = self.history.crossings_at(self.upstream)
        for place in crossed.all("request"):
            route = f"{events[place].method} {(events[place].path or '').partition('?')[0]}"
            if route in self._ignored:
                continue
            start_s = crossed.at_s[place]
            answer = crossed.after(place, "response")
            closed = crossed.first(place, "request", "closed")
            if closed is not None and crossed.what[closed] == "request":
                closed = None
            gone_s = math.inf if closed is None else crossed.at_s[closed]
            by_client = closed is not None and crossed.closed_by[closed] == "client"
            yield Try(
                start_s=start_s,
                end_s=gone_s if answer is None else crossed.at_s[answer],
                gone_s=gone_s,
                how="ended" if answer is None else "answered",
                status=None if answer is None else events[answer].status,
                route=route,
                left=answer is None and by_client,
            )

    @cached_property
    def seen(self) -> tuple[Seen, ...]:
        """Each request in turn, with the attempts that began between its time and the next one's.

        For requests that don't overlap, or that make one attempt each.
        """
        requests = self.history.requests
        found = []
        for index, request in enumerate(requests):
            following = requests[index + 1] if index + 1 < len(requests) else None
            from_s = request.at_s + self._lead_s
            until_s = math.inf if following is None else following.at_s + self._lead_s
            own = (one for one in self.tries if from_s <= one.start_s < until_s)
            found.append(_seen(request, tuple(one for one in own if self._may_be(request, one))))
        return tuple(found)

    def _may_be(self, request: Request, one: Try) -> bool:
        """Whether an attempt may be a request's: who asks by itself, too, may have been refused a
        connection for that, which doesn't say what it was for.
        """
        return bool(one.route) or not self._ignored or one.start_s <= request.end_s

    @cached_property
    def sent(self) -> tuple[Seen, ...]:
        """Each request in turn, without attempts: for requests that overlap."""
        return tuple(_seen(request, ()) for request in self.history.requests)


def _seen(request: Request, tries: tuple[Try, ...]) -> Seen:
    return Seen(sent_s=request.at_s, end_s=request.end_s, status=request.status, tries=tries)


def _unasked(crossed: Connections) -> Iterator[Try]:
    """A connection on which nothing was asked counts where the far side closed it."""
    for place in crossed.all("accepted"):
        closed = crossed.first(place, "request", "closed")
        if closed is not None and crossed.closed_by[closed] not in (None, "client"):
            yield Try(start_s=crossed.at_s[place], end_s=crossed.at_s[closed], how="ended")
