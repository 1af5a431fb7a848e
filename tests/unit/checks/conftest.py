"""Builds histories by hand: a small world that says what was sent, answered, called and charged."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest
import yaml

from harness.checks.case import Case
from harness.history.events import (
    Answered,
    Applied,
    Called,
    Charged,
    Crossed,
    Event,
    Lifted,
    Logged,
    Phase,
    Replied,
    Run,
    Sent,
    Trouble,
)
from harness.history.view import History
from harness.scenario.model import Scenario

UPSTREAMS = ("auth", "filesystem", "chroma", "billing", "git", "external_data")


class World:
    """Collects events; every call adds facts and gives the world back for the next."""

    def __init__(self, **run: Any) -> None:
        defaults: dict[str, Any] = {
            "scenario": "s",
            "file": "s.yaml",
            "engine": "local",
            "proxy": "embedded",
            "target": "reference",
            "seed": 0,
            "upstreams": UPSTREAMS,
            "evidence": ("stub", "proxy requests", "status"),
        }
        self.events: list[Event] = [Run(at_s=-3.0, by="engine", **(defaults | run))]
        self._id = 0
        self._call = 0
        self.end_s = 90.0

    def warmed_up(
        self,
        stream: str = "chat",
        status: int | None = 200,
        reaches: Iterable[str] = ("auth",),
        *,
        routes: dict[str, str] | None = None,
        charge: bool = False,
        at_s: float = -1.0,
        path: str = "/v1/api/chat",
        method: str = "POST",
        body: Any = None,
    ) -> World:
        """A warm-up request that reaches these upstreams through their proxies."""
        self.events.append(Phase(at_s=-2.0, by="engine", phase="warm-up"))
        self.request(
            stream,
            0,
            at_s,
            status,
            took_s=0.2,
            path=path,
            method=method,
            user="ada",
            number=0,
            body=body,
        )
        for index, upstream in enumerate(reaches):
            route = (routes or {}).get(upstream, "POST /verify_token")
            self.call(upstream, at_s + 0.01 * (index + 1), route)
        if charge:
            self.charge(at_s + 0.1)
        return self

    def request(
        self,
        stream: str,
        _: int,
        at_s: float,
        status: int | None,
        *,
        took_s: float | None = 0.01,
        late_s: float = 0.0,
        number: int | None = None,
        body: Any = None,
        headers: dict[str, str] | None = None,
        error: str | None = None,
        path: str = "/v1/api/chat",
        method: str = "POST",
        user: str | None = "ada",
    ) -> World:
        """One request; `took_s` None leaves it without an answer."""
        self._id += 1
        sent_s = at_s + late_s
        self.events.append(
            Sent(
                at_s=sent_s,
                by="client",
                id=self._id,
                stream=stream,
                number=_ if number is None else number,
                planned_s=at_s,
                method=method,
                path=path,
                user=user,
            )
        )
        if took_s is not None:
            self.events.append(
                Answered(
                    at_s=sent_s + took_s,
                    by="client",
                    id=self._id,
                    status=status,
                    error=error,
                    headers=tuple((headers or {}).items()),
                    body=body,
                )
            )
        return self

    def answers(
        self, stream: str, instants: Iterable[float], status: int | None, **more: Any
    ) -> World:
        """A request at each instant, numbered as one a second from 0s: #1 at 0s."""
        for at_s in instants:
            self.request(stream, int(at_s) + 1, at_s, status, **more)
        return self

    def call(
        self,
        upstream: str,
        at_s: float,
        route: str = "POST /verify_token",
        *,
        status: int | None = 200,
        by_proxy: bool = True,
        by_stub: bool = True,
        took_s: float = 0.005,
        met: tuple[str, ...] | None = None,
        of: str | None = None,
    ) -> World:
        """An attempt, as the proxy and the stub see it; `met` by which of the stub's behaviours.

        `of`: what is attempted; the same for all calls of a route, where nothing is said.
        """
        self._call += 1
        method, _, path = route.partition(" ")
        if by_proxy:
            crossed: dict[str, Any] = {
                "by": "proxy",
                "upstream": upstream,
                "connection": self._call,
            }
            self.events += [
                Crossed(at_s=at_s, what="accepted", **crossed),
                Crossed(at_s=at_s, what="request", method=method, path=path, **crossed),
            ]
            if status is not None:
                self.events.append(
                    Crossed(at_s=at_s + took_s, what="response", status=status, **crossed)
                )
        if by_stub:
            self.events.append(
                Called(
                    at_s=at_s + 0.001,
                    by="stub",
                    upstream=upstream,
                    id=self._call,
                    route=route,
                    path=path,
                    of=route if of is None else of,
                    attempt=1,
                    met=met,
                )
            )
            self.events.append(
                Replied(
                    at_s=at_s + took_s,
                    by="stub",
                    upstream=upstream,
                    id=self._call,
                    status=status,
                    outcome="sent" if status is not None else "left",
                )
            )
        return self

    def charge(self, at_s: float, *, user: str = "ada", duplicate: bool = False) -> World:
        self._call += 1
        self.events.append(
            Charged(
                at_s=at_s,
                by="stub",
                job_id=f"job-{self._call}",
                user_id=user,
                cost=0.01,
                duplicate=duplicate,
            )
        )
        return self

    def fault(
        self,
        name: str,
        upstream: str | None,
        from_s: float,
        to_s: float,
        *,
        late_s: float = 0.0,
        lift_late_s: float = 0.0,
        index: int = 0,
    ) -> World:
        common: dict[str, Any] = {
            "by": "engine",
            "fault": index,
            "name": name,
            "upstreams": () if upstream is None else (upstream,),
        }
        self.events.append(Applied(at_s=from_s + late_s, planned_s=from_s, **common))
        self.events.append(Lifted(at_s=to_s + lift_late_s, planned_s=to_s, **common))
        return self

    def logged(
        self, at_s: float, line: str, *marks: str, upstream: str | None = None, by: str = "target"
    ) -> World:
        """A line of the target's output (or the engine's), already read for its marks."""
        self.events.append(
            Logged(at_s=at_s, by=by, source=by, line=line, marks=marks, upstream=upstream)
        )
        return self

    def trouble(self, what: str) -> World:
        self.events.append(Trouble(at_s=1.0, by="engine", what=what))
        return self

    def history(self, *, end_s: float = 90.0, ended: bool = True) -> History:
        events = [*self.events, Phase(at_s=0.0, by="engine", phase="play")]
        if ended:
            events.append(Phase(at_s=end_s, by="engine", phase="end"))
        return History(events)


def scenario_of(text: str, **defaults: Any) -> Scenario:
    """A scenario from YAML; what the text leaves out is a chat stream once a second for 90s."""
    base: dict[str, Any] = {
        "title": "a scenario",
        "claims": ["T1"],
        "duration": "90s",
        "traffic": {"chat": {"request": "POST /v1/api/chat", "as": "ada", "rate": "1/s"}},
    }
    loaded = yaml.load(text, _Loader)
    return Scenario(**(base | defaults | loaded), name="s", file="s.yaml")


class _Loader(yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader):  # type: ignore[misc]
    """`on:` is a key of scenario files, not a truth value."""


_Loader.yaml_implicit_resolvers = {
    first: [
        (tag, regexp) for tag, regexp in found if tag != "tag:yaml.org,2002:bool" or first in "tTfF"
    ]
    for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


@pytest.fixture(scope="session")
def world() -> Callable[..., World]:
    return World


@pytest.fixture(scope="session")
def scenario() -> Callable[..., Scenario]:
    return scenario_of


@pytest.fixture(scope="session")
def case() -> Callable[..., Case]:
    def build(text: str, world: World, **history: Any) -> Case:
        return Case(scenario_of(text), world.history(**history))

    return build
