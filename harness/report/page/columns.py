"""A scene as columns of numbers: what the page's script reads, small enough to be mailed.

Instants are whole tenths of a millisecond, those that grow as differences to the one before. Texts
that repeat are told once and named by their place in a list. Everything that a target, a stub or a
file said passes through `clean`.
"""

from __future__ import annotations

import json
import math
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from harness.history.requests import Request
from harness.policy.counting import Result
from harness.report.page.thinning import Thinned
from harness.report.scene import Scene, Try, UpstreamView
from harness.report.secrets import clean
from harness.scenario.traffic import Stream
from harness.units import Range
from harness.verdict import Finding, Judgement, Verdict

UNITS = 10_000
"""In a second."""
NONE = -1
_LONGEST_BODY = 2_000
_LONGEST_LINE = 400
_RESULTS = {Result.SUCCESS: "s", Result.FAILURE: "f", Result.NEUTRAL: "n"}

told = lru_cache(maxsize=8_192)(clean)
"""A text without secrets and commands; most are said many times."""


class Texts:
    """Texts, each told once; 0 is the empty one."""

    def __init__(self) -> None:
        self._places: dict[str, int] = {"": 0}

    def place(self, text: str | None) -> int:
        """Where a text stands in the list."""
        return self._places.setdefault(told(text or ""), len(self._places))

    def all(self) -> list[str]:
        """The list."""
        return list(self._places)


def units(at_s: float) -> int:
    """An instant or a duration as the page counts them; -1 for what never was."""
    return round(at_s * UNITS) if math.isfinite(at_s) else NONE


def steps(values: Iterable[int]) -> list[int]:
    """Each value as the difference to the one before."""
    found, before = [], 0
    for value in values:
        found.append(value - before)
        before = value
    return found


def scene_json(scene: Scene, judgement: Judgement, thinned: Thinned) -> dict[str, Any]:
    """A play for the page, of which `thinned` says which requests and lines are told."""
    texts = Texts()
    requests = [request for own in thinned.streams.values() for request in own]
    places = {request.id: k for k, request in enumerate(requests)}
    return {
        "end": units(scene.end_s),
        "duration": units(scene.scenario.duration),
        "streams": [_stream(name, scene.scenario.traffic.get(name)) for name in thinned.streams],
        "requests": _requests(scene, requests, list(thinned.streams), texts),
        "faults": [
            {
                "n": band.hits.fault,
                "kind": band.hits.kind,
                "on": told(band.hits.subject),
                "upstreams": list(band.upstreams),
                "at": [units(band.hits.start_s), units(min(band.hits.end_s, scene.end_s))],
                "spells": [
                    [units(start_s), units(min(end_s, scene.end_s))]
                    for start_s, end_s in band.hits.spells
                ],
                "planned": [units(each) for each in band.planned_s],
                "met": band.hits.words,
                "note": told(band.hits.note),
            }
            for band in scene.bands
        ],
        "upstreams": [
            _upstream(each, scene, thinned.tries[each.name], places, texts)
            for each in scene.upstreams
        ],
        "charges": {
            "at": steps(units(each.at_s) for each in scene.charges),
            "user": [texts.place(each.user_id) for each in scene.charges],
            "cost": [round(each.cost, 6) for each in scene.charges],
            "again": [int(each.duplicate) for each in scene.charges],
            "job": [texts.place(each.job_id) for each in scene.charges],
        },
        "logs": {
            "at": steps(units(each.at_s) for each in thinned.logs),
            "line": [texts.place(each.line[:_LONGEST_LINE]) for each in thinned.logs],
            "from": [texts.place(each.source) for each in thinned.logs],
            "marks": [texts.place(" ".join(each.marks)) for each in thinned.logs],
            "upstream": [texts.place(each.upstream) for each in thinned.logs],
        },
        "veils": [
            [units(each.start_s), units(each.end_s), units(each.wait_s), told(each.words)]
            for each in scene.veils
        ],
        "troubles": [[units(at_s), told(what)] for at_s, what in scene.troubles],
        "findings": [
            *(finding_json(each, places, promised=False) for each in judgement.findings),
            *(finding_json(each, places, promised=True) for each in judgement.promises),
        ],
        "thinned": [told(note) for note in thinned.notes],
        "texts": texts.all(),
    }


def _stream(name: str, stream: Stream | None) -> dict[str, Any]:
    """What a request of it is, for a curl command; placeholders stay as the author wrote them."""
    if stream is None:
        return {"name": name, "request": "", "body": "", "headers": [], "with": "nothing"}
    body = stream.body if stream.body is not None else ""
    if stream.json_ is not None:
        body = json.dumps(stream.json_, ensure_ascii=False)
    headers: Any = stream.headers
    pairs = headers.items() if isinstance(headers, dict) else headers
    return {
        "name": told(name),
        "request": told(stream.request),
        "body": told(body[:_LONGEST_BODY]),
        "json": stream.json_ is not None,
        "headers": [told(f"{key}: {value}") for key, value in pairs],
        "with": stream.with_ if stream.as_ is not None else "nothing",
    }


def _requests(
    scene: Scene, requests: Sequence[Request], streams: Sequence[str], texts: Texts
) -> dict[str, Any]:
    order = {name: k for k, name in enumerate(streams)}
    names = {each.name: k for k, each in enumerate(scene.upstreams)}
    away = scene.turned_away
    return {
        "id": steps(each.id for each in requests),
        "stream": [order[each.stream] for each in requests],
        "number": steps(each.number for each in requests),
        "at": steps(units(each.at_s) for each in requests),
        "late": [units(each.at_s - each.planned_s) for each in requests],
        "tried": [each.tried for each in requests],
        "took": [units(each.known_s - each.at_s) for each in requests],
        "status": [_status(each) for each in requests],
        "route": [texts.place(f"{each.method} {each.path}") for each in requests],
        "user": [texts.place(each.user) for each in requests],
        "error": [texts.place(_error(each)) for each in requests],
        "body": [texts.place(_body(each)) for each in requests],
        "headers": [texts.place(_headers(each)) for each in requests],
        "away": [
            sum(1 << names[name] for name in away.get(each.id, ()) if name in names)
            for each in requests
        ],
    }


