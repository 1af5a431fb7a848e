"""Which requests need an upstream, and which of those were answered without an attempt at it."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from harness.checks.attempts import Attempt, attempts_at, hidden
from harness.history.view import History, Request
from harness.settings import ServiceSettings

_SLACK_S = 0.02
_NO_DEMAND = frozenset({None, 400, 402, 404, 405, 415, 429})
"""Answers that a gateway may give before it asks any upstream (a limit, a malformed request)."""
_BROKEN = frozenset({500, 502})
"""A target that broke on its way may never have come to what it would have asked next."""


def upstreams_of(history: History) -> dict[str, tuple[str, ...]]:
    """The upstreams that each stream's requests need, in the order of their first call.

    Learned from the warm-up, where requests are sent one at a time: what reached a stub between a
    request and its answer was called for it. What has no stub is seen by its proxy.
    """
    found: dict[str, tuple[str, ...]] = {}
    calls = [(call.at_s, call.called.upstream) for call in history.calls]
    stubbed = {upstream for _, upstream in calls}
    calls += [
        (crossed.at_s, crossed.upstream)
        for crossed in history.crossings
        if crossed.upstream not in stubbed and crossed.what in ("accepted", "request")
    ]
    calls.sort()
    instants = [at_s for at_s, _ in calls]
    for request in history.warm_up:
        first = bisect_left(instants, request.sent.at_s - _SLACK_S)
        last = bisect_right(instants, request.end_s + _SLACK_S)
        names = [upstream for _, upstream in calls[first:last]]
        known = found.get(request.sent.stream, ())
        found[request.sent.stream] = tuple(dict.fromkeys((*known, *names)))
    return found


def demands_on(history: History, upstream: str) -> tuple[Request, ...]:
    """The requests that need an upstream and got as far as it, by the instant they left.

    A request whose way to the upstream leads over another one that failed it is none: with auth
    down, no chat gets as far as billing.
    """
    order = upstreams_of(history)
    before = {
        stream: names[: names.index(upstream)]
        for stream, names in order.items()
        if upstream in names
    }
    passed = {name: _Successes(attempts_at(history, name)) for name in _names(before)}
    found = [
        request
        for request in history.requests
        if request.sent.stream in before
        and request.status not in _NO_DEMAND
        and not (before[request.sent.stream] and request.status in _BROKEN)
        and all(passed[name].any_within(request) for name in before[request.sent.stream])
    ]
    return tuple(sorted(found, key=lambda request: request.sent.at_s))


def _names(before: dict[str, tuple[str, ...]]) -> set[str]:
    return {name for names in before.values() for name in names}


class _Successes:
    """Asks quickly whether an upstream answered well within a request's life."""

    def __init__(self, attempts: Sequence[Attempt]) -> None:
        self._starts = [attempt.start_s for attempt in attempts if attempt.ok]

    def any_within(self, request: Request) -> bool:
        index = bisect_left(self._starts, request.sent.at_s - _SLACK_S)
        return index < len(self._starts) and self._starts[index] <= request.end_s + _SLACK_S


def is_rejection(
    history: History,
    upstream: str,
    request: Request,
    attempts: Sequence[Attempt],
    starts: Sequence[float],
    settings: ServiceSettings,
) -> bool | None:
    """Whether a request was answered without an attempt of its own; None where nothing can tell.

    An attempt that began and ended within its life is its own; one that outlived the answer isn't.
    """
    first = bisect_left(starts, request.sent.at_s - _SLACK_S)
    last = bisect_right(starts, request.end_s + _SLACK_S)
    if any(attempt.end_s <= request.end_s + _SLACK_S for attempt in attempts[first:last]):
        return False
    unseen = hidden(history, upstream, request.sent.at_s)
    retried = settings.attempts >= 2
    if unseen and retried and request.service_s >= 0.9 * settings.backoff_s(1):
        return False
    if request.service_s >= 0.9 * min(settings.timeout_s, 1.0):
        return False  # whatever it waited for, it was not turned away at once
    return None if unseen and not retried else True
