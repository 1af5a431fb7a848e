"""The page's text: a template, the packed scenes, and the assets."""

from __future__ import annotations

import base64
import json
import zlib
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from harness.report.outcome import Outcome, Shown
from harness.report.page import assets
from harness.report.page.columns import finding_json, scene_json, told
from harness.report.page.live import Live
from harness.report.page.overview import MARKS, keys_of, overview
from harness.report.page.thinning import Thinned, thinned
from harness.report.secrets import clean
from harness.report.totals import busy_line, words

_TEMPLATE = "page.html.j2"


def report_html(outcome: Outcome) -> str:
    """The text of `report.html`."""
    shown = outcome.shown
    plays = [(each.scene, each.judgement) for each in shown if each.scene is not None]
    kept = iter(thinned(plays))
    keys = keys_of([each.judgement for each in shown])
    packed_scenes = [
        (key, Markup(packed(scene_of(each, next(kept) if each.scene is not None else None))))
        for key, each in zip(keys, shown, strict=True)
    ]
    return _page(outcome, packed_scenes, None)


def live_html(outcome: Outcome, live: Live) -> str:
    """The same page of a run that goes on: it asks for scenes, and for what is new."""
    return _page(outcome, [], live)


def scene_text(shown: Shown, *, playing: str = "") -> str:
    """One scenario's scene as the page holds it; `playing` says how far one without verdict is."""
    scene = shown.scene
    kept = None if scene is None else thinned([(scene, shown.judgement)])[0]
    found = scene_of(shown, kept)
    if playing:
        found |= {"verdict": "playing", "findings": [], "notes": [told(playing)]}
    return packed(found)


def _page(outcome: Outcome, scenes: list[tuple[str, Markup]], live: Live | None) -> str:
    judgements = [each.judgement for each in outcome.shown]
    return environment().get_template(_TEMPLATE).render(
        outcome=outcome,
        overview=overview(outcome, live),
        totals=outcome.totals,
        busy=busy_line(outcome.judgements),
        scenes=scenes,
        key_of={each.name: key for key, each in zip(keys_of(judgements), judgements, strict=True)},
        live=live,
        marks=MARKS,
        words=words,
        policy=Markup(assets.policy("report" if live is None else "live")),
        script=Markup(assets.script("report" if live is None else "live")),
        style=Markup(assets.style()),
    )  # fmt: skip


def packed(found: Any) -> str:
    """JSON, deflated, as text that no page can take for markup."""
    text = json.dumps(found, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return base64.b64encode(zlib.compress(text.encode("utf-8", "replace"), 9)).decode("ascii")


def scene_of(shown: Shown, kept: Thinned | None) -> dict[str, Any]:
    """One scenario as the page reads it, with what is kept of its scene."""
    judgement = shown.judgement
    head = {
        "name": told(judgement.name),
        "title": told(judgement.title),
        "file": told(judgement.file),
        "verdict": judgement.verdict.value,
        "replays": "" if shown.scene is None else told(shown.scene.scenario.replays or ""),
        "late": [round(judgement.lateness_ms.get(each, 0.0), 1) for each in ("p50", "p99", "max")],
        "plays": judgement.plays,
        "findings": [
            *(finding_json(each, {}, promised=False) for each in judgement.findings),
            *(finding_json(each, {}, promised=True) for each in judgement.promises),
        ],
        "notes": [told(note) for note in (*judgement.notes, *judgement.silent)],
    }
    return (
        head
        if shown.scene is None or kept is None
        else head | scene_json(shown.scene, judgement, kept)
    )


def environment() -> Environment:
    """Templates, in which every text is escaped and without secrets."""
    found = Environment(
        loader=FunctionLoader(assets.read),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: clean(value) if type(value) is str else value,
    )
    return found
