"""Measures a whole target in real time: routes first, then its upstreams, some side by side."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from harness.engines.local.engine import LocalEngine
from harness.engines.tasks import together
from harness.errors import UsageError
from harness.history import events
from harness.machine.grants import crowding
from harness.measure.downs import Downs
from harness.measure.findings import Findings
from harness.measure.lab import Tell
from harness.measure.measuring import Measured, check_measurable
from harness.measure.realtime.budget import SIDE_BY_SIDE, Budget, announcement
from harness.measure.realtime.ground import Ground, Grounds
from harness.measure.realtime.study import Study
from harness.measure.routes import Asked, Called, Known, called
from harness.scenario.model import Scenario
from harness.target import Target

_IDLE_S = 5.0
"""Without any request: whoever calls then does so by itself."""
_SETTLE_S = 0.1


async def measure_in_real_time(
    target: Target,
    engine: LocalEngine,
    streams: Mapping[str, dict[str, Any]],
    *,
    longest_wait_s: float,
    tell: Tell = lambda _: None,
) -> Measured:
    """Find out what a target does at each of its upstreams, in any language that it is written in.

    `streams`: its routes, as streams of a scenario without rate and count; `longest_wait_s`: the
    longest wait of a breaker that is looked for.
    Raises: UsageError for a target that can't be measured; WorldError, TargetError.
    """
    if target.url is not None or target.start is None or not target.start.command:
        raise UsageError(
            f"{target.file or target.name}: in real time many worlds stand side by side, each with "
            "a gateway of its own: `start: command` says how one is started"
        )
    tell(announcement(len(target.upstream_names), longest_wait_s))
    grounds = Grounds(target, engine)
    tell("learning what its routes call")
    known = await learn(grounds, streams)
    check_measurable(target, known)
    grounds.background = known.background
    measured = Measured(target=target.name, engine=engine.name, known=known, downs=Downs())
    measured.upstreams = {name: Findings(upstream=name) for name in target.upstream_names}
    asked = [name for name in target.upstream_names if _askable(target, measured, name)]
    for index in range(0, len(asked), SIDE_BY_SIDE):
        group = asked[index : index + SIDE_BY_SIDE]
        tell(f"experiments on {' and '.join(group)}, all of them side by side")
        budget = Budget(longest_s=longest_wait_s, upstreams=len(group), busy=crowding())
        studies = [_study(grounds, measured, name, budget) for name in group]
        await together(*(study.run() for study in studies))
    measured.plays = grounds.made
    return measured


def _askable(target: Target, measured: Measured, name: str) -> bool:
    found = measured.upstreams[name]
    if name in target.real:
        found.cannot_tell("", "a real service answers there: only a stub plays what is needed")
    elif not measured.known.calling(name):
        found.cannot_tell("", "no route that is answered well calls it")
    return not found.unknown


def _study(grounds: Grounds, measured: Measured, name: str, budget: Budget) -> Study:
    routes = measured.known.calling(name)
    found = measured.upstreams[name]
    found.saw(f"asked by {routes[0].request}")
    return Study(grounds, found, routes, measured.downs, budget)


async def learn(
    grounds: Grounds, streams: Mapping[str, dict[str, Any]], *, by_path: bool = False
) -> Known:
    """Ask each route twice, one after another, with nothing wrong, then wait.

    `by_path`: calls are told by their paths, where stubs answer whatever they are asked.
    Raises: WorldError, TargetError.
    """
    first_stream = next(iter(streams.values()))
    upstream = grounds.target.upstream_names[0]
    asked: dict[str, list[Asked]] = {}
    spans: list[tuple[float, float]] = []
    async with grounds.ground(first_stream, upstream) as ground:
        for name, stream in streams.items():
            asked[name] = [await _one(ground, stream, spans, by_path) for _ in range(2)]
        await asyncio.sleep(_IDLE_S)
        background = _background(grounds.target, ground, spans, by_path)
    routes, missing = [], {}
    for name, stream in streams.items():
        found = called(name, stream, asked[name], _healthy(stream), background)
        if isinstance(found, Called):
            routes.append(found)
        else:
            missing[stream["request"]] = found
    return Known(routes=tuple(routes), missing=missing, background=background)


def _healthy(stream: Mapping[str, Any]) -> Any:
    raw = {
        "title": "healthy",
        "duration": "1s",
        "traffic": {"one": {**stream, "count": "1 at 0s"}},
    }
    return Scenario.model_validate(raw).traffic["one"].healthy


async def _one(
    ground: Ground, stream: Mapping[str, Any], spans: list[tuple[float, float]], by_path: bool
) -> Asked:
    """One healthy request, with all calls that reached stubs meanwhile."""
    seen = await ground.call(15.0, stream=stream)
    await asyncio.sleep(_SETTLE_S)  # a stub tells of a call by a line of its own
    end_s = ground.now_s
    spans.append((seen.sent_s, end_s))
    calls = [c for c in ground.history().calls if seen.sent_s <= c.at_s <= end_s]
    told = tuple(
        (c.at_s - seen.sent_s, c.called.upstream, _route(c.called, by_path)) for c in calls
    )
    return Asked(status=seen.status, lasts_s=seen.latency_s, calls=told)


def _route(called: events.Called, by_path: bool) -> str:
    if not by_path:
        return called.route
    return f"{called.route.partition(' ')[0]} {called.path.partition('?')[0]}"


def _background(
    target: Target, ground: Ground, spans: Sequence[tuple[float, float]], by_path: bool
) -> dict[str, frozenset[str]]:
    """Routes that somebody calls although no request is under way, and those declared."""
    found = {name: set(target.background.get(name, ())) for name in target.upstream_names}
    for call in ground.history().calls:
        if not any(from_s <= call.at_s <= to_s for from_s, to_s in spans):
            found[call.called.upstream].add(_route(call.called, by_path))
    return {name: frozenset(routes) for name, routes in found.items() if routes}
