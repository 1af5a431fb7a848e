"""Judging takes as much more as there is more to judge: what is called is counted, not timed."""

from __future__ import annotations

import sys
from pathlib import Path

from harness.engines.base import Job
from harness.engines.sim.engine import SimEngine
from harness.report.scene import judge_and_observe
from harness.scenario.loader import parse_scenario
from harness.target.loading import bundled
from harness.timeline import compile_timeline

OUTAGE = """
title: auth is down for 50 s
duration: 90s
traffic:
  checks: {{request: GET /v1/api/auth/check, as: ada, rate: {rate}/s}}
faults:
  - {{upstream: auth, fault: blackhole, from: 0s, to: 50s}}
expect:
  - {{breaker: auth, keeps: contract}}
  - never: {{status: 500}}
"""
STRAIGHT = 2.25
"""Twice the work, and a little for what is sorted and searched."""


def test_twice_the_requests_at_once_take_twice_the_work(
    simulation: SimEngine, tmp_path: Path
) -> None:
    few, many = (calls(simulation, rate, tmp_path) for rate in (8, 16))
    assert many < STRAIGHT * few


def calls(engine: SimEngine, rate: int, folder: Path) -> int:
    """How many functions are called and generators resumed to judge so many requests a second."""
    scenario = parse_scenario(OUTAGE.format(rate=rate), "outage.yaml")
    target = bundled("reference")
    assert target is not None
    timeline = compile_timeline(scenario)
    job = Job(scenario=scenario, timeline=timeline, target=target, folder=folder)
    history = engine.play_now(job)
    count = 0

    def called(_frame: object, event: str, _argument: object) -> None:
        nonlocal count
        count += event == "call"

    sys.setprofile(called)
    try:
        judgement, _ = judge_and_observe(scenario, history)
    finally:
        sys.setprofile(None)
    assert judgement.requests == 90 * rate
    return count
