"""Behind a proxy that shows nothing, a fault that keeps calls from a stub leaves but guesses."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.engines.sim.engine import SimEngine
from harness.history.events import Crossed, Event, Run
from harness.history.view import History
from harness.judge import judge
from harness.scenario.loader import parse_scenario
from harness.verdict import Verdict
from tests.agreement.holding import Reference

_TEXT = """title: auth never answers
duration: 90s
traffic: {check: {request: GET /v1/api/auth/check, as: ada, rate: 1/s}}
faults: [{upstream: auth, fault: FAULT, from: 0s, to: 50s}]
expect: [{breaker: auth, opens: 60s ± 1s, probes: 80s ± 1s}]
"""


@pytest.mark.parametrize(
    ("fault", "evidence", "verdict"),
    [
        ("blackhole", ("stub",), Verdict.INCONCLUSIVE),
        ("blackhole", ("stub", "proxy connections"), Verdict.FAILED),
        ("status, status: 503", ("stub",), Verdict.FAILED),
    ],
)
def test_what_nobody_saw_is_not_held_against_a_breaker(
    simulation: SimEngine, fault: str, evidence: tuple[str, ...], verdict: Verdict
) -> None:
    scenario = parse_scenario(_TEXT.replace("FAULT", fault), "x")
    played = Reference(simulation).play(scenario).events
    shown = History([each for event in played if (each := _shown(event, evidence)) is not None])
    assert {finding.verdict for finding in judge(scenario, shown).findings} == {verdict}


def _shown(event: Event, evidence: tuple[str, ...]) -> Event | None:
    """The same as a real Toxiproxy shows it, which tells of connections or of nothing."""
    if isinstance(event, Run):
        return replace(event, engine="local", proxy="toxiproxy 2.12.0", evidence=evidence)
    if not isinstance(event, Crossed):
        return event
    return event if event.what == "accepted" and "proxy connections" in evidence else None
