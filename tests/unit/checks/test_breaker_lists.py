"""A list of instants is every opening or closing, exactly: played once, judged in many words."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from harness.engines.sim.engine import SimEngine
from harness.verdict import Verdict
from tests.agreement.holding import judging

_TEXT = """title: x
duration: 200s
traffic: {check: {request: GET /v1/api/auth/check, as: ada, rate: 1/s}}
faults: [{upstream: auth, fault: status, status: 503, to: 100s}]
expect: [{breaker: auth, EXPECTED}]
"""


@pytest.fixture(scope="module")
def judged(simulation: SimEngine) -> Callable[[str], Verdict]:
    return judging(simulation, _TEXT, "opens: 2s ± 1s")


@pytest.mark.parametrize(
    "said",
    [
        "opens: [2s ± 1s, 63s ± 1s]",
        "opens: [contract ± 1s]",
        "opens: [2s ± 1s, contract ± 1s]",
        "opens: 2s ± 1s",
        "closes: [123.5s ± 2s]",
        "closes: [contract ± 1s]",
    ],
)
def test_exactly_these_pass(judged: Callable[[str], Verdict], said: str) -> None:
    assert judged(said) is Verdict.PASSED


@pytest.mark.parametrize(
    "said",
    [
        "opens: [2s ± 1s]",
        "opens: [2s ± 1s, 70s ± 1s]",
        "opens: [2s ± 1s, 63s ± 1s, 123s ± 1s]",
        "closes: [63s ± 1s, 123.5s ± 2s]",
        "closes: [100s ± 1s]",
    ],
)
def test_one_too_many_too_few_or_at_another_time_fails(
    judged: Callable[[str], Verdict], said: str
) -> None:
    assert judged(said) is Verdict.FAILED
