"""Holds what the reference gateway did in a simulation against what the contract's arithmetic says.

Its own log says to the millisecond when its breakers opened, probed and closed; who was turned away
is read off the wire: answered at once, beside such a line, without an attempt.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from harness.contract import Forecast, Moment, Prediction
from harness.contract.prediction import predict
from harness.engines.base import Job
from harness.engines.sim.engine import SimEngine
from harness.history.events import Logged
from harness.history.requests import Request
from harness.history.view import History
from harness.judge import judge
from harness.scenario.loader import parse_scenario
from harness.scenario.model import Scenario
from harness.target.loading import bundled
from harness.timeline import compile_timeline
from harness.verdict import Verdict
from tests.agreement.timelines import STREAMS

_NAMES = {
    "auth": "Auth",
    "filesystem": "Filesystem",
    "chroma": "Chroma",
    "billing": "Billing",
    "git": "Git",
    "external_data": "External Data",
}
_LINES = {
    "opens": re.compile(r"Circuit breaker OPEN .* - (.+) Server"),
    "probes": re.compile(r"Circuit breaker entering HALF_OPEN state .* - (.+) Server"),
    "closes": re.compile(r"Circuit breaker CLOSED .* - (.+) Server"),
    "rejects": re.compile(r": (.+) service unavailable \(circuit breaker open\)"),
}
_TOLERANCE_S = 0.05
_AT_ONCE_S = 0.2
_FEW_RUNS = 10
"""Most agree with what few runs allow: more are computed only for the others."""
Seen = dict[str, dict[str, list[float]]]


class Reference:
    """The reference gateway in a simulation."""

    def __init__(self, engine: SimEngine) -> None:
        target = bundled("reference")
        assert target is not None
        self.target = target.model_copy(update={"status": None})
        self._engine = engine

    def play(self, scenario: Scenario, seed: int = 0) -> History:
        """Play a scenario; the same seed gives the same history."""
        with tempfile.TemporaryDirectory(prefix="outage-agreement-") as folder:
            job = Job(
                scenario=scenario,
                timeline=compile_timeline(scenario),
                target=self.target,
                seed=seed,
                folder=Path(folder),
            )
            return History(self._engine.play_now(job))


def judging(engine: SimEngine, text: str, played_as: str) -> Callable[[str], Verdict]:
    """The verdict of a scenario's first expectation, written in place of EXPECTED, upon one play of
    it. `played_as`: what stands there while it is played.
    """
    history = Reference(engine).play(parse_scenario(text.replace("EXPECTED", played_as), "x"))

    def judged(said: str) -> Verdict:
        scenario = parse_scenario(text.replace("EXPECTED", said), "x")
        return judge(scenario, history).findings[0].verdict

    return judged


def disagreements(reference: Reference, raw: dict[str, Any]) -> list[str]:
    """What the reference did that the prediction doesn't allow, in words."""
    scenario = Scenario.model_validate({**raw, "expect": [{"never": {"status": 599}}]})
    history = reference.play(scenario)
    if history.troubles:
        return [f"trouble: {history.troubles[0]}"]
    seen = _told(history, scenario.duration)
    few = _differences(scenario, predict(scenario, runs=_FEW_RUNS), history, seen)
    return _differences(scenario, predict(scenario), history, seen) if few else []


def _differences(scenario: Scenario, forecast: Forecast, history: History, seen: Seen) -> list[str]:
    found: list[str] = []
    for upstream in _NAMES:
        predicted = forecast.of(upstream)
        found += [f"{upstream}: {what}" for what in _apart(predicted, seen[upstream])]
        found += [
            f"{upstream}: {what}"
            for what in _rejections(predicted, history, seen[upstream]["rejects"], scenario)
        ]
    return found


def _told(history: History, end_s: float) -> Seen:
    seen: Seen = {name: {what: [] for what in _LINES} for name in _NAMES}
    by_word = {word: name for name, word in _NAMES.items()}
    for event in history.events:
        if not isinstance(event, Logged) or not 0 <= event.at_s < end_s:
            continue
        for what, pattern in _LINES.items():
            if (match := pattern.search(event.line)) and match[1] in by_word:
                seen[by_word[match[1]]][what].append(event.at_s)
    return seen


def _apart(predicted: Prediction, seen: dict[str, list[float]]) -> Iterator[str]:
    pairs = (
        ("opens", predicted.opening_moments),
        ("probes", predicted.probe_moments),
        ("closes", predicted.closing_moments),
    )
    for what, moments in pairs:
        instants = seen[what]
        told = ", ".join(map(str, moments)) or "never"
        sure = sum(moment.sure for moment in moments)
        if not sure <= len(instants) <= len(moments) or not all(map(_allowed, moments, instants)):
            yield f"{what} {_list(instants)}, expected {told}"


def _allowed(moment: Moment, at_s: float) -> bool:
    return moment.allows(at_s, _TOLERANCE_S)


def _rejections(
    predicted: Prediction, history: History, lines: list[float], scenario: Scenario
) -> Iterator[str]:
    """Of streams that nothing else than this upstream holds up: those can be told by their time."""
    upstream = predicted.upstream
    crossed = sorted(
        c.at_s for c in history.crossings if c.upstream == upstream and c.what != "unanswered"
    )
    sure: dict[str, int] = {}
    possible: dict[str, int] = {}
    for request in history.requests:
        stream, number = request.stream, request.number
        calls = set(STREAMS[stream][0])
        alone = calls & set(scenario.faulted_upstreams) == {upstream}
        if number and alone and _maybe_turned_away(request, lines):
            possible.setdefault(stream, number)
            if not _within(request, crossed):
                sure.setdefault(stream, number)
    for stream, number in sure.items():
        spans = predicted.first_rejection.get(stream, ())
        if not any(span.low <= number and possible[stream] <= span.high for span in spans):
            told = " or ".join(f"#{span.low:g}..#{span.high:g}" for span in spans) or "none"
            yield f"first rejection of {stream} #{number}, expected {told}"


def _maybe_turned_away(request: Request, lines: list[float]) -> bool:
    return request.end_s - request.at_s < _AT_ONCE_S and _within(request, lines)


def _within(request: Request, instants: list[float]) -> bool:
    return any(request.at_s <= at_s <= request.end_s for at_s in instants)


def _list(instants: list[float]) -> str:
    return ", ".join(f"{at_s:.2f}" for at_s in instants) or "never"
