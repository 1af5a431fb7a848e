"""The three files that `outage init` writes: a target, a contract, a first scenario."""

from __future__ import annotations

from typing import Any

from harness.contracts import document
from harness.contracts.promises import OF_POLICIES
from harness.explore.surface import general_route
from harness.init.application import Application, start_of
from harness.measure.findings import Findings
from harness.measure.measuring import Measured
from harness.measure.writing import comments, flow, refusal, target_sections
from harness.units import format_duration

TARGET, CONTRACT = "target.yaml", "contract.yaml"
_FAULT_S = 10.0


def stubs_of(measured: Measured, answers: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """For each upstream the routes that were called, each answered as it was when all was well."""
    found: dict[str, dict[str, Any]] = {name: {} for name in answers}
    asked = [call for route in measured.known.routes for call in route.calls]
    by_itself = measured.known.background
    asked += [(name, route) for name in found for route in sorted(by_itself.get(name, ()))]
    for upstream, called in asked:
        general = general_route(called)
        found[upstream][general] = {"route": general, "json": answers[upstream]}
    return {name: list(routes.values()) for name, routes in found.items() if routes}


def target_text(
    name: str,
    application: Application,
    *,
    ready: str,
    upstreams: dict[str, str],
    stubs: dict[str, Any],
    measured: Measured | None,
) -> str:
    """The target file; without `measured` nothing of its breakers is promised."""
    start = start_of(application) | {"cwd": ".."}
    start |= {"wsgi": application.wsgi} if application.wsgi else {}
    start |= {"asgi": application.asgi} if application.asgi else {}
    lines = [
        f"# How {name} is started and what it calls: guessed by `outage init` from what",
        f"# {application.read} says, and tried out. Every key of this file is in docs/targets.md.",
        f"name: {flow(name)}",
        f"start: {flow(start)}",
        f"contract: {CONTRACT}",
        f"ready: {flow(ready)}",
        "ready_within: 60s",
        f"upstreams: {flow(upstreams)}   # environment variable -> upstream",
        "stubs:   # what stands in for them, and answers what the code seems to read",
    ]
    for upstream, routes in stubs.items():
        lines.append(f"  {upstream}:")
        lines += [f"    - {flow(route)}" for route in routes]
    if measured is None:
        claims = list(document().claims_of(*OF_POLICIES))
        lines.append(f"without: {flow(claims)}   # not measured yet: `outage measure --write`")
        return "\n".join(lines) + "\n"
    for key, value in target_sections(measured, document()).items():
        if isinstance(value, dict):
            lines.append(f"{key}:   # measured")
            lines += [f"  {name}: {flow(own)}" for name, own in value.items()]
        else:
            lines.append(f"{key}: {flow(value)}")
    return "\n".join([*lines, *comments(measured, document())]) + "\n"


def _lasts_s(found: Findings) -> float:
    """How long a call may take that is refused again and again."""
    if found.backoffs is None:
        return _FAULT_S / 2
    return sum(span.high_s for span in found.backoffs)


def scenario_text(measured: Measured, upstream: str) -> str:
    """A first outage: an upstream refuses everybody for a while, then is well again."""
    route = measured.known.calling(upstream)[0]
    found = measured.upstreams[upstream]
    down = measured.downs.statuses.get(route.request, {}).get(upstream)
    own = found.breaker
    wait_s = own.wait.high_s if own.wait is not None else 0.0
    timeout_s = found.timeout.high_s if found.timeout else 5.0
    well_s = _FAULT_S + wait_s + timeout_s + 2.0
    # Of a breaker that isn't known nobody can say when all is well again.
    known = own.wait is not None or own.rule == "none"
    stream = {k: v for k, v in route.stream.items() if k != "healthy"}
    stream |= {"rate": "2/s"} | ({} if route.status == 200 else {"healthy": route.status})
    lines = [
        f"title: {upstream} refuses connections for {format_duration(_FAULT_S)}",
        f"duration: {format_duration(round(well_s + 4.0) if known else _FAULT_S + 2.0)}",
        "traffic:",
        f"  {route.name}: {flow(stream)}",
        "faults:",
        f"  - {{upstream: {upstream}, fault: refused, to: {format_duration(_FAULT_S)}}}",
        "expect:",
    ]
    if down is not None:
        last_s = max(1.0, _FAULT_S - 1 - _lasts_s(found))
        during = f"0s..{format_duration(round(last_s))}"
        owed = refusal(down)
        seen = "" if isinstance(down, tuple) or down == owed else f"   # it was answered {down}"
        expected = f"{{traffic: {route.name}, during: {during}, status: {flow(owed)}}}"
        lines.append(f"  - {expected}{seen}")
    if known:
        during = f"{format_duration(round(well_s))}..end"
        lines.append(f"  - {{traffic: {route.name}, during: {during}, status: {route.status}}}")
    if down is None and not known:
        lines.append(f"  - {{never: {{traffic: {route.name}, status: 500}}}}")
    return "\n".join(lines) + "\n"
