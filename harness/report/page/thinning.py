"""What of a scene is told where there is too much of it: every failure, and a share of the rest.

A page stays usable up to `MOST_REQUESTS` in all its scenes. Beyond that, of the requests that were
answered well every k-th of a stream is told, with the attempts made for it; whatever isn't a plain
success, and what a finding names, is always told. The numbers of attempts in flight are those of
all attempts.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from harness.frozen import Frozen
from harness.history.events import Logged
from harness.history.requests import Request
from harness.report.scene import Scene, Try
from harness.verdict import Judgement, Verdict
from harness.wire.attempts import SUCCESS

MOST_REQUESTS = 100_000
MOST_LINES = 50_000
_WRONG = (Verdict.FAILED, Verdict.INCONCLUSIVE)


class Thinned(Frozen, kw_only=True):
    """What is told of a scene."""

    streams: Mapping[str, Sequence[Request]]
    tries: Mapping[str, Sequence[Try]]
    logs: Sequence[Logged]
    notes: tuple[str, ...] = ()
    """What is left out, in words."""


def thinned(
    plays: Sequence[tuple[Scene, Judgement]],
    most: int = MOST_REQUESTS,
    most_lines: int = MOST_LINES,
) -> list[Thinned]:
    """What is told of each play, so that all together have about so many requests and lines."""
    scenes = [scene for scene, _ in plays]
    every = _every(
        sum(scene.requests for scene in scenes), sum(_always(*play) for play in plays), most
    )
    lines = _every(
        sum(len(scene.logs) for scene in scenes),
        sum(bool(line.marks) for scene in scenes for line in scene.logs),
        most_lines,
    )
    return [_of_one(*play, every, lines) for play in plays]


def _every(total: int, always: int, most: int) -> int:
    """Of what need not be told each so many-th is, so that all in all it is `most`."""
    if total <= most:
        return 1
    return math.ceil((total - always) / max(1.0, most - always, most / 10))


def _always(scene: Scene, judgement: Judgement) -> int:
    named = _named(judgement)
    return sum(not _plain(r, scene, named) for own in scene.streams.values() for r in own)


def _named(judgement: Judgement) -> set[int]:
    """The requests that findings name."""
    wrong = (each for each in judgement.all_findings if each.verdict in _WRONG)
    return {request for finding in wrong for request in (*finding.examples, *finding.requests)}


def _plain(request: Request, scene: Scene, named: set[int]) -> bool:
    return request.well and request.id not in scene.turned_away and request.id not in named


def _of_one(scene: Scene, judgement: Judgement, every: int, lines: int) -> Thinned:
    named = _named(judgement)
    streams: dict[str, list[Request]] = {}
    for name, requests in scene.streams.items():
        plain = 0
        kept = streams[name] = []
        for request in requests:
            if not _plain(request, scene, named):
                kept.append(request)
                continue
            if plain % every == 0:
                kept.append(request)
            plain += 1
    told = {request.id for requests in streams.values() for request in requests}
    tries = {
        upstream.name: [each for each in upstream.tries if every == 1 or _kept(each, told)]
        for upstream in scene.upstreams
    }
    logs = [each for k, each in enumerate(scene.logs) if each.marks or k % lines == 0]
    return Thinned(
        streams=streams,
        tries=tries,
        logs=logs,
        notes=tuple(_notes(scene, every, len(told), lines, len(logs))),
    )


def _kept(each: Try, told: set[int]) -> bool:
    return each.request is None or each.request in told or each.attempt.results != SUCCESS


def _notes(scene: Scene, every: int, told: int, lines: int, kept: int) -> list[str]:
    notes = []
    if told < scene.requests:
        notes.append(
            f"{told:,} of {scene.requests:,} requests are drawn: of those that were answered 2xx "
            f"one in {every:,}, all others without exception. The counts are of all."
        )
    if kept < len(scene.logs):
        notes.append(
            f"{kept:,} of {len(scene.logs):,} log lines are here: all that the target file has "
            f"patterns for, and one in {lines:,} of the rest."
        )
    return notes
