"""What a play shows of each request of an experiment: its attempts, its time, its answer."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property

from harness.history.events import Crossed
from harness.history.view import History, Request


@dataclass(frozen=True, slots=True, kw_only=True)
class Try:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
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
        crossed = [c for c in self.history.crossings_at(self.upstream) if c.at_s >= 0]
        by_connection: dict[int, list[Crossed]] = {}
        found = []
        for event in crossed:
            if event.what in ("refused", "unanswered"):
                end_s = event.at_s if event.what == "refused" else math.inf
                found.append(Try(start_s=event.at_s, end_s=end_s, how=event.what))
            else:
                by_connection.setdefault(event.connection, []).append(event)
        for events in by_connection.values():
            found += self._on_connection(events)
        return tuple(sorted(found, key=lambda one: (one.start_s, one.end_s)))

    def _on_connection(self, events: list[Crossed]) -> list[Try]:
        starts = [i for i, event in enumerate(events) if event.what == "request"]
        if not starts:
            return _unasked(events)
        found = []
        for start, stop in zip(starts, [*starts[1:], len(events)], strict=True):
            asked = events[start]
            route = f"{asked.method} {(asked.path or '').partition('?')[0]}"
            if route not in self._ignored:
                found.append(_try(asked, events[start + 1 : stop]))
        return found

    @cached_property
    def seen(self) -> tuple[Seen, ...]:
        """Each request in turn, with the attempts that began between its time and the next one's.

        For requests that don't overlap, or that make one attempt each.
        """
        requests = self.history.requests
        found = []
        for index, request in enumerate(requests):
            following = requests[index + 1] if index + 1 < len(requests) else None
            from_s = request.sent.at_s + self._lead_s
            until_s = math.inf if following is None else following.sent.at_s + self._lead_s
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
    return Seen(sent_s=request.sent.at_s, end_s=request.end_s, status=request.status, tries=tries)


def _unasked(events: list[Crossed]) -> list[Try]:
    """A connection on which nothing was asked counts where the far side closed it."""
    accepted = next((event for event in events if event.what == "accepted"), None)
    closed = next((event for event in events if event.what == "closed"), None)
    if accepted is None or closed is None or closed.closed_by == "client":
        return []
    return [Try(start_s=accepted.at_s, end_s=closed.at_s, how="ended")]


def _try(asked: Crossed, after: list[Crossed]) -> Try:
    route = f"{asked.method} {(asked.path or '').partition('?')[0]}"
    gone_s = next((event.at_s for event in after if event.what == "closed"), math.inf)
    for event in after:
        if event.what == "response":
            return Try(
                start_s=asked.at_s,
                end_s=event.at_s,
                gone_s=gone_s,
                how="answered",
                status=event.status,
                route=route,
            )
    left = any(event.what == "closed" and event.closed_by == "client" for event in after)
    return Try(start_s=asked.at_s, end_s=gone_s, gone_s=gone_s, how="ended", route=route, left=left)