def _status(request: Request) -> int:
    """0 for no HTTP answer, -1 where the run ended first."""
    ended = request.unanswered and request.hung_up_s is None
    return NONE if ended else request.status or 0


def _error(request: Request) -> str | None:
    if request.hung_up_s is not None:
        return "its client hung up"
    return request.error


def _body(request: Request) -> str:
    body = request.body
    if body is None or body == "":
        return ""
    text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
    return text if len(text) <= _LONGEST_BODY else f"{text[:_LONGEST_BODY]}… (cut)"


def _headers(request: Request) -> str:
    return "\n".join(f"{name}: {value}" for name, value in request.headers)[:_LONGEST_BODY]


def _upstream(
    upstream: UpstreamView,
    scene: Scene,
    tries: Sequence[Try],
    places: dict[int, int],
    texts: Texts,
) -> dict[str, Any]:
    own = upstream.breaker
    return {
        "name": told(upstream.name),
        "concerned": upstream.concerned,
        "settings": upstream.settings,
        "promised": upstream.promised,
        "changes": [
            [each.state, units(each.at_s), units(each.error_s), told(each.evidence)]
            for each in own.changes
        ],
        "perhaps": [_span(span) for span in own.perhaps_open],
        "reported": [
            [told(each.state), units(each.since_s), units(each.at_s)] for each in own.reported
        ],
        "brackets": [
            [each.what, int(each.sure), [_span(span) for span in each.ranges]]
            for each in own.wanted.expected
        ],
        "never": list(own.wanted.never),
        "causes": [told(each) for each in own.causes],
        "conflicts": [told(each) for each in own.conflicts],
        "flight": _flight(upstream.tries),
        "tries": {
            "at": steps(units(each.attempt.start_s) for each in tries),
            "took": [units(each.until_s - each.attempt.start_s) for each in tries],
            "from": [_unsure(each) for each in tries],
            "result": [texts.place(_results(each)) for each in tries],
            "status": [each.attempt.status or 0 for each in tries],
            "number": [NONE if each.number is None else each.number for each in tries],
            "request": [NONE if each.request is None else places.get(each.request, NONE)
                        for each in tries],
            "route": [texts.place(each.attempt.route) for each in tries],
            "seen": [texts.place(each.attempt.source) for each in tries],
            "met": [texts.place(" ".join(map(str, each.met))) for each in tries],
        },
    }  # fmt: skip


def _unsure(each: Try) -> int:
    """By how much it may have been over before `until_s`; nothing where it was seen to last."""
    attempt = each.attempt
    return (
        0 if each.until_s > attempt.end_s else units(max(0.0, each.until_s - attempt.ends_from_s))
    )


def _span(span: Range) -> list[int]:
    return [units(span.low), units(span.high)]


def _results(each: Try) -> str:
    return "".join(sorted(_RESULTS[result] for result in each.attempt.results))


_MOST_CHANGES = 4_000


def _flight(tries: Sequence[Try]) -> list[list[int]]:
    """How many attempts are under way: instants as steps, and the number from then on.

    Of very many changes the highest number in each of equal parts of the time is kept.
    """
    begins = array("q", sorted(units(each.attempt.start_s) for each in tries))
    ends = array(
        "q",
        sorted(units(each.until_s) for each in tries if math.isfinite(each.until_s)),
    )
    at, count = array("q"), array("q")
    begun = ended = 0
    while begun < len(begins) or ended < len(ends):
        instant = min((*begins[begun : begun + 1], *ends[ended : ended + 1]))
        begun = bisect_right(begins, instant, begun)
        ended = bisect_right(ends, instant, ended)
        at.append(instant)
        count.append(begun - ended)
    if len(at) > _MOST_CHANGES:
        highest_at, highest = _highest(at, count)
        return [steps(highest_at), highest]
    return [steps(at), list(count)]


def _highest(at: Sequence[int], count: Sequence[int]) -> tuple[list[int], list[int]]:
    width = max(1, (at[-1] - at[0]) // _MOST_CHANGES)
    parts: dict[int, int] = {}
    for instant, number in zip(at, count, strict=True):
        part = (instant - at[0]) // width
        parts[part] = max(parts.get(part, 0), number)
    return [at[0] + part * width for part in parts], list(parts.values())


def _shown_by(finding: Finding) -> tuple[int, ...]:
    """The requests that stand out for it: all that show what is wrong, few that show what holds."""
    passed = finding.verdict is Verdict.PASSED
    return finding.examples if passed or not finding.requests else finding.requests


def finding_json(finding: Finding, places: Mapping[int, int], *, promised: bool) -> dict[str, Any]:
    """A finding, with the places of the requests that show it."""
    return {
        "name": told(finding.name),
        "verdict": finding.verdict.value,
        "claims": list(finding.claims),
        "expected": told(finding.expected),
        "observed": told(finding.observed),
        "evidence": told(finding.evidence),
        "because": told(finding.because or ""),
        "promised": promised,
        "known": ""
        if finding.known is None
        else told(f"until {finding.known.until}: {finding.known.because}"),
        "line": finding.line or 0,
        "at": NONE if finding.at_s is None else units(finding.at_s),
        "requests": steps(sorted(places[each] for each in _shown_by(finding) if each in places)),
    }
