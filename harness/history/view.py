"""A history made easy to ask: requests with their answers, calls with their replies, windows."""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from functools import cached_property
from itertools import compress
from operator import attrgetter, not_
from typing import TypeVar

from harness.frozen import Frozen
from harness.history.calls import Call, Calls
from harness.history.columns import Kept, by_instant, column, places_of, taken
from harness.history.connections import Connections
from harness.history.events import (
    Answered,
    Applied,
    Called,
    Charged,
    Crossed,
    Event,
    HungUp,
    Lifted,
    Logged,
    Looked,
    Phase,
    Replied,
    Reported,
    Run,
    Sent,
    Trouble,
)
from harness.history.requests import Request, Told, requests_of, told_of
from harness.units import Window

E = TypeVar("E", bound=Event)
A = TypeVar("A", Call, Crossed)
_at_s = attrgetter("at_s")


class FaultWindow(Frozen, kw_only=True):
    """One fault as it really was in force; `end_s` is infinite if it was never lifted."""

    fault: int
    name: str
    upstreams: tuple[str, ...]
    start_s: float
    end_s: float
    planned: Window

    @property
    def began_s(self) -> float:
        """From when on it may have been in force: it is known to be when that is confirmed, which
        a busy machine may do long after.
        """
        return min(self.planned.start_s, self.start_s)

    @property
    def mark(self) -> str:
        """By what a stub's records name it."""
        return f"f{self.fault}"

    def holds(self, at_s: float) -> bool:
        """Whether it was in force at an instant; when it was lifted it no longer was."""
        return self.start_s <= at_s < self.end_s

    def meets(self, start_s: float, end_s: float) -> bool:
        """Whether it was in force at some instant of that time, ends included."""
        return self.start_s <= end_s and start_s <= self.end_s


