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
    assert reference.target.start is not None
    env = {"GATEWAY_PROFILE": "per_call"} if by_call else {}
    said = {}
    for name, (attempts, timeout, threshold, wait) in numbers.items():
        given = (attempts, timeout, threshold, wait)
        keys = ("ATTEMPTS", "TIMEOUT_S", "THRESHOLD", "WAIT_S")
        env |= {f"{name.upper()}_{key}": str(value) for key, value in zip(keys, given, strict=True)}
        said[name] = Adjustment.model_validate(
            {"attempts": attempts, "timeout": f"{timeout}s", "threshold": threshold,
             "wait": f"{wait}s"} | ({"by": "call"} if by_call else {})
        )  # fmt: skip
    start = reference.target.start.model_copy(update={"env": env})
    reference.target = reference.target.model_copy(update={"start": start, "breakers": said})
    shown = _seen(reference.play(scenario), ("stub", "proxy connections"))
    assert Verdict.FAILED not in {finding.verdict for finding in judge(scenario, shown).findings}


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
    shown = _seen(Reference(simulation).play(scenario), evidence)
    assert {finding.verdict for finding in judge(scenario, shown).findings} == {verdict}


def _seen(played: History, evidence: tuple[str, ...]) -> History:
    """The same as a real Toxiproxy shows it, which tells of connections or of nothing."""
    shown: list[Event] = []
    told = ("accepted",) if "proxy connections" in evidence else ()
    for event in played.events:
        if isinstance(event, Run):
            proxy = "toxiproxy 2.12.0"
            shown.append(replace(event, engine="local", proxy=proxy, evidence=evidence))
        elif not isinstance(event, Crossed) or event.what in told:
            shown.append(event)
    return History(shown)
