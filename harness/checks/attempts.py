"""Attempts at an upstream, put together from whatever saw them.

In order of worth: requests that entered its proxy (`proxy requests`), calls that its stub got,
connections that a proxy accepted while a silent fault held back everything else. A disabled proxy
shows nobody's attempts; there they are implied by latency where a call has more than one attempt,
as a failed first attempt costs its backoff (design.md, *Outage kinds*). Where connections are all
that a proxy tells of, an attempt on one that was kept alive is implied by its deadline.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from harness.history.events import Crossed
from harness.history.view import Call, FaultWindow, History, Request
from harness.scenario.faults import KINDS
from harness.settings import ServiceSettings

MATCH_S = 0.25
"""How far apart two witnesses may put the same attempt, on a busy machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One attempt at an upstream.

    `ok`: True for a success (B1), False for a failure, None for neutral (429) or unknown.
    """

    start_s: float
    end_s: float
    ok: bool | None
    source: str
    """`proxy`, `stub`, `connection` or `latency` (implied)."""
    route: str = ""
    status: int | None = None


def attempts_at(history: History, upstream: str) -> tuple[Attempt, ...]:
    """All attempts that were seen since 0s, by start; those before it belong to the warm-up."""
    crossed = [c for c in history.crossings if c.upstream == upstream]
    calls = history.calls_to(upstream)
    if "proxy requests" in history.run.evidence:
        found = _from_proxy(crossed, calls)
    else:
        found = [_from_stub(call) for call in calls]
        found += _from_connections(crossed, silent_windows(history, upstream), found)
    return tuple(sorted((a for a in found if a.start_s >= 0), key=lambda a: a.start_s))


def silent_windows(history: History, upstream: str) -> list[FaultWindow]:
    """The windows in which attempts leave no trace at the stub."""
    return [
        fault
        for fault in history.faults
        if upstream in fault.upstreams and KINDS[fault.name].silent
    ]


def hidden(history: History, upstream: str, at_s: float) -> bool:
    """Whether an attempt at that instant would leave no trace anywhere."""
    kinds = [
        KINDS[fault.name]
        for fault in history.faults
        if upstream in fault.upstreams and fault.start_s <= at_s < fault.end_s
    ]
    if any(kind.invisible for kind in kinds):
        return True
    evidence = history.run.evidence
    seen_silent = "proxy requests" in evidence or "proxy connections" in evidence
    return any(kind.silent for kind in kinds) and not seen_silent


def _from_stub(call: Call) -> Attempt:
    status = None if call.replied is None else call.replied.status
    return Attempt(
        start_s=call.at_s,
        end_s=math.inf if call.replied is None else call.replied.at_s,
        ok=_success(status, call),
        source="stub",
        route=call.called.route,
        status=status,
    )


def _success(status: int | None, call: Call | None) -> bool | None:
    """B1: below 500 is a success, 429 neutral; an answer that did not arrive whole a failure."""
    if call is not None and call.replied is not None and call.replied.outcome != "sent":
        return False
    if status is None:
        return False
    return None if status == 429 else status < 500


def _from_proxy(crossed: Sequence[Crossed], calls: Sequence[Call]) -> list[Attempt]:
    by_connection: dict[int, list[Crossed]] = defaultdict(list)
    for event in crossed:
        by_connection[event.connection].append(event)
    instants = [call.at_s for call in calls]
    found = [
        _attempt(event, events[index + 1 :], calls, instants)
        for events in by_connection.values()
        for index, event in enumerate(events)
        if event.what == "request"
    ]
    return found + [
        Attempt(start_s=events[0].at_s, end_s=events[-1].at_s, ok=False, source="proxy")
        for events in by_connection.values()
        if _turned_away(events)
    ]


def _route(request: Crossed) -> str:
    """Method and path; empty for what isn't HTTP."""
    return f"{request.method} {request.path}" if request.path else ""


def _turned_away(events: Sequence[Crossed]) -> bool:
    """Accepted and closed again before the request came: a dead process behind its proxy."""
    first, last = events[0], events[-1]
    return (
        len(events) == 2
        and first.what == "accepted"
        and last.what == "closed"
        and last.closed_by != "client"
    )


def _attempt(
    request: Crossed, after: Sequence[Crossed], calls: Sequence[Call], instants: Sequence[float]
) -> Attempt:
    end_s, status = math.inf, None
    for event in after:
        if event.what == "request":
            break
        if event.what == "response" and status is None:
            end_s, status = event.at_s, event.status
        elif event.what == "closed" and status is None:
            end_s = event.at_s
    call = _call_of(request, calls, instants)
    if call is not None and call.replied is not None and status is not None:
        # The proxy sees an answer's first bytes; it is in only when the stub is done with it.
        end_s = max(end_s, call.replied.at_s)
    return Attempt(
        start_s=request.at_s,
        end_s=end_s,
        ok=_success(status, call),
        source="proxy",
        route=call.called.route if call else _route(request),
        status=status,
    )


