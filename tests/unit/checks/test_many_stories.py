"""A breaker that may have changed in more ways than are told: those told rule nothing out."""

from __future__ import annotations

import tempfile
from pathlib import Path

from harness.contracts.policies import Adjustment
from harness.engines.base import Job
from harness.engines.sim.engine import SimEngine
from harness.history.view import History
from harness.judge import judge
from harness.scenario.loader import parse_scenario
from harness.target.loading import load_target
from harness.timeline import compile_timeline
from harness.verdict import Verdict

_TEXT = """title: answers cut where they may have said enough
duration: 50s
traffic:
  read: {request: "GET /v1/api/project/{project}/file/a.txt", as: ada, rate: 1/2s}
  check: {request: GET /v1/api/auth/check, as: ada, rate: 3/s}
faults:
  - {upstream: filesystem, fault: limit_data, bytes: 80B, stream: downstream}
  - {upstream: auth, fault: restart, to: 30s}
expect: [{breaker: filesystem, opens: [contract ± 1s], probes: contract ± 1s}]
"""
_SETTINGS = {"attempts": 1, "timeout": "1s", "threshold": 4, "wait": "5s", "by": "call"}


def test_a_sound_breaker_is_not_failed_by_the_first_few(simulation: SimEngine) -> None:
    """Each attempt may have succeeded, by the wire, and auth hides whom it turns away."""
    target = load_target("reference")
    assert target.start is not None
    env = {"FILESYSTEM_ATTEMPTS": "1", "FILESYSTEM_TIMEOUT_S": "1", "FILESYSTEM_THRESHOLD": "4",
           "FILESYSTEM_WAIT_S": "5", "GATEWAY_PROFILE": "per_call"}  # fmt: skip
    start = target.start.model_copy(update={"env": env})
    breakers = {"filesystem": Adjustment.model_validate(_SETTINGS)}
    target = target.model_copy(
        update={"start": start, "breakers": breakers, "status": None, "log": None}
    )
    scenario = parse_scenario(_TEXT, "x.yaml")
    with tempfile.TemporaryDirectory() as folder:
        job = Job(scenario=scenario, timeline=compile_timeline(scenario), target=target, seed=0,
                  folder=Path(folder))  # fmt: skip
        judged = judge(scenario, History(simulation.play_now(job)))
    said = {finding.name.split(": ")[1]: finding for finding in judged.findings}
    assert Verdict.FAILED not in {finding.verdict for finding in judged.findings}, said
