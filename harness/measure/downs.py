"""What each route answers while an upstream is down, that is, refuses every connection, and to what
an upstream itself refuses, by a status below 500.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct, field

from harness.engines.tasks import together
from harness.measure.lab import Lab
from harness.measure.routes import Called
from harness.scenario.model import Scenario
from harness.units import format_duration

Answer = int | tuple[int, ...] | None
"""One status, or several that are all a gateway's own words; None is unknown."""
OF_GATEWAYS = (502, 503, 504)
"""What a gateway answers by whichever way an upstream fails."""
REFUSALS = ("404", "400", "401", "403", "422", "429")
"""Statuses by which an upstream refuses what it is asked."""
_APART_S = 120.0
"""Between two requests: longer than nearly any call takes."""
_TIMES = 8
"""So often each route is asked, so that it is asked of an open breaker, too."""


class Downs(Struct, kw_only=True):
    """What routes answer while an upstream is down, by route and upstream."""

    statuses: dict[str, dict[str, Answer]] = field(default_factory=dict)
    refusals: dict[str, dict[str, dict[str, int]]] = field(default_factory=dict)
    """What they answer when it answers so, by route, upstream and its status."""
    unknown: dict[str, str] = field(default_factory=dict)

    def note_refusal(self, request: str, upstream: str, kind: str, status: int | None) -> None:
        """What a route was answered to a status of an upstream; nothing where it wasn't."""
        if status is not None:
            own = self.refusals.setdefault(request, {}).setdefault(upstream, {})
            own[kind] = status

    def sort(self, upstreams: Sequence[str]) -> None:
        """Put what each route answers into the upstreams' order, whichever was found out first."""
        for request, told in self.statuses.items():
            known = {name: told[name] for name in upstreams if name in told}
            self.statuses[request] = known | told


async def find_downs(lab: Lab, upstream: str, routes: Sequence[Called], into: Downs) -> None:
    """Ask each route that calls an upstream while that refuses: first calls, and later ones; and
    once while it answers with each of its refusals.
    """
    down, *refusals = await together(
        _asked(lab, upstream, routes, {"fault": "refused"}, _TIMES),
        *(_asked(lab, upstream, routes, refusing(status), 1) for status in REFUSALS),
    )
    for route in routes:
        note_answers(into, route.request, upstream, set(down[route.name]))
        for status, answered in zip(REFUSALS, refusals, strict=True):
            into.note_refusal(route.request, upstream, status, answered[route.name][0])


def refusing(status: str) -> dict[str, Any]:
    """An upstream that refuses with a status, as a scenario file says it."""
    return {"fault": "status", "status": int(status)}


async def _asked(
    lab: Lab, upstream: str, routes: Sequence[Called], fault: dict[str, Any], times: int
) -> dict[str, list[int | None]]:
    """What each route is answered while the upstream does something to whoever calls it."""
    traffic: dict[str, Any] = {}
    at_s = 1.0
    instants: dict[str, list[float]] = {route.name: [] for route in routes}
    for _ in range(times):
        for route in routes:
            instants[route.name].append(at_s)
            at_s += 0.2 if times > 1 and len(instants[route.name]) % 4 else _APART_S
    for route in routes:
        bursts = [f"1 at {one:.3f}s" for one in instants[route.name]]
        traffic[route.name] = {"addresses": times} | route.stream | {"count": bursts}
    raw = {
        "title": f"{upstream} is down",
        "duration": format_duration(round(at_s + _APART_S, 3)),
        "traffic": traffic,
        "faults": [{"upstream": upstream, **fault}],
    }
    scenario = Scenario.model_validate(raw).model_copy(update={"name": "down", "file": "down"})
    history = await lab.history(scenario)
    return {
        route.name: [request.status for request in history.stream(route.name)] for route in routes
    }


def note_answers(into: Downs, request: str, upstream: str, answered: set[int | None]) -> None:
    """What a route was answered while an upstream was down; None: nothing."""
    key = f"routes.{request}.when_down.{upstream}"
    own = into.statuses.setdefault(request, {})
    own[upstream] = None
    if len(answered) > 1 and answered <= set(OF_GATEWAYS):
        own[upstream] = tuple(sorted(status for status in answered if status is not None))
    elif len(answered) > 1:
        shown = ", ".join(str(status or "nothing") for status in sorted(answered, key=str))
        into.unknown[key] = f"it is not always the same: {shown}"
    elif None in answered:
        into.unknown[key] = "it is not answered at all"
    else:
        own[upstream] = answered.pop()
