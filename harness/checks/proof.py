"""What the warm-up proves of a run's evidence: which streams reach what, and whether it is seen.

A claim of absence needs this (design decision 4): nothing was seen means something only where
something would have been seen. Warm-up requests are sent one at a time, so what reached an upstream
between such a request and its answer was called for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from harness.contracts import Contract
from harness.history.events import Charged
from harness.history.view import History
from harness.routes import route_matches

SLACK_S = 0.05
"""How far a call may seem to lie outside of its request's life, by different witnesses' clocks."""


def reaching(history: History, upstream: str, on: str | None = None) -> tuple[str, ...]:
    """The streams whose warm-up requests were seen to reach an upstream (on one route, if given).

    Seen by its stub, or by its proxy where that records requests.
    """
    instants = tuple(_instants(history, upstream, on))
    return _streams(history, instants)


def charging(history: History, contract: Contract) -> tuple[str, ...]:
    """The streams whose requests are charged: as the warm-up showed, or the contract says."""
    charged = [event.at_s for event in history.all(Charged) if event.at_s < 0]
    sent = (each.sent for each in chain(history.warm_up, history.requests))
    routes = dict.fromkeys((each.stream, f"{each.method} {each.path}") for each in sent)
    by_route = [stream for stream, route in routes if _is_charged(route, contract)]
    return tuple(dict.fromkeys((*_streams(history, tuple(charged)), *by_route)))


def ledger_works(history: History) -> bool:
    """Whether the warm-up showed a charge in the ledger."""
    return any(event.at_s < 0 for event in history.all(Charged))


def _is_charged(request: str, contract: Contract) -> bool:
    """Whether a request's route has an effect that happens at most once."""
    route = contract.route_of(request)
    return route is not None and route.effect is not None


def touched(history: History, upstream: str) -> bool:
    """Whether the warm-up reached an upstream, through its proxy where that can be seen."""
    by_proxy = [c for c in history.warm_up_crossings if c.upstream == upstream]
    by_stub = history.warm_up_calls.to(upstream)
    if "proxy requests" in history.run.evidence:
        return any(crossed.what == "request" for crossed in by_proxy)
    return bool(by_stub or by_proxy)


def _instants(history: History, upstream: str, on: str | None) -> Iterator[float]:
    yield from history.warm_up_calls.to(upstream, on).told("at_s")
    for crossed in history.warm_up_crossings:
        if crossed.upstream == upstream and crossed.what == "request":
            route, path = f"{crossed.method} {crossed.path}", crossed.path or ""
            if on is None or route_matches(on, route, path):
                yield crossed.at_s


def _streams(history: History, instants: tuple[float, ...]) -> tuple[str, ...]:
    found = (
        request.sent.stream
        for request in history.warm_up
        for at_s in instants
        if request.sent.at_s - SLACK_S <= at_s <= request.end_s + SLACK_S and at_s < 0
    )
    return tuple(dict.fromkeys(found))
