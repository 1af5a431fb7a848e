"""Faults that hit nobody, played: never green, and the words say what happened instead."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.engines.base import Job
from harness.engines.sim.engine import SimEngine
from harness.history.lines import from_json, to_json
from harness.judge import judge
from harness.scenario.loader import parse_scenario
from harness.target.loading import load_target
from harness.timeline import compile_timeline
from harness.verdict import Judgement, Verdict

_SCENARIO = """
title: a fault that may hit nobody
duration: 20s
traffic:
  chat: {{request: POST /v1/api/chat, json: {{message: hello, project_id: "{{project}}"}}, as: ada,
          rate: {rate}}}
faults: [{faults}]
expect: [{{never: {{status: 5xx}}}}]
"""


def play(engine: SimEngine, faults: str, folder: Path, rate: str = "1/s") -> Judgement:
    scenario = parse_scenario(_SCENARIO.format(faults=faults, rate=rate), "missed.yaml")
    job = Job(
        scenario=scenario,
        timeline=compile_timeline(scenario),
        target=load_target("reference"),
        folder=folder,
    )
    return judge(scenario, engine.play_now(job))


@pytest.mark.parametrize(
    ("faults", "words"),
    [
        ("{upstream: billing, fault: status, status: 503, on: GET /health, to: 8s}",
         "called meanwhile: GET /balance/ada 8x, POST /deduct 8x"),
        ("{upstream: billing, fault: status, status: 503, calls: 400..500}",
         "40 calls came in 0s..20s, and none was one of those that it picks"),
        ("{upstream: billing, fault: status, status: 503, share: 0.1%}",
         "40 calls came in 0s..20s, and none was one of those that it picks"),
        ("{upstream: billing, fault: truncate, after: 10KB}",
         "no body was longer than 10000 B, so each arrived whole"),
        ("{upstream: auth, fault: revoke, user: bob}",
         "no request that calls auth as bob was sent in 0s..20s"),
    ],
)  # fmt: skip
def test_a_fault_that_hit_nobody_is_never_green(
    faults: str, words: str, simulation: SimEngine, tmp_path: Path
) -> None:
    judgement = play(simulation, faults, tmp_path)

    (missed,) = [each for each in judgement.findings if "meets a call" in each.name]
    assert words in missed.observed
    assert judgement.faults[0].met == 0
    assert judgement.verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize(
    ("faults", "met"),
    [
        ("{upstream: billing, fault: status, status: 503, on: GET /balance, first: 3}", [3]),
        ("{upstream: auth, fault: revoke, user: ada, from: 2s, to: 5s}", [3]),
        ("{upstream: auth, fault: refused, from: 0s, to: 15s}", [5]),
        ("{upstream: auth, fault: unanswered, from: 0s, to: 1s}", [1]),
        ("{upstream: auth, fault: kill, from: 0s, to: 15s}", [5]),
        ("{upstream: billing, fault: pause, from: 3s, to: 4s}", [1]),
        # The open breaker turns away whom the second fault would have met.
        ("{upstream: auth, fault: status, status: 503, to: 3s},"
         "{upstream: auth, fault: delay, delay: 1s, from: 10s}", [5, 0]),
    ],
)  # fmt: skip
def test_faults_count_the_calls_that_they_met(
    faults: str, met: list[int], simulation: SimEngine, tmp_path: Path
) -> None:
    judgement = play(simulation, faults, tmp_path)

    assert [each.met for each in judgement.faults] == met
    assert not [each for each in judgement.findings if "meets a call" in each.name]


def test_a_window_leaves_out_its_end_in_the_run_as_in_the_history(
    simulation: SimEngine, tmp_path: Path
) -> None:
    scenario = parse_scenario(
        """
title: windows leave out their end
duration: 34s
traffic: {check: {request: GET /v1/api/auth/check, as: ada, rate: 1/s}}
faults: [{upstream: auth, fault: json, json: {valid: false}, from: 0s, to: 30s}]
expect: [{during: 0s..30s, traffic: check, status: 401}]
""",
        "window.yaml",
    )
    job = Job(
        scenario=scenario,
        timeline=compile_timeline(scenario),
        target=load_target("reference"),
        folder=tmp_path,
    )
    events = simulation.play_now(job)

    assert judge(scenario, events).verdict is Verdict.PASSED
    read = [from_json(to_json(event)) for event in events]
    assert read == list(events)