def _call_of(request: Crossed, calls: Sequence[Call], instants: Sequence[float]) -> Call | None:
    """The stub's record of the same attempt: same path, first to arrive after it."""
    for index in range(bisect_left(instants, request.at_s - 0.01), len(calls)):
        call = calls[index]
        if call.at_s > request.at_s + MATCH_S:
            break
        if call.called.path.partition("?")[0] == (request.path or "").partition("?")[0]:
            return call
    return None


def _from_connections(
    crossed: Sequence[Crossed], silent: Sequence[FaultWindow], known: Sequence[Attempt]
) -> list[Attempt]:
    """Connections accepted while a silent fault was in force, each taken for one attempt."""
    closed = {event.connection: event.at_s for event in crossed if event.what == "closed"}
    starts = sorted(attempt.start_s for attempt in known)
    found = []
    for event in crossed:
        if event.what != "accepted" or not any(f.start_s <= event.at_s < f.end_s for f in silent):
            continue
        index = bisect_left(starts, event.at_s - 0.01)
        if index < len(starts) and starts[index] <= event.at_s + MATCH_S:
            continue
        end_s = closed.get(event.connection, math.inf)
        found.append(Attempt(start_s=event.at_s, end_s=end_s, ok=False, source="connection"))
    return found


def implied_attempts(
    history: History, upstream: str, demands: Sequence[Request], settings: ServiceSettings
) -> tuple[Attempt, ...]:
    """First attempts that nothing could see, implied by a latency of at least one backoff."""
    return tuple(
        Attempt(start_s=r.sent.at_s, end_s=r.sent.at_s, ok=False, source="latency")
        for r in _waiting(history, upstream, demands, settings)
    )


def kept_alive_attempts(
    history: History,
    upstream: str,
    demands: Sequence[Request],
    seen: Sequence[Attempt],
    settings: ServiceSettings,
) -> tuple[Attempt, ...]:
    """Attempts on connections from before a silent fault, implied by waiting for the deadline.

    Real Toxiproxy tells of new connections only. At most one for each connection accepted until the
    fault began, and none while another upstream may be what was waited for.
    """
    evidence = history.run.evidence
    if "proxy requests" in evidence or "proxy connections" not in evidence:
        return ()
    accepted = [c.at_s for c in history.crossings if c.upstream == upstream]
    found: list[Attempt] = []
    for fault in silent_windows(history, upstream):
        if any(_overlap(fault, f) for f in history.faults if upstream not in f.upstreams):
            continue
        kept = sum(at_s < fault.start_s for at_s in accepted)
        within = [r for r in demands if fault.start_s <= r.sent.at_s < fault.end_s]
        waited = [
            r
            for r in _without_attempt(within, [a.start_s for a in seen])
            if r.service_s >= 0.9 * settings.timeout_s
        ]
        found += [
            Attempt(
                start_s=r.sent.at_s,
                end_s=min(r.sent.at_s + settings.timeout_s, fault.end_s),
                ok=False,
                source="latency",
            )
            for r in waited[:kept]
        ]
    return tuple(found)


def _overlap(one: FaultWindow, other: FaultWindow) -> bool:
    return one.start_s < other.end_s and other.start_s < one.end_s


def _without_attempt(requests: Sequence[Request], starts: Sequence[float]) -> list[Request]:
    """The requests near whose start no attempt began that isn't another one's already."""
    free = sorted(starts)
    found = []
    for request in requests:
        index = bisect_left(free, request.sent.at_s - 0.01)
        if index < len(free) and free[index] <= request.sent.at_s + MATCH_S:
            free.pop(index)
        else:
            found.append(request)
    return found


def implied_retries(
    history: History, upstream: str, demands: Sequence[Request], settings: ServiceSettings
) -> tuple[Attempt, ...]:
    """Later attempts of the same calls, at most: the last of a call may have been rejected."""
    found = []
    for request in _waiting(history, upstream, demands, settings):
        at_s = request.sent.at_s
        for number in range(1, settings.attempts):
            at_s += settings.backoff_s(number)
            if at_s <= request.end_s + MATCH_S and hidden(history, upstream, at_s):
                found.append(Attempt(start_s=at_s, end_s=at_s, ok=False, source="latency"))
    return tuple(found)


def _waiting(
    history: History, upstream: str, demands: Sequence[Request], settings: ServiceSettings
) -> list[Request]:
    """Requests that took a backoff while nothing could be seen."""
    if settings.attempts < 2:
        return []
    patience_s = 0.9 * settings.backoff_s(1)
    return [
        r for r in demands if hidden(history, upstream, r.sent.at_s) and r.service_s >= patience_s
    ]
