"""Measures a whole target: routes first, then each upstream, all of them side by side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field

from harness.engines.base import Engine
from harness.engines.tasks import together
from harness.errors import UsageError
from harness.explore.surface import catalogue
from harness.measure.bench import Bench
from harness.measure.calls import find_calls
from harness.measure.counting import find_counting
from harness.measure.downs import Downs, find_downs
from harness.measure.elsewhere import find_elsewhere
from harness.measure.findings import Findings
from harness.measure.lab import Lab, Tell
from harness.measure.opening import find_opening, find_queue
from harness.measure.recovery import find_recovery
from harness.measure.routes import Called, Known, learn
from harness.measure.slow import find_slow
from harness.target import Target


class Measured(Struct, kw_only=True):
    """All that was found of a target."""

    target: str
    engine: str
    upstreams: dict[str, Findings] = field(default_factory=dict)
    known: Known
    downs: Downs
    plays: int = 0

    def as_json(self) -> dict[str, Any]:
        """As `outage measure --format json` says it."""
        unknown = {
            f"upstreams.{name}.{key}" if key else f"upstreams.{name}": why
            for name, found in self.upstreams.items()
            for key, why in found.unknown.items()
        }
        missing = {f"routes.{name}": why for name, why in self.known.missing.items()}
        return {
            "schema": 1,
            "target": self.target,
            "engine": self.engine,
            "upstreams": {name: found.as_json() for name, found in self.upstreams.items()},
            "routes": {route.request: self._route(route) for route in self.known.routes},
            "unknown": unknown | self.downs.unknown | missing,
        }

    def _route(self, route: Called) -> dict[str, Any]:
        return {
            "calls": [f"{upstream} {call}" for upstream, call in route.calls],
            "when_down": self.downs.statuses.get(route.request, {}),
            "when_refused": self.downs.refusals.get(route.request, {}),
        }


def streams_of(target: Target) -> dict[str, dict[str, Any]]:
    """The routes that a target is asked for: its own, of its OpenAPI file too, else its contract's.

    Raises: UsageError where there are none.
    """
    if own := {**target.described, **target.routes}:
        return {name: sample.raw for name, sample in own.items()}
    known = catalogue(target).values()
    if not set(target.upstream_names) & set(target.contract.upstreams):
        raise UsageError(
            f"{target.file or target.name}: say in `routes:` what it can be asked, such as "
            "`item: {request: GET /items/1}`, or name its OpenAPI file: `openapi: openapi.yaml`"
        )
    return {one.name: one.raw for one in known if one.own}


async def measure(
    target: Target,
    engine: Engine,
    streams: Mapping[str, dict[str, Any]],
    tell: Tell = lambda _: None,
) -> Measured:
    """Find out what a target does at each of its upstreams.

    `streams`: its routes, as streams of a scenario without rate and count.
    Raises: UsageError for a target that can't be measured; WorldError, TargetError.
    """
    lab = Lab(target, engine, tell)
    tell("learning what its routes call")
    known = await learn(lab, streams)
    check_measurable(target, known)
    lab.background = known.background
    measured = Measured(target=target.name, engine=engine.name, known=known, downs=Downs())
    await together(*(_upstream(lab, name, measured, tell) for name in target.upstream_names))
    measured.upstreams = {name: measured.upstreams[name] for name in target.upstream_names}
    measured.downs.sort(target.upstream_names)
    measured.plays = lab.plays
    return measured


def check_measurable(target: Target, known: Known) -> None:
    """Refuse a target none of whose routes answers well although nothing is wrong.

    Raises: UsageError.
    """
    if not known.routes:
        raise UsageError(
            f"{target.name} can't be measured: none of its routes answers as it should although "
            f"nothing is wrong ({some(known.missing)})"
        )


def some(missing: Mapping[str, str]) -> str:
    """A few routes that are not answered well, for a message."""
    return "; ".join(f"{route}: {why}" for route, why in list(missing.items())[:3])


async def _upstream(lab: Lab, name: str, measured: Measured, tell: Tell) -> None:
    found = measured.upstreams[name] = Findings(upstream=name)
    routes = measured.known.calling(name)
    if not routes:
        found.cannot_tell("", "no route that is answered well calls it")
        return
    bench = Bench(lab=lab, upstream=name, route=routes[0], findings=found)
    found.saw(f"asked by {routes[0].request}")
    tell(f"{name}: how a call goes")
    single, _ = await together(find_calls(bench), find_downs(lab, name, routes, measured.downs))
    if not single:
        return
    await find_queue(bench)
    tell(f"{name}: what opens its breaker")
    opened, contrast = await find_opening(bench)
    if opened is not None:
        tell(f"{name}: how it recovers")
        await find_recovery(bench, opened)
        await find_slow(bench, opened)
    tell(f"{name}: what counts as a failure")
    await find_counting(bench, opened, contrast)
    await find_elsewhere(bench, opened, routes)
