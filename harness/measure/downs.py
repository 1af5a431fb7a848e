"""What each route answers while an upstream is down, that is, refuses every connection."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.measure.lab import Lab
from harness.measure.routes import Called
from harness.scenario.model import Scenario
from harness.units import format_duration

Answer = int | tuple[int, ...] | None
"""One status, or several that are all a gateway's own words; None is unknown."""
OF_GATEWAYS = (502, 503, 504)
"""What a gateway answers by whichever way an upstream fails."""
_APART_S = 120.0
"""Between two requests: longer than nearly any call takes."""
_TIMES = 8
"""So often each route is asked, so that it is asked of an open breaker, too."""


@dataclass(slots=True, kw_only=True)
class Downs:
    """What routes answer while an upstream is down, by route and upstream."""

    statuses: dict[str, dict[str, Answer]] = field(default_factory=dict)
    unknown: dict[str, str] = field(default_factory=dict)

    def sort(self, upstreams: Sequence[str]) -> None:
        """Put what each route answers into the upstreams' order, whichever was found out first."""
        for request, told in self.statuses.items():
            known = {name: told[name] for name in upstreams if name in told}
            self.statuses[request] = known | told


async def find_downs(lab: Lab, upstream: str, routes: Sequence[Called], into: Downs) -> None:
    """Ask each route that calls an upstream while that refuses: first calls, and later ones."""
    traffic: dict[str, Any] = {}
    at_s = 1.0
    instants: dict[str, list[float]] = {route.name: [] for route in routes}
    for _ in range(_TIMES):
        for route in routes:
            instants[route.name].append(at_s)
            at_s += 0.2 if len(instants[route.name]) % 4 else _APART_S
    for route in routes:
        bursts = [f"1 at {one:.3f}s" for one in instants[route.name]]
        traffic[route.name] = {"addresses": _TIMES} | route.stream | {"count": bursts}
    raw = {
        "title": f"{upstream} is down",
        "duration": format_duration(round(at_s + _APART_S, 3)),
        "traffic": traffic,
        "faults": [{"upstream": upstream, "fault": "refused"}],
    }
    scenario = Scenario.model_validate(raw).model_copy(update={"name": "down", "file": "down"})
    history = await lab.history(scenario)
    for route in routes:
        answered = {request.status for request in history.stream(route.name)}
        note_answers(into, route.request, upstream, answered)


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
