"""What each stream's requests call, and in which order, as the warm-up showed it.

There requests are sent one at a time, so what reached an upstream between a request and its answer
was called for it. A claim of absence needs this (design decision 4): nothing was seen means
something only where something would have been seen.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property, lru_cache

from harness.frozen import Frozen
from harness.history.requests import Request
from harness.history.view import History
from harness.routes import route_matches
from harness.wire.attempts import Attempt

CLOCK_S = 0.02
"""How far a call may seem to lie outside of its request's life, by different witnesses' clocks."""
_LEAD_S = 0.2
"""What is longer before a first call may be a cold start's."""


class Learned(Frozen):
    """One call that a stream's requests make."""

    upstream: str
    route: str
    """Method and path; empty where only a connection was seen."""

    def may_be(self, upstream: str, attempt: Attempt) -> bool:
        """Whether an attempt at an upstream may be of this call."""
        return self.upstream == upstream and alike(self.route, attempt)


class WarmUp:
    """What one history's warm-up shows. Everything is worked out when first asked for."""

    def __init__(self, history: History) -> None:
        self._history = history

    @cached_property
    def last(self) -> Mapping[str, Request]:
        """The last request of each stream: the one that counts."""
        return {request.stream: request for request in self._history.warm_up}

    @cached_property
    def calls(self) -> Mapping[str, tuple[Learned, ...]]:
        """The calls of each stream's requests, in order."""
        found: dict[str, tuple[Learned, ...]] = {}
        for stream, made in self._by_request:
            found[stream] = tuple(dict.fromkeys((*found.get(stream, ()), *made)))
        return found

    @cached_property
    def most_calls(self) -> Mapping[str, tuple[Learned, ...]]:
        """Those of that request of each stream that made the most, each as often as made."""
        found: dict[str, tuple[Learned, ...]] = {}
        for stream, made in self._by_request:
            found[stream] = max(found.get(stream, ()), made, key=len)
        return found

    def reaching(self, upstream: str, on: str | None = None) -> tuple[str, ...]:
        """The streams whose requests were seen to call an upstream (on one route, if given); none
        where nobody was seen to ask it anything: of calls on connections that stay open nothing
        would be seen.
        """
        if upstream not in self._asked:
            return ()
        return tuple(
            stream
            for stream, made in self.calls.items()
            if any(call.upstream == upstream and _is_on(on, call.route) for call in made)
        )

    def through_proxy(self, upstream: str) -> bool:
        """Whether an upstream was reached, through its proxy where that can be seen."""
        crossed = (c for c in self._history.warm_up_crossings if c.upstream == upstream)
        if "proxy requests" in self._history.run.evidence:
            return any(each.what == "request" for each in crossed)
        return any(True for _ in crossed) or bool(self._history.warm_up_calls.to(upstream))

    @cached_property
    def leads_s(self) -> Mapping[str, float]:
        """How soon after it was sent the first call of a stream's request was seen, at the soonest:
        what a target does before it calls anybody.
        """
        found: dict[str, float] = {}
        for request in self._history.warm_up:
            for at_s, _ in self._timed[in_life(self._instants, request)][:1]:
                lead_s = min(max(0.0, at_s - request.at_s), _LEAD_S)
                found[request.stream] = min(lead_s, found.get(request.stream, lead_s))
        return found

    @cached_property
    def _by_request(self) -> Sequence[tuple[str, tuple[Learned, ...]]]:
        """The stream of each request, and what was called while it was under way."""
        return [
            (r.stream, tuple(call for _, call in self._timed[in_life(self._instants, r)]))
            for r in self._history.warm_up
        ]

    @cached_property
    def _timed(self) -> Sequence[tuple[float, Learned]]:
        """What was called, and when, in order."""
        return sorted(self._seen(), key=lambda pair: pair[0])

    @cached_property
    def _instants(self) -> Sequence[float]:
        return [at_s for at_s, _ in self._timed]

    @cached_property
    def _asked(self) -> frozenset[str]:
        """The upstreams of which more was seen than connections."""
        by_proxy = (c.upstream for c in self._history.warm_up_crossings if c.what == "request")
        return frozenset((*by_proxy, *(c.called.upstream for c in self._history.warm_up_calls)))

    def _seen(self) -> list[tuple[float, Learned]]:
        """By stubs; by proxies for an upstream without one; by connections for want of both. What
        is declared to be called for no request is none of theirs.
        """
        by_stub = [
            (call.at_s, Learned(call.called.upstream, exact(call.called.route, call.called.path)))
            for call in self._history.warm_up_calls
        ]
        stubbed = {call.upstream for _, call in by_stub}
        crossed = [c for c in self._history.warm_up_crossings if c.upstream not in stubbed]
        asked = [
            (c.at_s, Learned(c.upstream, exact(f"{c.method} {c.path}", c.path or "")))
            for c in crossed
            if c.what == "request" and c.path
        ]
        told = {call.upstream for _, call in asked}
        bare = [
            (c.at_s, Learned(c.upstream, ""))
            for c in crossed
            if c.upstream not in told
            and (c.what == "request" or (c.what == "accepted" and c.upstream not in self._read))
        ]
        return [one for one in (*by_stub, *asked, *bare) if not self._is_declared(one[1])]

    @cached_property
    def _read(self) -> frozenset[str]:
        """The upstreams whose requests their proxies tell: a connection on which nothing was asked
        is no call, but a pool's.
        """
        run = self._history.run
        told = run.upstreams if "proxy requests" in run.evidence else ()
        return frozenset(told) - {*run.tls, *run.tcp}

    def _is_declared(self, call: Learned) -> bool:
        path = call.route.partition(" ")[2]
        of_upstream = declared(self._history, call.upstream)
        return any(route_matches(own, call.route, path) for own in of_upstream)


def declared(history: History, upstream: str) -> tuple[str, ...]:
    """The routes that a target is declared to call at an upstream for no request of anybody's."""
    entries = (entry.partition(" ") for entry in history.run.background)
    return tuple(route for name, _, route in entries if name == upstream)


def in_life(instants: Sequence[float], request: Request) -> slice:
    """Which of some instants, in order, lie in a request's life."""
    first = bisect_left(instants, request.at_s - CLOCK_S)
    return slice(first, bisect_right(instants, request.end_s + CLOCK_S))


def called_by(calls: Iterable[Learned]) -> tuple[str, ...]:
    """The upstreams of calls, each once, in the order of their first one."""
    return tuple(dict.fromkeys(call.upstream for call in calls))


def _is_on(on: str | None, route: str) -> bool:
    return on is None or route_matches(on, route, route.partition(" ")[2])


def exact(route: str, path: str) -> str:
    """Method and whole path of a call, without its query."""
    return f"{route.partition(' ')[0]} {path.partition('?')[0]}"


def alike(route: str, attempt: Attempt) -> bool:
    """Whether an attempt may be on a learned route: same method, same path but for what names
    things; a bare connection may be for anything.

    A path's last segments may name a user, a project, a file: the first one must be the same.
    """
    return not route or not attempt.path or _alike(route, attempt.method, attempt.path)


@lru_cache(maxsize=4096)  # asked for each attempt and each request under way, of a few routes
def _alike(route: str, method: str, path: str) -> bool:
    wanted_method, _, wanted_path = route.partition(" ")
    wanted, given = _segments(wanted_path), _segments(path.partition("?")[0])
    return method == wanted_method and len(wanted) == len(given) and wanted[:1] == given[:1]


def _segments(path: str) -> list[str]:
    return [segment for segment in path.split("/") if segment]
