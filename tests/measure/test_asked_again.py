"""A gateway that asks again after what others take for a good answer, and counts whole calls."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from harness.engines.sim.engine import SimEngine
from harness.judge import judge
from harness.measure.lab import Lab
from harness.measure.measuring import measure, streams_of
from harness.measure.writing import as_contract
from harness.scenario.loader import parse_scenario
from harness.verdict import Verdict
from tests.measure import bed

ASKS_AGAIN = {
    "attempts": 3, "timeout": 0.8, "backoff": [0.3, 0.6], "rule": "in a row", "threshold": 4,
    "wait": 9.0, "by": "call", "parses": True, "again": ["429"], "counts": {"429": "failure"},
}  # fmt: skip
SENDS_AGAIN = {
    "attempts": 2, "timeout": 0.8, "backoff": [0.3], "rule": "in a row", "threshold": 7,
    "wait": 9.0, "by": "attempt", "reconnects": True,
}  # fmt: skip
ANSWERS = """
title: answers that are none
duration: 60s
traffic: {price: {request: GET /price, rate: 1/s}}
faults:
  - {upstream: rates, %s, from: 3s, to: 12s}
"""


@pytest.mark.parametrize(
    ("policy", "written", "faults"),
    [
        (
            ASKS_AGAIN,
            ["malformed: unknown", "'429': unknown"],
            ["fault: malformed", "fault: status, status: 429", "fault: status, status: 503"],
        ),
        (SENDS_AGAIN, ["cut: unknown"], ["fault: empty", "fault: status, status: 503"]),
    ],
    ids=["the gateway", "its client"],
)
def test_who_asks_again_after_such_answers_is_accused_of_nothing(
    simulation: SimEngine,
    tmp_path: Path,
    policy: dict[str, Any],
    written: list[str],
    faults: list[str],
) -> None:
    """Its calls were taken apart where an answer had come, or counted twice where its client sends
    again what was cut, and its breaker for one that opens late, or for no reason.
    """
    target = bed.target("handmade", policy)
    measured = asyncio.run(measure(target, simulation, streams_of(target)))
    text = as_contract(measured, target.upstreams)
    assert [word for word in written if word not in text] == []
    contract = tmp_path / "handmade.yaml"
    contract.write_text(text)
    held = bed.target("handmade", policy, contract=contract)
    for fault in faults:
        scenario = parse_scenario(ANSWERS % fault, "answers.yaml", target=held)
        history = asyncio.run(Lab(held, simulation, lambda _: None).history(scenario))
        assert judge(scenario, history).verdict is Verdict.PASSED, fault
