"""What a target offers: which of the contract's routes answer well, and what each of them calls.

Learned from one play without faults, so that nothing is expected of a gateway that it never did.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from harness.explore.outage import Flow, Outage
from harness.history.view import History, Request
from harness.settings import ServiceSettings
from harness.target import Target

_SLACK_S = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One route of the contract: a stream of it, and what it is answered when all is well."""

    name: str
    raw: dict[str, Any]
    healthy: int = 200
    needs_user: bool = True
    user: str | None = "ada"
    project: str | None = None
    """The project that the request names."""
    own: bool = True
    """Whether the user may do it: has a good token, and owns the project."""


def _route(name: str, request: str, **more: Any) -> Route:
    keys = ("json", "with", "headers", "addresses")
    given: dict[str, Any] = {key: more.pop(key) for key in keys if key in more}
    user = more.get("user", "ada")
    raw: dict[str, Any] = {"request": request, **given}
    if user is not None:
        raw["as"] = user
    if more.get("healthy", 200) != 200:
        raw["healthy"] = more["healthy"]
    return Route(name=name, raw=raw, **more)


_CHAT = {"message": "hello", "project_id": "{project}"}
_LOGIN = {"email": "{email}", "password": "{password}"}
_WRONG = {"email": "{email}", "password": "wrong"}
_MANY = 60

CATALOGUE: tuple[Route, ...] = (
    _route("chat", "POST /v1/api/chat", json=_CHAT, project="p1"),
    _route("check", "GET /v1/api/auth/check"),
    _route("login", "POST /v1/api/auth/login", json=_LOGIN, addresses=_MANY, needs_user=False),
    _route("project", "GET /v1/api/project/{project}", project="p1"),
    _route("read", "GET /v1/api/project/{project}/file/notes.md", project="p1"),
    _route("save", "PUT /v1/api/project/{project}/file/notes.md", json={"content": "x"},
           project="p1"),
    _route("snapshot", "POST /v1/api/project/{project}/snapshot", project="p1"),
    _route("history", "GET /v1/api/project/{project}/history", project="p1"),
    _route("lookup", "GET /v1/api/lookup?q=weather"),
    _route("chat_bob", "POST /v1/api/chat", json=_CHAT, user="bob", project="p2"),
    _route("check_cookie", "GET /v1/api/auth/check", user="bob", **{"with": "cookie"}),
    _route("stranger", "GET /v1/api/project/p1", user="bob", project="p1", own=False, healthy=403),
    _route("nobody", "GET /v1/api/auth/check", user=None, own=False, healthy=401,
           headers={"Authorization": "Bearer token-of-nobody"}),
    _route("wrong_password", "POST /v1/api/auth/login", json=_WRONG, addresses=_MANY,
           needs_user=False, own=False, healthy=401),
)  # fmt: skip
"""The contract's routes as streams, the plainest first."""

ROUTES: dict[str, Route] = {route.name: route for route in CATALOGUE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """A route that a target answers well, with the calls that it then makes, in order."""

    route: Route
    calls: tuple[tuple[str, str], ...]
    """Upstream and route of each call of a healthy request."""
    says_charged: bool = False
    says_degraded: bool = False

    @property
    def upstreams(self) -> tuple[str, ...]:
        """The upstreams that it calls, each once, in order."""
        return tuple(dict.fromkeys(upstream for upstream, _ in self.calls))


@dataclass(frozen=True, slots=True, kw_only=True)
class Surface:
    """What a target offers to an exploration."""

    offered: tuple[Offered, ...]
    missing: tuple[str, ...]
    """Routes that it doesn't answer as it should even when all is well, with what it did."""
    settings: dict[str, ServiceSettings]
    without: tuple[str, ...] = ()

    @property
    def upstreams(self) -> tuple[str, ...]:
        """The upstreams that some route calls."""
        return tuple(dict.fromkeys(name for item in self.offered for name in item.upstreams))

    def of(self, route: str) -> Offered | None:
        """A route by its name, if the target offers it."""
        return next((item for item in self.offered if item.route.name == route), None)

    def calling(self, upstream: str) -> tuple[Offered, ...]:
        """The routes that call an upstream."""
        return tuple(item for item in self.offered if upstream in item.upstreams)

    def routes_at(self, upstream: str) -> tuple[str, ...]:
        """The routes of an upstream that are called, with `*` where a path names something."""
        return tuple(
            dict.fromkeys(
                general_route(called)
                for item in self.offered
                for name, called in item.calls
                if name == upstream
            )
        )


def general_route(called: str) -> str:
    """A called route as scenario files pick it: `GET /balance/ada` is picked by `GET /balance`."""
    method, _, path = called.partition(" ")
    first = path.partition("?")[0].strip("/").split("/")
    if first[0] == "internal":
        return f"{method} /internal/projects"
    return f"{method} /{first[0]}"


def healthy_outage(target: Target) -> Outage:
    """One request of each route of the catalogue, far apart, and no fault."""
    known = [r for r in CATALOGUE if r.user is None or r.user in target.user_ids]
    flows = tuple(
        Flow(name=route.name, route=route.name, raw=route.raw, bursts=((1, 1.0 + index),))
        for index, route in enumerate(known)
    )
    return Outage(flows=flows, faults=(), duration_s=len(known) + 2.0)


def learn(target: Target, history: History) -> Surface:
    """What a play of `healthy_outage` shows."""
    offered, missing = [], []
    for request in history.requests:
        route = ROUTES[request.sent.stream]
        if request.status == route.healthy:
            offered.append(_offered(route, request, history))
        else:
            missing.append(f"{route.raw['request']} ({route.name}): {request.status}")
    return Surface(
        offered=tuple(sorted(offered, key=lambda item: CATALOGUE.index(item.route))),
        missing=tuple(missing),
        settings={name: target.settings(name) for name in target.upstream_names},
        without=target.without,
    )


def _offered(route: Route, request: Request, history: History) -> Offered:
    calls = tuple(
        (call.called.upstream, call.called.route)
        for call in history.calls
        if request.sent.at_s - _SLACK_S <= call.at_s <= request.end_s + _SLACK_S
    )
    return Offered(
        route=route,
        calls=calls,
        says_charged=request.field("charged") is True,
        says_degraded=request.field("degraded") is False,
    )


def names(items: Iterable[Offered]) -> tuple[str, ...]:
    """The names of routes."""
    return tuple(item.route.name for item in items)
