"""What a status page shows in a play, however seldom it is asked."""

from __future__ import annotations

from pathlib import Path

from harness.engines.base import Job
from harness.engines.sim.engine import SimEngine
from harness.history.events import Reported
from harness.judge import judge
from harness.scenario.loader import parse_scenario
from harness.target.loading import load_target
from harness.timeline import compile_timeline
from harness.verdict import Verdict

_LATE_END = """
title: a probe's answer comes when the play is over, and another request's still later
duration: 36.9s
traffic:
  chat:
    request: POST /v1/api/chat
    as: ada
    json: {message: hi, project_id: project-1}
    rate: 1/s
    during: 0s..8s
    count: [1 at 36s, 1 at 36.8s]
  lookup: {request: "GET /v1/api/lookup?q=weather", as: ada, count: 1 at 36.6s}
faults:
  - {upstream: billing, fault: status, status: 503, to: 12s}
  - {upstream: billing, fault: delay, delay: 1.3s, from: 30s, to: 36.9s}
  - {upstream: external_data, fault: delay, delay: 2.1s, from: 30s, to: 36.9s}
  - {upstream: auth, fault: delay, delay: 1.3s, from: 36.7s, to: 36.9s}
"""


def test_a_page_is_looked_at_until_the_last_answer_is_in(
    simulation: SimEngine, tmp_path: Path
) -> None:
    scenario = parse_scenario(_LATE_END, "late_end.yaml")
    job = Job(
        scenario=scenario,
        timeline=compile_timeline(scenario),
        target=load_target("reference"),
        folder=tmp_path,
    )
    events = simulation.play_now(job)
    shown = [e.state for e in events if isinstance(e, Reported) and e.upstream == "billing"]
    assert shown == ["closed", "open", "half_open", "closed"]
    judged = judge(scenario, events)
    assert judged.verdict is Verdict.PASSED, [f.observed for f in judged.promises]
