"""A scene as lanes of text: what was observed, and below it what was expected where they differ."""

from __future__ import annotations

from collections.abc import Iterator

from harness.lanes import Lane, Scale
from harness.report.scene.model import BreakerView, Scene
from harness.units import Range

_NO_ANSWER = "x"


def picture(scene: Scene, *, columns: int) -> tuple[Lane, ...]:
    """What was observed, each lane `columns` wide: the axis, faults, breakers, streams."""
    return (Scale(_length_s(scene), columns).axis(), *observed(scene, columns=columns))


def observed(scene: Scene, *, columns: int) -> Iterator[Lane]:
    """The lanes alone: faults, breakers that opened or were to open, and streams."""
    scale = Scale(_length_s(scene), columns)
    for band in scene.bands:
        hits = band.hits
        yield scale.fault(f"{hits.kind} {hits.subject}", hits.start_s, hits.end_s)
    for upstream in scene.upstreams:
        spells = open_spells(upstream.breaker, scene.end_s)
        if spells or (upstream.concerned and upstream.breaker.wanted.expected):
            yield scale.breaker(f"{upstream.name} breaker", spells)
    for name, views in scene.streams.items():
        marks = ((v.request.planned_s, v.outcome.replace("?", _NO_ANSWER)) for v in views)
        yield scale.answers(name, marks)


def open_spells(breaker: BreakerView, end_s: float) -> tuple[tuple[Range, Range], ...]:
    """When it wasn't closed: from each opening of a closed breaker to its next closing."""
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
    return tuple(found)


def _length_s(scene: Scene) -> float:
    return scene.scenario.duration
