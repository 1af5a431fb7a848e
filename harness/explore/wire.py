"""Every attempt at an upstream as a simulation shows it: when, what for, and how it may have ended.

The simulated proxy writes down what no real one can (refused and unanswered connects), so nothing
has to be guessed. Where the wire leaves open how the target saw an attempt end (at the very edge of
its deadline, a cut-off body), all outcomes are kept as possible.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from harness.history.events import Crossed
from harness.history.view import Call, FaultWindow, History
from harness.scenario.faults import KINDS
from harness.settings import ServiceSettings

EDGE_S = 0.06
"""Nearer than this to its deadline an attempt may count either way, in seconds."""
_TRAVELS_S = 0.3
"""How long a request may be on its way from the proxy to the stub."""
_INSTANT_S = 0.005
"""Nearer than this to each other two requests arrive at one instant."""


class Result(Enum):
    """What an attempt is to a breaker (B1)."""

    SUCCESS = "success"
    FAILURE = "failure"
    NEUTRAL = "neutral"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One attempt at an upstream."""

    id: int
    """Its place among the attempts at this upstream, by start."""
    start_s: float
    end_s: float
    """When a sound target is done with it: at its deadline T at the latest."""
    results: frozenset[Result]
    """All that it may have been."""
    method: str = ""
    path: str = ""
    status: int | None = None
    call: Call | None = None
    """The stub's record, where there was an answer."""

    @property
    def result(self) -> Result | None:
        """What it was, where that is certain."""
        return next(iter(self.results)) if len(self.results) == 1 else None

    @property
    def route(self) -> str:
        """Method and path, without the query."""
        return f"{self.method} {self.path.partition('?')[0]}"


_FAILURE = frozenset({Result.FAILURE})
_EITHER = frozenset({Result.SUCCESS, Result.FAILURE})
_ANYTHING = frozenset(Result)


def attempts_of(history: History, upstream: str, settings: ServiceSettings) -> tuple[Attempt, ...]:
    """All attempts since 0s, by start."""
    return _Witness(history, upstream, settings).attempts()


def blind_until_s(history: History, upstream: str, settings: ServiceSettings) -> list[
    tuple[float, float]
]:  # fmt: skip
    """Windows in which attempts can't be told apart: connects that nobody answers, retried."""
    return [
        (fault.start_s, fault.end_s + settings.timeout_s + 0.5)
        for fault in history.faults
        if upstream in fault.upstreams and fault.name == "unanswered"
    ]


def cut_idle(history: History, upstream: str) -> list[float]:
    """When kept-alive connections on which nothing was asked were closed from the far side.

    A request that was just being sent on one of them failed without reaching the proxy.
    """
    last: dict[int, str] = {}
    found = []
    for event in history.crossings:
        if event.upstream != upstream or not event.connection:
            continue
        before, last[event.connection] = last.get(event.connection), event.what
        far = event.what == "closed" and event.closed_by != "client"
        if far and before == "response" and event.at_s >= 0:
            found.append(event.at_s)
    return found


