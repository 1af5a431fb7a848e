"""A gateway's own words, found by its own patterns, in the simulation."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.engines.base import Job
from harness.engines.sim.engine import SimEngine
from harness.judge import judge
from harness.scenario.loader import parse_scenario
from harness.target.loading import parse_target
from harness.timeline import compile_timeline
from harness.verdict import Finding, Verdict

GATEWAY = """\
import os, time, urllib.error, urllib.request

def app(environ, start_response):
    if environ["PATH_INFO"] == "/slow":
        for number in (1, 2):
            try:
                urllib.request.urlopen(os.environ["AUTH_SERVER_URL"] + "/health", timeout=5)
                print(f"login-svc: try {number} went fine", flush=True)
                break
            except urllib.error.HTTPError as error:
                print(f"login-svc: try {number} failed ({error.code}), again in 1s", flush=True)
                time.sleep(1)
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]
"""
TARGET = r"""
name: small
start: {command: ["{python}", gw.py], wsgi: "gw:app"}
upstreams: {AUTH_SERVER_URL: auth, BILLING_SERVER_URL: billing}
ready: GET /
log:
  attempt: '(?P<upstream>[\w-]+): try \d'
  failed: 'failed \('
  retrying: 'again in \d+s'
  succeeded: 'try 2 went fine'
  opened: 'circuit open'
  names: {login-svc: auth}
"""
SCENARIO = """\
title: t
duration: 4s
traffic: {slow: {request: GET /slow, rate: 1/10s}}
faults: [{fault: status, upstream: auth, status: 503, first: 1}]
expect:
  - {log: auth, marks: [attempt, failed, retrying, attempt, succeeded]}
  - {log: ["try 1 failed (503)", "try 2"], during: 0s..2s}
  - {log: billing, marks: [attempt]}
  - {log: auth, marks: [opened]}
  - {log: auth, marks: [closed]}
"""


@pytest.fixture
def findings(simulation: SimEngine, tmp_path: Path) -> list[Finding]:
    (tmp_path / "gw.py").write_text(GATEWAY, encoding="utf-8")
    target = parse_target(TARGET, str(tmp_path / "target.yaml"))
    scenario = parse_scenario(SCENARIO, "s.yaml", target=target)
    timeline = compile_timeline(scenario)
    job = Job(scenario=scenario, timeline=timeline, target=target, folder=tmp_path)
    judgement = judge(scenario, simulation.play_now(job))
    return [finding for finding in judgement.findings if " log" in finding.name]


def test_its_own_patterns_find_its_sequences(findings: list[Finding]) -> None:
    assert [finding.verdict for finding in findings] == [
        Verdict.PASSED,
        Verdict.PASSED,
        Verdict.FAILED,  # the line is about auth
        Verdict.FAILED,
        Verdict.OUT_OF_SCOPE,  # no pattern
    ]
    assert findings[0].observed == ("attempt 0s, failed 0s, retrying 0s, attempt 1s, succeeded 1s")
