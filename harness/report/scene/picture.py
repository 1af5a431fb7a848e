"""A scene as lanes of text: what was observed, and below it what was expected where they differ.

Expected is what the contract says of the scenario with the target's own settings, as
`outage predict --target` draws it; where the contract says nothing, nothing is drawn.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from harness.contract.picture import predicted
from harness.lanes import Lane, Scale
from harness.report.scene.model import BreakerView, Scene
from harness.units import Range

EXPECTED = "  expected"
"""How a lane is labelled that belongs to the one above it."""
_NO_ANSWER = "x"
_EITHER = "? ·"
"""Marks that demand nothing."""


def picture(scene: Scene, *, columns: int) -> tuple[Lane, ...]:
    """The axis, faults, breakers and streams, each `columns` wide, beside what was expected."""
    scale = Scale(scene.scenario.duration, columns)
    wanted = (
        {}
        if scene.forecast is None
        else {(each.kind, each.label): each for each in predicted(scene.forecast, scale)}
    )
    lanes = [scale.axis()]
    for lane in observed(scene, scale):
        lanes.append(lane)
        other = wanted.pop((lane.kind, lane.label), None)
        if other is not None and _differ(lane, other):
            lanes.append(replace(other, label=EXPECTED))
    return tuple(lanes)  # fmt: skip


def observed(scene: Scene, scale: Scale) -> Iterator[Lane]:
    """Faults, the breakers that opened or were to open, and streams."""
    for band in scene.bands:
        hits = band.hits
        times = hits.spells or ((hits.start_s, hits.end_s),)
        yield scale.fault(f"{hits.kind} {hits.subject}", *times)
    for upstream in scene.upstreams:
        spells = open_spells(upstream.breaker, scene.end_s)
        if spells or (upstream.concerned and upstream.breaker.wanted.expected):
            yield scale.breaker(f"{upstream.name} breaker", spells)
    for name, requests in scene.streams.items():
        marks = ((r.planned_s, r.outcome.replace("?", _NO_ANSWER)) for r in requests)
        yield scale.answers(name, marks)


def open_spells(breaker: BreakerView, end_s: float) -> tuple[tuple[Range, Range], ...]:
    """When it wasn't closed, or may not have been: from each opening to its next closing."""
    found: list[tuple[Range, Range]] = []
    begun: Range | None = None
    for spell in breaker.spells(end_s):
        if spell.state == "closed":
            if begun is not None:
                found.append((begun, spell.start))
            begun = None
        elif begun is None:
            begun = spell.start
    if begun is not None:
        found.append((begun, Range(end_s, end_s)))
    found += ((span, Range(span.high, span.high)) for span in breaker.perhaps_open)
    return tuple(found)


def _differ(lane: Lane, wanted: Lane) -> bool:
    return any(
        one != other and one not in _EITHER and other not in _EITHER
        for one, other in zip(lane.marks, wanted.marks, strict=True)
    )