class _Witness:
    def __init__(self, history: History, upstream: str, settings: ServiceSettings) -> None:
        self._crossed = [c for c in history.crossings if c.upstream == upstream and c.at_s >= 0]
        self._calls = history.calls_to(upstream)
        self._instants = [call.at_s for call in self._calls]
        self._taken: set[int] = set()
        self._timeout_s = settings.timeout_s
        self._unsure = [f for f in history.faults if upstream in f.upstreams and _unsure(f)]

    def attempts(self) -> tuple[Attempt, ...]:
        found = sorted(self._found(), key=lambda attempt: attempt.start_s)
        return tuple(replace(attempt, id=index) for index, attempt in enumerate(found))

    def _found(self) -> Iterator[Attempt]:
        by_connection: dict[int, list[Crossed]] = defaultdict(list)
        for event in self._crossed:
            if event.what == "refused":
                yield Attempt(id=0, start_s=event.at_s, end_s=event.at_s, results=_FAILURE)
            elif event.connection:
                by_connection[event.connection].append(event)
        begun: list[tuple[float, int, int]] = []
        for number, events in by_connection.items():
            requests = [i for i, event in enumerate(events) if event.what == "request"]
            begun += [(events[index].at_s, number, index) for index in requests]
            if not requests and (dead := _closed_unasked(events)) is not None:
                yield Attempt(id=0, start_s=dead[0], end_s=max(dead), results=_FAILURE)
        for _, number, index in sorted(begun):
            events = by_connection[number]
            yield self._attempt(events[index], events[index + 1 :])

    def _attempt(self, request: Crossed, after: Sequence[Crossed]) -> Attempt:
        end_s, status = math.inf, None
        for event in after:
            if event.what == "request":
                break
            if event.what == "response" and status is None:
                end_s, status = event.at_s, event.status
            elif event.what == "closed" and status is None:
                end_s = event.at_s
        call = None if status is None else self._call_of(request, end_s, status)
        if call is not None:
            # The proxy sees an answer's first bytes; it is in only when the stub is done with it.
            end_s = math.inf if call.replied is None else max(end_s, call.replied.at_s)
        results = _results(status, call)
        if Result.SUCCESS in results and self._may_be_cut(request.at_s, end_s):
            results, end_s = _EITHER, end_s
        deadline_s = request.at_s + self._timeout_s
        if abs(end_s - deadline_s) <= EDGE_S and results != _FAILURE:
            results = results | _FAILURE
        elif end_s > deadline_s:
            results = _FAILURE
        return Attempt(
            id=0,
            start_s=request.at_s,
            end_s=min(end_s, deadline_s),
            results=results,
            method=request.method or "",
            path=request.path or "",
            status=status,
            call=call,
        )

    def _may_be_cut(self, start_s: float, end_s: float) -> bool:
        return any(f.start_s <= end_s and start_s <= f.end_s for f in self._unsure)

    def _call_of(self, request: Crossed, seen_s: float, status: int) -> Call | None:
        """The stub's record of an answered attempt: same path and status, the next that arrived.

        Each record is of one attempt; of equal attempts at one instant the end tells which.
        """
        path = (request.path or "").partition("?")[0]
        found: int | None = None
        nearest = (math.inf, math.inf)
        for index in range(bisect_left(self._instants, request.at_s - 0.01), len(self._calls)):
            call = self._calls[index]
            if call.at_s > request.at_s + _TRAVELS_S:
                break
            if index in self._taken or call.called.path.partition("?")[0] != path:
                continue
            reply = call.replied
            if reply is not None and (reply.outcome == "lost" or reply.status != status):
                continue
            apart = (round((call.at_s - request.at_s) / _INSTANT_S), _apart_s(call, seen_s))
            if apart < nearest:
                found, nearest = index, apart
        if found is None:
            return None
        self._taken.add(found)
        return self._calls[found]


def _apart_s(call: Call, seen_s: float) -> float:
    """How far a stub's end of a call is from an attempt's; calls without one go last."""
    end_s = math.inf if call.replied is None else call.replied.at_s
    return 0.0 if end_s == seen_s else abs(end_s - seen_s)


def _unsure(fault: FaultWindow) -> bool:
    return KINDS[fault.name].cuts


def _closed_unasked(events: Sequence[Crossed]) -> tuple[float, float] | None:
    """When a connection was accepted and closed by the far side before any request."""
    closed = next((e for e in events if e.what == "closed"), None)
    if closed is None or closed.closed_by == "client" or events[0].what != "accepted":
        return None
    return events[0].at_s, closed.at_s


def _results(status: int | None, call: Call | None) -> frozenset[Result]:
    if status is None:
        return _FAILURE
    if call is None:
        return _EITHER if status < 500 and status != 429 else _ANYTHING
    if call.replied is not None and call.replied.outcome != "sent":
        # Whoever never undoes encodings doesn't notice that this one can't be undone.
        return _EITHER if call.replied.outcome == "undecodable" and status < 500 else _FAILURE
    if status == 429:
        return frozenset({Result.NEUTRAL})
    return frozenset({Result.SUCCESS}) if status < 500 else _FAILURE
