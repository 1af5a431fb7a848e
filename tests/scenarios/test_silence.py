"""A target file whose evidence says nothing, played: each is named."""

from __future__ import annotations

from pathlib import Path

from harness.engines.base import Job
from harness.engines.sim.engine import SimEngine
from harness.history.events import Looked
from harness.judge import judge
from harness.scenario.loader import parse_scenario
from harness.target.loading import load_target
from harness.timeline import compile_timeline
from harness.verdict import Verdict

_SCENARIO = """
title: evidence that says nothing
duration: 4s
traffic: {check: {request: GET /v1/api/auth/check, as: ada, rate: 1/s}}
faults: [{upstream: auth, fault: delay, delay: 50ms, to: 2s}]
expect: [{traffic: check, status: 200}]
"""


def test_what_the_harness_asks_in_vain_is_named_and_changes_no_verdict(
    simulation: SimEngine, tmp_path: Path
) -> None:
    reference = load_target("reference")
    assert reference.status is not None
    status = reference.status.model_copy(update={"request": "GET /no/such/status"})
    target = reference.model_copy(update={"status": status, "ready": "GET /no/such/health"})
    scenario = parse_scenario(_SCENARIO, "silent.yaml")
    job = Job(
        scenario=scenario,
        timeline=compile_timeline(scenario),
        target=target,
        folder=tmp_path,
    )
    events = simulation.play_now(job)

    looks = [(e.what, e.status) for e in events if isinstance(e, Looked)]
    assert looks == [("ready", 404), ("status", 404)]
    judgement = judge(scenario, events)
    assert judgement.silent == (
        "the status endpoint GET /no/such/status answers 404: it was no evidence of anything",
        "`ready: GET /no/such/health` answers 404: that something listens is all",
    )
    assert judgement.verdict is Verdict.PASSED


def test_a_state_that_is_not_where_the_file_says_is_named(
    simulation: SimEngine, tmp_path: Path
) -> None:
    reference = load_target("reference")
    assert reference.status is not None
    status = reference.status.model_copy(update={"state": "breakers.{upstream}"})
    scenario = parse_scenario(_SCENARIO, "silent.yaml")
    job = Job(
        scenario=scenario,
        timeline=compile_timeline(scenario),
        target=reference.model_copy(update={"status": status}),
        folder=tmp_path,
    )
    (said,) = judge(scenario, simulation.play_now(job)).silent
    assert "shows no state of auth, billing, chroma" in said