class History:
    """All events of one run, and the questions that checks ask. Never changes."""

    def __init__(self, events: Sequence[Event]) -> None:
        self.events = events if isinstance(events, Kept) else tuple(events)
        self._connections: dict[str, Connections] = {}

    def all(self, kind: type[E]) -> Sequence[E]:
        """All events of a class, in the order recorded."""
        if isinstance(self.events, Kept):
            return self.events.all(kind)
        return self._by_kind.get(kind, ())  # type: ignore[return-value]

    @cached_property
    def _by_kind(self) -> dict[type[Event], tuple[Event, ...]]:
        found: dict[type[Event], list[Event]] = defaultdict(list)
        for event in self.events:
            found[type(event)].append(event)
        return {kind: tuple(events) for kind, events in found.items()}

    @cached_property
    def run(self) -> Run:
        """What was played.

        Raises: ValueError for a history without its first event.
        """
        for event in self.events:
            if isinstance(event, Run):
                return event
        raise ValueError("the history does not say what was played")

    @cached_property
    def requests(self) -> tuple[Request, ...]:
        """The requests of the play by planned instant, warm-up left out."""
        return tuple(compress(self._all_requests, self._in_play))

    @cached_property
    def warm_up(self) -> tuple[Request, ...]:
        """The requests from before the outage."""
        return tuple(compress(self._all_requests, map(not_, self._in_play)))

    @cached_property
    def _all_requests(self) -> tuple[Request, ...]:
        return tuple(requests_of(self._told, self.all(HungUp)))

    @cached_property
    def _told(self) -> Told:
        return told_of(self.all(Sent), self.all(Answered))

    @property
    def sent(self) -> Sequence[Sent]:
        """What was told of requests as they left, by planned instant; warm-up included."""
        return self._told.sent

    @cached_property
    def _in_play(self) -> Sequence[bool]:
        """Of each whether it is of the play."""
        return [number > 0 for number in column(self.sent, "number")]

    def stream(self, name: str) -> tuple[Request, ...]:
        """The requests of one stream."""
        return self.streams.get(name, ())

    @cached_property
    def streams(self) -> dict[str, tuple[Request, ...]]:
        """The requests of all streams that sent any."""
        found: dict[str, list[Request]] = defaultdict(list)
        for request in self.requests:
            found[request.stream].append(request)
        return {name: tuple(requests) for name, requests in found.items()}

    @cached_property
    def calls(self) -> Calls:
        """All calls that reached stubs, by instant, warm-up included (those are before 0s)."""
        called, replied = self.all(Called), self.all(Replied)
        places: dict[str, dict[int, int]] = defaultdict(dict)
        keys = zip(column(replied, "upstream"), column(replied, "id"), strict=True)
        for place, (upstream, number) in enumerate(keys):
            places[upstream][number] = place
        keys = zip(column(called, "upstream"), column(called, "id"), strict=True)
        replies = array("q", (places[upstream].get(number, -1) for upstream, number in keys))
        return Calls(called, replied, replies, by_instant(called))

    @cached_property
    def warm_up_calls(self) -> Calls:
        """Those of before the outage."""
        return self.calls[: bisect_left(self.calls, 0.0, key=_at_s)]

    def calls_to(self, upstream: str, route: str | None = None) -> Calls:
        """The calls that reached one upstream, of one route if given."""
        return self.calls.to(upstream, route)

    def crossings_at(self, upstream: str) -> Sequence[Crossed]:
        """What crossed the proxy of one upstream, by instant."""
        return self._crossings_by_upstream.get(upstream, ())

    def connections_at(self, upstream: str) -> Connections:
        """The same by connection."""
        if upstream not in self._connections:
            tcp = upstream in self.run.tcp
            self._connections[upstream] = Connections(self.crossings_at(upstream), tcp=tcp)
        return self._connections[upstream]

    def crossings_since(self, at_s: float, upstream: str) -> Sequence[Crossed]:
        """Those of an instant, and later ones."""
        return within(self.crossings_at(upstream), Window(at_s, math.inf))

    @cached_property
    def _crossings_by_upstream(self) -> dict[str, Sequence[Crossed]]:
        crossed = self.all(Crossed)
        found = places_of(crossed, "upstream", by_instant(crossed))
        return {upstream: taken(crossed, places) for upstream, places in found.items()}

    @cached_property
    def charges(self) -> tuple[Charged, ...]:
        """Charges that changed the ledger since 0s."""
        return tuple(c for c in self.all(Charged) if not c.duplicate and c.at_s >= 0)

    @cached_property
    def crossings(self) -> Sequence[Crossed]:
        """What crossed the proxies, by instant."""
        crossed = self.all(Crossed)
        return taken(crossed, by_instant(crossed))

    @cached_property
    def warm_up_crossings(self) -> Sequence[Crossed]:
        """Those of before the outage."""
        return self.crossings[: bisect_left(self.crossings, 0.0, key=_at_s)]

    @cached_property
    def faults(self) -> tuple[FaultWindow, ...]:
        """The faults as they really were in force."""
        lifts = {event.fault: event for event in self.all(Lifted)}
        windows = []
        for applied in self.all(Applied):
            lifted = lifts.get(applied.fault)
            end_s, planned_end_s = (
                (math.inf, math.inf) if lifted is None else (lifted.at_s, lifted.planned_s)
            )
            windows.append(
                FaultWindow(
                    fault=applied.fault,
                    name=applied.name,
                    upstreams=applied.upstreams,
                    start_s=applied.at_s,
                    end_s=end_s,
                    planned=Window(applied.planned_s, max(planned_end_s, applied.planned_s)),
                )
            )
        return tuple(windows)

    def faults_on(self, upstream: str) -> tuple[FaultWindow, ...]:
        """Those that hit an upstream."""
        return tuple(fault for fault in self.faults if upstream in fault.upstreams)

    def reported(self, upstream: str) -> tuple[Reported, ...]:
        """Changes of state that the status endpoint showed for an upstream."""
        return tuple(event for event in self.all(Reported) if event.upstream == upstream)

    def looks(self, what: str) -> tuple[Looked, ...]:
        """What the harness's own questions came to (`ready`, `status`): the first, and changes."""
        return tuple(event for event in self.all(Looked) if event.what == what)

    @cached_property
    def logs(self) -> Sequence[Logged]:
        """Log lines of the target."""
        return self.all(Logged)

    def logged(self, mark: str) -> Sequence[Logged]:
        """Log lines of the target that stand for something, in the order recorded."""
        return self._logged.get(mark, ())

    @cached_property
    def _logged(self) -> dict[str, Sequence[Logged]]:
        places: dict[str, array[int]] = defaultdict(lambda: array("I"))
        for place, marks in enumerate(column(self.logs, "marks")):
            for mark in marks:
                places[mark].append(place)
        return {mark: taken(self.logs, own) for mark, own in places.items()}

    @cached_property
    def troubles(self) -> tuple[str, ...]:
        """What went wrong with the run itself."""
        return tuple(event.what for event in self.all(Trouble))

    @cached_property
    def end_s(self) -> float:
        """When the play ended."""
        ends = [event.at_s for event in self.all(Phase) if event.phase == "end"]
        return ends[-1] if ends else max((event.at_s for event in self.events), default=0.0)


def within(events: Sequence[A], window: Window) -> Sequence[A]:
    """Those that happened in a window, of some by instant."""
    first = bisect_left(events, window.start_s, key=_at_s)
    return events[first : bisect_left(events, window.end_s, key=_at_s)]
