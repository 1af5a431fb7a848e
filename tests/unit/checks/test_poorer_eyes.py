"""Where a proxy shows connections only, or nothing, much of a breaker is left to guess."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.contracts.policies import Adjustment
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


_BEHIND_BILLING = """title: chroma is down while billing's answers end early
duration: 90s
traffic:
  lookup: {request: GET /v1/api/lookup?q=x, as: [ada, bob], rate: 2/s}
  chat:
    request: POST /v1/api/chat
    json: {message: hello, project_id: "{project}"}
    as: [ada, bob]
    rate: 2/s
    count: 10 at 57.25s
faults:
  - {upstream: chroma, fault: kill, from: 2.5s, to: 78s}
  - upstream: auth
    fault: latency
    latency: 3s
    stream: downstream
    toxicity: 90%
    from: 5.25s
    to: 5.75s
  - {upstream: billing, fault: limit_data, bytes: 20B, stream: downstream, from: 0s, to: 50s}
expect: [{breaker: chroma, probes: contract ± 1s}]
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


def test_a_probe_that_only_a_wait_could_give_away_may_leave_no_trace(simulation: SimEngine) -> None:
    """Who may have waited for billing, whose answers end early, gives no attempt at chroma away."""
    scenario, reference = parse_scenario(_BEHIND_BILLING, "x"), Reference(simulation)
    assert reference.target.start is not None
    numbers = {
        "auth": {"attempts": 1, "timeout": 3, "threshold": 7, "wait": 15},
        "chroma": {"attempts": 2, "timeout": 5, "threshold": 2, "wait": 20},
        "billing": {"attempts": 3, "timeout": 1, "threshold": 12, "wait": 3},
    }
    seconds = {"timeout": "_S", "wait": "_S"}
    env = {
        f"{name}_{key}{seconds.get(key, '')}".upper(): str(value)
        for name, of in numbers.items()
        for key, value in of.items()
    }
    said = {
        name: Adjustment.model_validate(
            {key: f"{value}s" if key in seconds else value for key, value in of.items()}
        )
        for name, of in numbers.items()
    }
    start = reference.target.start.model_copy(update={"env": env})
    reference.target = reference.target.model_copy(update={"start": start, "breakers": said})
    played = reference.play(scenario).events
    evidence = ("stub", "proxy connections")
    shown = History([each for event in played if (each := _shown(event, evidence)) is not None])
    assert Verdict.FAILED not in {finding.verdict for finding in judge(scenario, shown).findings}


def _shown(event: Event, evidence: tuple[str, ...]) -> Event | None:
    """The same as a real Toxiproxy shows it, which tells of connections or of nothing."""
    if isinstance(event, Run):
        return replace(event, engine="local", proxy="toxiproxy 2.12.0", evidence=evidence)
    if not isinstance(event, Crossed):
        return event
    return event if event.what == "accepted" and "proxy connections" in evidence else None
