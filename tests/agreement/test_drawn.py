"""Faults that hit some connections only: nothing is said against the reference for them."""

from __future__ import annotations

import pytest

from harness.engines.sim.engine import SimEngine
from harness.judge import judge
from harness.scenario.loader import parse_scenario
from harness.verdict import Verdict
from tests.agreement.holding import Reference

_LOOKUPS = """
  login:
    request: POST /v1/api/auth/login
    json: {email: "{email}", password: "{password}"}
    with: nothing
    as: ada
    rate: 2/s
    addresses: 4
  lookup: {request: GET /v1/api/lookup?q=x, as: [ada, bob], rate: 1/s, count: 13 at 17.75s}
"""
_CHECKS = "  check: {request: GET /v1/api/auth/check, as: ada, rate: 1/s}\n"


@pytest.mark.parametrize(
    ("traffic", "fault", "seed"),
    [
        # Two attempts at one instant, each the only one of its request; one fails.
        (_LOOKUPS, "{upstream: all, fault: timeout, timeout: 2s, stream: downstream, "
         "toxicity: 20%, from: 31.25s, to: 61.25s}", 0),
        # A retry whose answer is eaten, beside a first attempt that is answered.
        (_CHECKS, "{upstream: auth, fault: latency, latency: 9s, toxicity: 60%, to: 30s}", 1),
    ],
    ids=["closed late", "held up"],
)  # fmt: skip
def test_nobody_is_accused_for_what_a_draw_leaves_open(
    simulation: SimEngine, traffic: str, fault: str, seed: int
) -> None:
    text = f"title: x\nduration: 90s\ntraffic:\n{traffic}faults: [{fault}]\n"
    text += "expect: [{never: {status: 599}}]\n"
    scenario = parse_scenario(text, "x")
    found = judge(scenario, Reference(simulation).play(scenario, seed))
    assert [f.name for f in found.all_findings if f.verdict is Verdict.FAILED] == []
