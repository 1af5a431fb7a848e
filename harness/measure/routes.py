"""Which routes a target answers well, and what each then calls, learned from one healthy play."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from msgspec import field

from harness.frozen import Frozen
from harness.history.requests import Request
from harness.history.view import History
from harness.measure.lab import Lab
from harness.scenario.model import Scenario
from harness.target import Target
from harness.units import Range, format_duration

_APART_S = 20.0
"""Between two requests, so that it is plain which of them caused a call."""
_IDLE_S = 95.0
"""Without any request at the end: whoever calls then does so by itself."""
_SLACK_S = 0.02


class Called(Frozen, kw_only=True):
    """A route that is answered well, and the calls of one request in order."""

    name: str
    request: str
    """Method and path."""
    stream: dict[str, Any]
    """As a stream of a scenario file, without rate and count."""
    calls: tuple[tuple[str, str], ...]
    """Upstream and route of each call."""
    status: int
    lasts_s: float
    """How long a healthy request takes."""
    begins_s: dict[str, float] = field(default_factory=dict)
    """How long after the request its first call at an upstream arrives."""

    def lead_s(self, upstream: str) -> float:
        """How long after a request its first call at an upstream begins at the earliest."""
        return max(0.0, self.begins_s.get(upstream, 0.0) - _SLACK_S / 20)

    @property
    def upstreams(self) -> tuple[str, ...]:
        """The upstreams that it calls, each once, in order."""
        return tuple(dict.fromkeys(upstream for upstream, _ in self.calls))


class Known(Frozen, kw_only=True):
    """What a healthy play showed."""

    routes: tuple[Called, ...]
    missing: dict[str, str] = field(default_factory=dict)
    """Routes that are not answered as they should be, with what was seen instead."""
    background: dict[str, frozenset[str]] = field(default_factory=dict)
    """Routes of calls that no request causes, by upstream."""

    def calling(self, upstream: str) -> tuple[Called, ...]:
        """The routes that call an upstream, those first that call it, and anybody, least; reading
        ones before others, since calls with an effect may not be tried again.
        """
        own = [route for route in self.routes if upstream in route.upstreams]
        return tuple(sorted(own, key=lambda route: _plainness(route, upstream)))


def _plainness(route: Called, upstream: str) -> tuple[int, int, bool]:
    at_it = sum(name == upstream for name, _ in route.calls)
    return at_it, len(route.calls), not route.request.startswith("GET ")


async def learn(lab: Lab, streams: Mapping[str, dict[str, Any]]) -> Known:
    """Ask each route twice, far apart, with nothing wrong, then wait.

    Raises: as `Lab.play`.
    """
    traffic, at_s = {}, 1.0
    for name, stream in streams.items():
        sends = [f"1 at {at_s:g}s", f"1 at {at_s + _APART_S:g}s"]
        traffic[name] = {"addresses": 2} | stream | {"count": sends}
        at_s += 2 * _APART_S
    raw = {
        "title": "nothing is wrong",
        "duration": format_duration(at_s + _IDLE_S),
        "traffic": traffic,
    }
    named = {"name": "healthy", "file": "healthy"}
    scenario = Scenario.model_validate(raw).model_copy(update=named)
    history = await lab.history(scenario)
    return _known(lab.target, scenario, streams, history)


def _known(
    target: Target, scenario: Scenario, streams: Mapping[str, dict[str, Any]], history: History
) -> Known:
    background = _background(target, history)
    routes, missing = [], {}
    for name, stream in streams.items():
        asked = [
            Asked(
                status=request.status,
                lasts_s=request.service_s,
                calls=_calls(history, request),
            )
            for request in history.stream(name)
        ]
        found = called(name, stream, asked, scenario.traffic[name].healthy, background)
        if isinstance(found, Called):
            routes.append(found)
        else:
            missing[stream["request"]] = found
    return Known(routes=tuple(routes), missing=missing, background=background)


class Asked(Frozen, kw_only=True):
    """One healthy request: how it was answered, and what was called meanwhile."""

    status: int | None
    lasts_s: float
    calls: tuple[tuple[float, str, str], ...]
    """How long after it each came, its upstream and its route."""


def called(
    name: str,
    stream: Mapping[str, Any],
    asked: Sequence[Asked],
    healthy: Range,
    background: Mapping[str, Collection[str]],
) -> Called | str:
    """A route as its requests showed it, asked one after another; or why nothing can be said of it.

    Calls that come without any request, too, are none of its own where they differ from one
    request to the next.
    """
    wrong = [one.status for one in asked if one.status is None or one.status not in healthy]
    if len(wrong) == len(asked):
        return f"answered {wrong[0] or 'nothing'}"
    if wrong:
        told = " and ".join(str(one.status or "nothing") for one in asked)
        return f"not always answered the same: {told}"
    whole = [one.calls for one in asked]
    own = [_without(background, calls) for calls in whole]
    calls = next((all_of[0] for all_of in (whole, own) if _alike(all_of)), None)
    if calls is None:
        return "it makes other calls the second time (a cache?): " + " and then ".join(
            ", ".join(f"{upstream} {route}" for _, upstream, route in one) or "none" for one in own
        )
    begins_s: dict[str, float] = {}
    for after_s, upstream, _ in calls:
        begins_s.setdefault(upstream, after_s)
    assert asked[0].status is not None
    return Called(
        name=name,
        request=stream["request"],
        stream=dict(stream),
        calls=_named(calls),
        status=asked[0].status,
        lasts_s=max(one.lasts_s for one in asked),
        begins_s=begins_s,
    )


_Calls = tuple[tuple[float, str, str], ...]


def _without(background: Mapping[str, Collection[str]], calls: _Calls) -> _Calls:
    return tuple(one for one in calls if one[2] not in background.get(one[1], ()))


def _named(calls: _Calls) -> tuple[tuple[str, str], ...]:
    return tuple((upstream, route) for _, upstream, route in calls)


def _alike(each: Sequence[_Calls]) -> bool:
    return len({_named(calls) for calls in each}) == 1


def _calls(history: History, request: Request) -> _Calls:
    return tuple(
        (call.at_s - request.at_s, call.called.upstream, call.called.route)
        for call in history.calls
        if _within(call.at_s, request)
    )


def _within(at_s: float, request: Request) -> bool:
    return request.at_s - _SLACK_S <= at_s <= request.end_s + _SLACK_S


def _background(target: Target, history: History) -> dict[str, frozenset[str]]:
    """Routes that somebody calls although no request is under way, and those declared."""
    found: dict[str, set[str]] = {
        name: set(target.background.get(name, ())) for name in target.upstream_names
    }
    every = [*history.requests, *history.warm_up]
    for call in history.calls:
        if call.at_s >= 0 and not any(_within(call.at_s, request) for request in every):
            found[call.called.upstream].add(call.called.route)
    return {name: frozenset(routes) for name, routes in found.items() if routes}
