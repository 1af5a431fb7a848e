"""Experiments by another route of the same upstream, in the simulation."""

from __future__ import annotations

import math
from collections.abc import Sequence

from msgspec.structs import replace

from harness.engines.tasks import together
from harness.measure.another import COMPARED, Another, note_others, others_of
from harness.measure.bench import Bench
from harness.measure.calls import duration_s, meet
from harness.measure.experiment import KINDS
from harness.measure.findings import RESOLUTION_S, Findings, Span
from harness.measure.reading import Seen
from harness.measure.routes import Called
from harness.measure.signs import Opened, opened_in

_MOST = 3
"""So many other routes are asked."""


async def find_elsewhere(bench: Bench, opened: Opened | None, routes: Sequence[Called]) -> None:
    """Compare what was found with what calls of other routes do."""
    chosen = others_of(routes, bench.upstream, _MOST)
    others = await together(*(_asked(bench, opened, route) for route in chosen))
    tries = {kind: len(one.tries) for kind, one in bench.first.items()}
    note_others(bench.findings, bench.route, tries, others)


async def _asked(bench: Bench, opened: Opened | None, route: Called) -> Another:
    own = replace(
        bench, route=route, findings=Findings(upstream=bench.upstream), lasts_s={}, tries={},
        first={},
    )  # fmt: skip
    own.lasts_s[None] = route.lasts_s + 0.01
    kinds = COMPARED if opened is None else tuple(dict.fromkeys((*COMPARED, opened.kind)))
    seen = await together(*(meet(own, KINDS[kind]) for kind in kinds))
    for kind, reading in zip(kinds, seen, strict=True):
        one = reading.seen[-1]
        own.tries[kind] = len(one.tries)
        own.lasts_s[kind] = one.latency_s + 0.01
        if kind == "timeout":
            own.findings.timeout = _silent(one)
    found = Another(route=route, timeout=own.findings.timeout)
    found.tries = {kind: own.tries[kind] for kind in COMPARED if own.tries[kind]}
    if opened is not None:
        found.let_through = await _let_through(bench, opened, route)
        found.alike = found.let_through and await _opens_alike(own, opened)
    return found


def _silent(one: Seen) -> Span | None:
    """How long attempts that hear nothing are waited for; None where it is for ever."""
    lasting = [duration_s(one, index) for index in range(len(one.tries))]
    if not lasting or not any(own.left for own in one.tries) or math.isinf(one.end_s):
        return None
    return Span(low_s=min(lasting) - RESOLUTION_S, high_s=max(lasting) + RESOLUTION_S)


async def _let_through(bench: Bench, opened: Opened, route: Called) -> bool:
    """Whether a route calls the upstream when the breaker has just opened by the first one's."""
    experiment = opened.again.experiment()
    at_s = opened.again.now_s
    asked = replace(experiment, then=(route.stream, at_s), lasts_s=at_s + route.lasts_s + 60.0)
    reading = await bench.lab.play(asked, lead_s=bench.route.lead_s(bench.upstream))
    return bool(reading.seen[-1].tries)


async def _opens_alike(own: Bench, opened: Opened) -> bool:
    """Whether as many calls of another route open what is in its way."""
    if opened.last_tries:
        if math.isinf(own.lasts_s[opened.kind]):
            return False
        course = own.course().call(*[opened.kind] * (opened.calls + 1))
        seen = opened_in(own, opened.kind, await own.play(course))
        return seen is not None and seen[0] == opened.calls
    course = replace(opened.again, stream=own.route.stream)
    course.look(course.now_s)
    return not (await own.play(course)).seen[-1].tries
