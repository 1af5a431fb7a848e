"""What a scenario is said to be in while it is played."""

from __future__ import annotations

import pytest

from harness.cli.live import doing
from harness.engines.base import Progress
from harness.scenario.loader import parse_scenario

TEXT = b"""
title: t
duration: 60s
traffic: {chat: {request: GET /, rate: 1/s}}
faults:
  - {upstream: auth, fault: blackhole, to: 10s}
  - {upstream: billing, fault: refused, after: {breaker: auth, is: open}, for: 5s}
"""


@pytest.mark.parametrize(
    ("at_s", "begins_s", "words"),
    [
        (5.0, {}, "auth blackhole"),
        (15.0, {}, "awaiting an event"),
        (15.0, {1: 14.0}, "billing refused"),
        (20.0, {1: 14.0}, "healthy again"),
    ],
)
def test_a_fault_that_waits_for_its_event_is_said(
    at_s: float, begins_s: dict[int, float], words: str
) -> None:
    progress = Progress(doing="playing", at_s=at_s, begins_s=begins_s)
    assert doing(parse_scenario(TEXT, "s.yaml"), progress) == words
