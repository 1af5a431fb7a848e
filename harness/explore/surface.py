"""What a target offers: which requests it answers well, and what each of them calls.

Learned from one play without faults, so that nothing is expected of a gateway that it never did.
"""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from harness.contracts import Contract
from harness.errors import UsageError
from harness.explore.outage import Flow, Outage
from harness.frozen import Frozen
from harness.history.view import History
from harness.policy.settings import ServiceSettings
from harness.target import Target
from harness.wire.learned import WarmUp

_LONG = 20
"""Characters: no name of a route's own is longer."""


class Route(Frozen, kw_only=True):
    """A request that is sent: a stream of it, and what it is answered when all is well."""

    name: str
    raw: dict[str, Any]
    healthy: int = 200
    calls: tuple[tuple[str, str], ...] = ()
    """Upstream and route of each call of a healthy request, in order, as far as they are known."""

    @property
    def upstreams(self) -> tuple[str, ...]:
        """The upstreams that it calls, each once, in order."""
        return tuple(dict.fromkeys(upstream for upstream, _ in self.calls))

    @property
    def own(self) -> bool:
        """Whether the user may do it: has a good token, and owns what is asked for."""
        return 200 <= self.healthy < 300


def catalogue(target: Target) -> dict[str, Route]:
    """The requests that a target may be sent, by name, the plainest first."""
    return {
        name: Route(name=name, raw=sample.raw, healthy=sample.healthy)
        for name, sample in target.traffic.items()
        if sample.as_ is None or sample.as_ in target.user_ids
    }


class Surface(Frozen, kw_only=True):
    """What a target offers to an exploration."""

    offered: tuple[Route, ...]
    """What it answers well."""
    missing: tuple[str, ...]
    """Routes that it doesn't answer as it should even when all is well, with what it did."""
    settings: dict[str, ServiceSettings]
    contract: Contract

    @property
    def upstreams(self) -> tuple[str, ...]:
        """The upstreams that some route calls."""
        return tuple(dict.fromkeys(name for item in self.offered for name in item.upstreams))

    def calling(self, upstream: str) -> tuple[Route, ...]:
        """The routes that call an upstream."""
        return tuple(item for item in self.offered if upstream in item.upstreams)

    def routes_at(self, upstream: str) -> tuple[str, ...]:
        """The routes of an upstream that are called, with `*` where a path names something."""
        return tuple(
            dict.fromkeys(
                self._general(name, called)
                for item in self.offered
                for name, called in item.calls
                if name == upstream
            )
        )

    def _general(self, upstream: str, called: str) -> str:
        step = self.contract.step_of(upstream, called)
        return general_route(called) if step is None else step.stem


def general_route(called: str) -> str:
    """A called route as scenario files pick it: `GET /stock/7` is picked by `GET /stock/*`.

    What holds a digit, or is long, names one of many.
    """
    method, _, path = called.partition(" ")
    parts = path.partition("?")[0].strip("/").split("/")
    kept = ["*" if len(part) > _LONG or any(map(str.isdigit, part)) else part for part in parts]
    if kept[0] == "*":
        kept[0] = parts[0]
    return f"{method} /{'/'.join(kept)}"


def healthy_outage(target: Target) -> Outage:
    """One request of each route, far apart, and no fault."""
    known = list(catalogue(target).values())
    flows = tuple(
        Flow(name=route.name, route=route.name, raw=route.raw, bursts=((1, 1.0 + index),))
        for index, route in enumerate(known)
    )
    return Outage(flows=flows, faults=(), duration_s=len(known) + 2.0)


def learn(target: Target, history: History) -> Surface:
    """What a play of `healthy_outage` shows.

    Raises: UsageError for a target that can't be explored, with the reason.
    """
    if history.troubles:
        raise UsageError(f"{target.name} can't be explored: {history.troubles[0]}")
    offered, missing = [], []
    routes, called = catalogue(target), WarmUp(history).calls
    for request in history.requests:
        route = routes[request.stream]
        if request.status == route.healthy:
            calls = tuple((c.upstream, c.route) for c in called.get(route.name, ()) if c.route)
            offered.append(replace(route, calls=calls))
        else:
            missing.append(f"{route.raw['request']} ({route.name}): {request.status}")
    if not any(item.calls for item in offered):
        raise UsageError(
            f"{target.name} can't be explored: nothing that it is asked is answered as it should "
            f"although nothing is wrong ({'; '.join(missing[:3])}); `routes:` in its target file "
            "says what it can be asked"
        )
    return Surface(
        offered=tuple(sorted(offered, key=lambda item: list(routes).index(item.name))),
        missing=tuple(missing),
        settings={name: target.settings(name) for name in target.upstream_names},
        contract=target.contract,
    )
