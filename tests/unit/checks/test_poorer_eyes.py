"""Where a proxy shows connections only, or nothing, much of a breaker is left to guess."""

from __future__ import annotations

import pytest

from harness.engines.sim.engine import SimEngine
from harness.judge import judge
from harness.scenario.loader import parse_scenario
from harness.verdict import Verdict
from tests.agreement.holding import Reference
from tests.soundness.eyes import EYES
from tests.soundness.settings import Settings

_TEXT = """title: auth never answers
duration: 90s
traffic: {check: {request: GET /v1/api/auth/check, as: ada, rate: 1/s}}
faults: [{upstream: auth, fault: FAULT, from: 0s, to: 50s}]
expect: [{breaker: auth, opens: 60s ± 1s, probes: 80s ± 1s}]
"""


_BEHIND_BILLING = """
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
_WHICH_PROBE = """
duration: 70s
traffic:
  check: {request: GET /v1/api/auth/check, as: ada, rate: 3/s}
  history: {request: "GET /v1/api/project/{project}/history", as: ada, rate: 2/s}
faults:
  - upstream: auth
    fault: timeout
    timeout: 0s
    stream: downstream
    from: 10s
    to: 50s
    every: 10s
    for: 1s
expect: [{breaker: auth, probes: contract ± 1s}]
"""
_NOBODY_ASKS = """
duration: 75s
traffic:
  chat:
    request: POST /v1/api/chat
    json: {message: hello, project_id: "{project}"}
    as: bob
    rate: 3/s
faults:
  - {upstream: all, fault: refused, from: 0s, to: 60s, every: 4s, for: 2s}
  - {upstream: billing, fault: request_lost, from: 0s, to: 75s}
expect: [{breaker: chroma, opens: contract ± 1s, closes: contract ± 1s}]
"""


@pytest.mark.parametrize(
    ("text", "numbers", "by_call"),
    [
        pytest.param(
            _BEHIND_BILLING,
            {"auth": (1, 3, 7, 15), "chroma": (2, 5, 2, 20), "billing": (3, 1, 12, 3)},
            False,
            id="who may have waited for billing gives no attempt at chroma away",
        ),
        pytest.param(
            _WHICH_PROBE,
            {"auth": (1, 1, 2, 10), "git": (1, 1, 9, 10)},
            True,
            id="of two attempts at once either was the probe",
        ),
        pytest.param(
            _NOBODY_ASKS,
            {"auth": (1, 3, 1, 15), "chroma": (1, 5, 2, 45), "billing": (1, 1, 7, 3)},
            False,
            id="who may not have come so far shows no breaker to be closed",
        ),
    ],
)
def test_by_connections_a_sound_gateway_is_not_failed(
    simulation: SimEngine,
    text: str,
    numbers: dict[str, tuple[int, int, int, int]],
    by_call: bool,
) -> None:
    scenario, reference = parse_scenario(f"title: x{text}", "x"), Reference(simulation)
    own = Settings(numbers, by_call=by_call).target
    reference.target = own.model_copy(update={"status": None})
    shown = EYES["toxiproxy"].seen(reference.play(scenario))
    assert Verdict.FAILED not in {finding.verdict for finding in judge(scenario, shown).findings}


@pytest.mark.parametrize(
    ("fault", "eye", "verdict"),
    [
        ("blackhole", "stub", Verdict.INCONCLUSIVE),
        ("blackhole", "toxiproxy", Verdict.FAILED),
        ("status, status: 503", "stub", Verdict.FAILED),
    ],
)
def test_what_nobody_saw_is_not_held_against_a_breaker(
    simulation: SimEngine, fault: str, eye: str, verdict: Verdict
) -> None:
    scenario = parse_scenario(_TEXT.replace("FAULT", fault), "x")
    shown = EYES[eye].seen(Reference(simulation).play(scenario))
    assert {finding.verdict for finding in judge(scenario, shown).findings} == {verdict}
