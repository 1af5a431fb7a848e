"""What each stream's requests call, and in which order, as the warm-up showed it.

There requests are sent one at a time, so what reached an upstream between a request and its answer
was called for it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from harness.history.view import History
from harness.wire.attempts import Attempt

CLOCK_S = 0.02
"""How far a call may seem to lie outside of its request's life, by different witnesses' clocks."""


@dataclass(frozen=True, slots=True)
class Learned:
    """One call that a stream's requests make."""

    upstream: str
    route: str
    """Method and path; empty where only a connection was seen."""


def calls_of(history: History) -> dict[str, tuple[Learned, ...]]:
    """The calls of each stream's requests, in order, as the warm-up showed them."""
    found: dict[str, tuple[Learned, ...]] = {}
    for stream, calls in _by_request(history):
        found[stream] = tuple(dict.fromkeys((*found.get(stream, ()), *calls)))
    return found


def most_calls_of(history: History) -> dict[str, tuple[Learned, ...]]:
    """The calls of that request of each stream that made the most, each as often as it was made."""
    found: dict[str, tuple[Learned, ...]] = {}
    for stream, calls in _by_request(history):
        found[stream] = max(found.get(stream, ()), calls, key=len)
    return found


def _by_request(history: History) -> Iterator[tuple[str, tuple[Learned, ...]]]:
    """The stream of each request of the warm-up, and what was called while it was under way."""
    seen = sorted(_warm_up_calls(history), key=lambda pair: pair[0])
    instants = [at_s for at_s, _ in seen]
    for request in history.warm_up:
        first = bisect_left(instants, request.sent.at_s - CLOCK_S)
        last = bisect_right(instants, request.end_s + CLOCK_S)
        yield request.sent.stream, tuple(call for _, call in seen[first:last])


def upstreams_of(history: History) -> dict[str, tuple[str, ...]]:
    """The upstreams that each stream's requests need, in the order of their first call."""
    return {stream: called_by(calls) for stream, calls in calls_of(history).items()}


def called_by(calls: Iterable[Learned]) -> tuple[str, ...]:
    """The upstreams of calls, each once, in the order of their first one."""
    return tuple(dict.fromkeys(call.upstream for call in calls))


def _warm_up_calls(history: History) -> list[tuple[float, Learned]]:
    """By stubs; by proxies for an upstream without one; by connections for want of both."""
    by_stub = [
        (call.at_s, Learned(call.called.upstream, exact(call.called.route, call.called.path)))
        for call in history.warm_up_calls
    ]
    stubbed = {call.upstream for _, call in by_stub}
    crossed = [c for c in history.warm_up_crossings if c.upstream not in stubbed]
    asked = [
        (c.at_s, Learned(c.upstream, exact(f"{c.method} {c.path}", c.path or "")))
        for c in crossed
        if c.what == "request" and c.path
    ]
    told = {call.upstream for _, call in asked}
    bare = [
        (c.at_s, Learned(c.upstream, ""))
        for c in crossed
        if c.what in ("accepted", "request") and c.upstream not in told
    ]
    return [*by_stub, *asked, *bare]


def exact(route: str, path: str) -> str:
    """Method and whole path of a call, without its query."""
    return f"{route.partition(' ')[0]} {path.partition('?')[0]}"


def alike(route: str, attempt: Attempt) -> bool:
    """Whether an attempt is on a learned route: same method, same path but for what names things.

    A path's last segments may name a user, a project, a file: the first one must be the same.
    """
    return not route or _alike(route, attempt.method, attempt.path)


@lru_cache(maxsize=4096)  # asked for each attempt and each request under way, of a few routes
def _alike(route: str, method: str, path: str) -> bool:
    wanted_method, _, wanted_path = route.partition(" ")
    wanted, given = _segments(wanted_path), _segments(path.partition("?")[0])
    return method == wanted_method and len(wanted) == len(given) and wanted[:1] == given[:1]


def _segments(path: str) -> list[str]:
    return [segment for segment in path.split("/") if segment]
