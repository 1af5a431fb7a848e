"""Ramps of traffic: as many requests as the area under them, each at its instant."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.engines.again import AgainPlan, again_after_s
from harness.scenario.pace import Pace, parse_pace

rates = st.floats(0.1, 50)


def test_one_rate_is_as_ever() -> None:
    pace = parse_pace("3/s")
    assert [pace.at(k) for k in range(4)] == [0.0, 1 / 3, 2 / 3, 1.0]
    assert (pace.before(1.0), pace.before(1.01)) == (3, 4)


def test_a_ramp_has_the_mean_of_its_rates() -> None:
    pace = parse_pace({"from": "1/s", "to": "9/s", "over": "10s"})
    assert pace.before(10.0) == 50
    assert pace.before(12.0) == 68
    assert pace.at(50) == pytest.approx(10.0)
    assert pace.at(59) - pace.at(50) == pytest.approx(1.0)


@given(rates, rates, st.floats(0.5, 60), st.integers(1, 400))
def test_requests_leave_in_order_and_are_counted_as_they_leave(
    first: float, last: float, over_s: float, count: int
) -> None:
    pace = Pace(first, last, over_s)
    instants = [pace.at(k) for k in range(count)]
    assert all(one < other for one, other in pairwise(instants))
    for k, at_s in enumerate(instants):
        assert pace.before(at_s - 1e-4) <= k <= pace.before(at_s + 1e-4)


@given(rates, rates, st.floats(0.5, 60), st.floats(0.01, 90))
def test_never_faster_than_the_faster_rate(
    first: float, last: float, over_s: float, after_s: float
) -> None:
    pace = Pace(first, last, over_s)
    assert pace.before(after_s) <= max(first, last) * after_s + 1.001
    assert pace.before(after_s) >= min(first, last) * after_s - 0.001


PLAN: AgainPlan = {
    "waits_s": [0.5, 1.0],
    "statuses": [(500, 599)],
    "error": False,
    "retry_after": True,
}


@pytest.mark.parametrize(
    ("tried", "status", "headers", "wait_s"),
    [
        (1, 503, [], 0.5),
        (2, 503, [], 1.0),
        (3, 503, [], None),
        (1, 200, [], None),
        (1, None, [], None),
        (1, 503, [("Retry-After", "7")], 7.0),
        (1, 503, [("Retry-After", "Wed, 21 Oct 2026 07:28:00 GMT")], 0.5),
    ],
)
def test_when_a_client_tries_again(tried, status, headers, wait_s) -> None:
    assert again_after_s(PLAN, tried, status, headers) == wait_s
    assert again_after_s(None, tried, status, headers) is None


def test_a_client_that_asks_nobody_waits_as_it_is_told() -> None:
    headers = [("retry-after", "7")]
    assert again_after_s({**PLAN, "retry_after": False}, 1, 503, headers) == 0.5
    assert again_after_s({**PLAN, "error": True}, 1, None, ()) == 0.5
