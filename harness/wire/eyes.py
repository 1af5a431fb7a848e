"""Who saw attempts at an upstream, put together: requests, connects, calls, connections.

In order of worth: requests that entered the proxy, connects that were refused where that is
recorded, calls at the stub, connections that a proxy accepted while a fault held back everything
else.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import Any

from msgspec.structs import replace

from harness.history.columns import Coded, column
from harness.history.view import FaultWindow, History
from harness.policy.counting import Result
from harness.policy.settings import ServiceSettings
from harness.scenario.faults import KINDS
from harness.wire.attempts import (
    ANYTHING,
    EITHER,
    FAILURE,
    NEUTRAL,
    SUCCESS,
    Attempt,
    bare,
    in_order,
    numbered,
    unsure,
)
from harness.wire.endings import Ending, Endings
from harness.wire.records import BEFORE_S, Records
from harness.wire.sight import HOLDS, TIE_S, Sight

_TRAVELS_S = 0.3
"""How long a request may be on its way from the proxy to the stub, on a quiet machine."""
_INSTANT_S = 0.005
"""Nearer than this to each other two requests arrive at one instant."""


def attempts_of(
    history: History, upstream: str, settings: ServiceSettings, sight: Sight
) -> tuple[Attempt, ...]:
    """All attempts since 0s, by start; those before it belong to the warm-up."""
    found = in_order(_Eyes(history, upstream, settings, sight).found())
    if unknown := settings.counting.unknown:
        found = unsure(found, unknown, settings.timeout_s, sight.late_on_wire_s)
    return tuple(numbered(found))


class _Eyes:
    """Everything that saw attempts at one upstream."""

    def __init__(
        self, history: History, upstream: str, settings: ServiceSettings, sight: Sight
    ) -> None:
        self._bare = upstream in history.run.tcp
        self._crossed = history.connections_at(upstream)
        self._method, self._path, self._status = (
            Coded[Any](column(history.crossings_at(upstream), name))
            for name in ("method", "path", "status")
        )
        self._records = Records(history.calls_to(upstream))
        self._timeout_s = settings.timeout_s
        self._sight = sight
        self._faults = history.faults_on(upstream)
        self._cutting = [f for f in self._faults if KINDS[f.name].cuts]
        self._kept = [
            f for f in sight.faults if f.fault in sight.in_stub and KINDS[f.name].new == "silent"
        ]
        self._on_the_way = sight.on_the_way
        self._delaying = sight.delaying
        self._slowing = [
            f for f in self._on_the_way
            if KINDS[f.name].new == "slow" and KINDS[f.name].where == "proxy"
        ]  # fmt: skip
        self._struck = [(f.began_s, f.end_s) for f in self._faults]
        self._endings = Endings(self._crossed, self._status, self._faults, self._slowing)

    def found(self) -> Iterator[Attempt]:
        if self._sight.requests:
            yield from self._refused()
            yield from self._proxied()
            yield from self._unasked()
            return
        seen = [
            self._at_stub(record)
            for record, at_s in enumerate(self._records.at_s)
            if at_s >= 0 and not self._is_old(record)
        ]
        yield from seen
        yield from self._connections(seen)

    # Where the proxy tells of requests

    def _refused(self) -> Iterator[Attempt]:
        for at_s in map(self._crossed.at_s.__getitem__, self._crossed.all("refused")):
            yield bare(at_s, at_s, "proxy")

    def _proxied(self) -> Iterator[Attempt]:
        """One for each request, by instant."""
        made: list[tuple[int, int | None, Attempt]] = []
        for place in self._crossed.all("request"):
            ending = self._endings.of(place)
            record = self._record_of(place, ending)
            made.append((place, record, self._attempt(place, ending, record)))
        for place, record, attempt in made:  # only now each has taken its own
            yield attempt if record is None else self._doubted(attempt, record, place)

    def _unasked(self) -> Iterator[Attempt]:
        """What connections tell on which nothing was asked."""
        crossed = self._crossed
        for place in crossed.all("accepted"):
            if crossed.after(place, "request") is not None:
                continue  # as mostly
            closed = crossed.first(place, "request", "closed")
            if closed is not None and crossed.what[closed] == "request":
                continue
            start_s = crossed.at_s[place]
            closed_s = math.inf if closed is None else crossed.at_s[closed]
            dead = closed is not None and crossed.closed_by[closed] != "client"
            if self._bare:
                yield from self._unheard(start_s, closed_s, dead=dead)
            elif dead:
                yield bare(start_s, closed_s, "proxy", from_s=start_s)

    def _unheard(self, start_s: float, closed_s: float, *, dead: bool) -> Iterator[Attempt]:
        """A connection of a service that doesn't speak HTTP, on which nothing was asked; `dead`:
        closed from the far side.

        Where the service speaks first (mail, some databases), who is kept waiting for its greeting
        asks nothing; an idle connection of a pool in health asks nothing either, and is no attempt.
        """
        ended_s = min(closed_s, start_s + self._timeout_s)
        holding = self._sight.holding(start_s)
        slowed = any(f.meets(start_s, ended_s) for f in self._slowing)
        if not dead and holding is None and not slowed:
            return
        open_ = not dead and holding is None  # whether its greeting came is not known
        if holding is not None and KINDS[holding.name].lift == "delivers":
            open_ = open_ or holding.end_s < ended_s
        from_s = start_s if open_ or dead else ended_s
        yield bare(start_s, ended_s, "proxy", from_s=from_s, results=EITHER if open_ else FAILURE)

    def _doubted(self, attempt: Attempt, record: int, place: int) -> Attempt:
        """The same, as far as it is certain whose record that is: of calls that were held on their
        way the next that arrived need not be the next that was sent.
        """
        start_s, end_s = attempt.start_s, attempt.end_s
        held = not self._is_calm(start_s, end_s, None)
        held = held and any(f.meets(start_s, end_s) for f in self._delaying)
        rivals = self._records.beside(record, start_s, end_s) if held else ()
        rivals = (*rivals, *self._records.left_beside(record, _INSTANT_S))
        if not rivals:
            return attempt
        if not self._records.ended_alike(record, rivals):
            return self._attempt(place, self._endings.of(place), None)
        unnamed = not self._records.named_alike(record, rivals)
        return replace(attempt, of="", trace="") if unnamed else attempt

    def _attempt(self, place: int, ending: Ending, record: int | None) -> Attempt:
        """The one that begins with a request."""
        start_s, path = self._crossed.at_s[place], self._path[place] or ""
        end_s, status, answered, passed_s, gone_s = ending
        met, done_s, outcome = None, math.inf, None
        if record is not None:
            met, outcome = self._records.met[record], self._records.outcome[record]
            # The proxy sees an answer's first bytes; it is in only when the stub is done with it.
            done_s = self._records.done_s[record]
            end_s = max(end_s, done_s)
        results = _results(status, outcome, known=record is not None)
        if answered and not path:
            results = SUCCESS  # what isn't HTTP has no status: it said something
        calm = self._is_calm(start_s, end_s, met)
        if (
            Result.SUCCESS in results
            and not calm
            and self._meets(self._cutting, start_s, end_s, met)
        ):
            results = EITHER
        deadline_s = start_s + self._timeout_s
        edge_s = self._sight.edge_s(start_s, min(end_s, deadline_s))
        if abs(end_s - deadline_s) <= edge_s and results != FAILURE:
            results = results | FAILURE
        elif end_s > deadline_s:
            results = FAILURE
        until_s = min(end_s, deadline_s)
        from_s = min(until_s, passed_s)
        if answered and not calm and any(f.meets(start_s, end_s) for f in self._slowing):
            # Its first bytes have passed; the rest, or where it breaks off, may be on its way.
            until_s = max(until_s, min(gone_s, deadline_s))
            results = results | FAILURE if until_s >= deadline_s - edge_s else results
        return Attempt(
            start_s=start_s,
            end_s=until_s,
            ends_from_s=from_s,
            results=results,
            source="proxy",
            altered=not calm and self._meets(self._sight.altered, start_s, until_s, met),
            method=self._method[place] or "",
            path=path,
            status=status,
            met=met,
            of="" if record is None else self._records.of[record],
            trace="" if record is None else self._records.trace[record],
            done_s=done_s,
            over_s=end_s,
        )

    def _is_calm(self, start_s: float, end_s: float, met: Sequence[str] | None) -> bool:
        """Whether an attempt surely met no fault of its upstream: of most nothing else is asked."""
        return not (
            met or any(from_s <= end_s and start_s <= to_s for from_s, to_s in self._struck)
        )

    def _meets(
        self,
        faults: Sequence[FaultWindow],
        start_s: float,
        end_s: float,
        met: Sequence[str] | None,
    ) -> bool:
        """Whether an attempt may have met one of these faults."""
        return bool(faults) and any(self._sight.met(f, start_s, end_s, met) for f in faults)

    def _record_of(self, place: int, ending: Ending) -> int | None:
        if ending.status is None:
            return None
        start_s = self._crossed.at_s[place]
        travels_s = _TRAVELS_S + self._sight.late_on_wire_s(start_s, start_s + _TRAVELS_S)
        # Where a target's own order is loose, so is that of what it sends.
        instant_s = _INSTANT_S + (self._sight.fine_s - TIE_S) / 5 + travels_s - _TRAVELS_S
        return self._records.take(
            self._path[place] or "",
            start_s,
            ending.at_s,
            ending.status,
            travels_s=travels_s,
            instant_s=instant_s,
        )

    # Where only the stub and accepted connections tell

    def _is_old(self, record: int) -> bool:
        """Whether a call was only let go when its client had long given it up: whoever leaves has
        waited for its deadline, and what was waited for then tells of that attempt.
        """
        told = self._records
        at_s, done_s = told.at_s[record], told.done_s[record]
        early = done_s - at_s < self._timeout_s - self._sight.slack_s(at_s, done_s)
        return told.outcome[record] == "left" and early and self._sight.released(at_s)

    def _at_stub(self, record: int) -> Attempt:
        """A call at the stub. A fault on its way back may make its answer late, or eat it."""
        told = self._records
        start_s, status = told.at_s[record], told.status[record]
        deadline_s = start_s + self._timeout_s
        replied_s, met = self._ended_s(record), told.met[record]
        results = _results(status, told.outcome[record])
        end_s = ends_from_s = min(replied_s, deadline_s)
        if replied_s > deadline_s:
            results = FAILURE
        elif self._held_on_the_way(start_s, replied_s):
            cut_s = max(replied_s, self._sight.cut_s(start_s))
            results, end_s = results | FAILURE, min(deadline_s, cut_s)
        method, _, path = told.route[record].partition(" ")
        return Attempt(
            start_s=start_s,
            end_s=end_s,
            ends_from_s=ends_from_s,
            results=results,
            source="stub",
            altered=self._meets(self._sight.altered, start_s, end_s, met),
            method=method,
            path=told.path[record] or path,
            status=status,
            met=met,
            of=told.of[record],
            trace=told.trace[record],
            done_s=replied_s,
        )

    def _ended_s(self, record: int) -> float:
        """When the stub was done with a call; one that it keeps waiting is over with the fault."""
        told = self._records
        silent = [f for f in self._kept if f.mark in (told.met[record] or ())]
        if not silent or told.outcome[record] != "lost":
            return told.done_s[record]
        return min(f.end_s for f in silent)

    def _held_on_the_way(self, start_s: float, end_s: float) -> bool:
        return any(f.meets(start_s, end_s) for f in self._on_the_way)

    def _connections(self, seen: Sequence[Attempt]) -> Iterator[Attempt]:
        """Connections accepted while nothing came through, each taken for one failed attempt."""
        if not self._sight.connections:
            return
        silent = [f for f in self._faults if KINDS[f.name].silent]
        free = sorted(attempt.start_s for attempt in seen)
        for place in self._crossed.all("accepted"):
            at_s, closed = self._crossed.at_s[place], self._crossed.first(place, "closed")
            closed_s = math.inf if closed is None else self._crossed.at_s[closed]
            ended_s = min(at_s + self._timeout_s, closed_s, self._sight.cut_s(at_s))
            fault = next((f for f in silent if f.holds(at_s)), None)
            if fault is None:
                if self._bare:  # no stub tells of it: that it was opened is all that is known
                    yield bare(at_s, ended_s, "connection", from_s=at_s, results=EITHER)
                continue
            within_s = _TRAVELS_S + self._sight.late_on_wire_s(at_s, at_s + _TRAVELS_S)
            index = bisect_left(free, at_s - BEFORE_S)
            if index < len(free) and free[index] <= at_s + within_s:
                free.pop(index)
                continue
            yield self._silenced(at_s, ended_s, fault)

    def _silenced(self, at_s: float, ended_s: float, fault: FaultWindow) -> Attempt:
        """A connection that a fault kept from anybody; over at its deadline, or when it was closed:
        by then what is held back may have come.
        """
        kind = KINDS[fault.name]
        if kind.new not in HOLDS:
            return bare(at_s, ended_s, "connection", from_s=at_s)
        lifted_s = max(at_s, min(ended_s, fault.end_s))
        if kind.lift == "delivers" and self._sight.lets_go_s(fault) <= ended_s:
            return bare(at_s, ended_s, "connection", from_s=lifted_s, results=EITHER)
        # What closes by itself may have done so before, which an accepted connection doesn't tell.
        return bare(at_s, lifted_s, "connection", from_s=at_s if kind.closes else None)


def _results(status: int | None, outcome: str | None, *, known: bool = True) -> frozenset[Result]:
    """B1: below 500 is a success, 429 neutral; an answer that did not arrive whole a failure.

    `known`: whether a record says what became of it; `outcome` is None where nothing has yet.
    """
    if status is None:
        return FAILURE
    if not known:
        return EITHER if status < 500 and status != 429 else ANYTHING
    if outcome is not None and outcome != "sent":
        # Whoever never undoes encodings doesn't notice that this one can't be undone.
        return EITHER if outcome == "undecodable" and status < 500 else FAILURE
    if status == 429:
        return NEUTRAL
    return SUCCESS if status < 500 else FAILURE
