"""What lifting the last faults sets free comes with the scenario's end: it may be meant, or not."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from harness.engines.sim.engine import SimEngine
from harness.verdict import Verdict
from tests.agreement.holding import judging

_TEXT = """title: a probe waits for a stalled auth until the scenario is over
duration: 70s
traffic: {check: {request: GET /v1/api/auth/check, as: ada, rate: 2/s, count: 5 at 0s}}
faults: [{upstream: auth, fault: stall}]
expect: [{breaker: auth, EXPECTED}]
"""


@pytest.fixture(scope="module")
def judged(simulation: SimEngine) -> Callable[[str], Verdict]:
    return judging(simulation, _TEXT, "opens: 5s ± 1s")


@pytest.mark.parametrize(
    "said",
    [
        "closes: contract ± 1s",
        "closes: never",
        "closes: 69.5s ± 1s",
        "closes: [contract ± 1s]",
        "opens: [5s ± 1s]",
        "probes: contract ± 1s",
    ],
)
def test_what_comes_with_the_end_may_count(judged: Callable[[str], Verdict], said: str) -> None:
    assert judged(said) is Verdict.PASSED


@pytest.mark.parametrize("said", ["closes: 60s ± 1s", "closes: [60s ± 1s]", "probes: 60s ± 1s"])
def test_nothing_else_does(judged: Callable[[str], Verdict], said: str) -> None:
    assert judged(said) is Verdict.FAILED
