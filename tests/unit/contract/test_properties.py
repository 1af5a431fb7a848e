"""Properties that the contract's arithmetic keeps for any n, T, N, W, rate and length of outage."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from harness.contract import Forecast
from harness.contract.prediction import predict
from harness.contracts import document
from harness.policy.breaker import Rules
from harness.policy.counting import Counting
from harness.policy.rules import Rule
from harness.policy.settings import ServiceSettings, in_a_row
from harness.policy.shares import ShareOfSeconds
from harness.policy.thresholds import InARow
from harness.policy.waits import Constant
from harness.scenario.model import Scenario

RUNS = 8
FAULTS = ("refused", "blackhole", "status", "stall", "truncate")

services = st.builds(
    in_a_row,
    attempts=st.integers(1, 4),
    timeout_s=st.sampled_from([0.5, 2.0, 5.0]),
    threshold=st.integers(1, 12),
    wait_s=st.sampled_from([5.0, 15.0, 60.0]),
    per_call=st.booleans(),
)


def opening_at(own: ServiceSettings, failures: int) -> ServiceSettings:
    return replace(own, breaker=replace(own.breaker, opens=InARow(failures)))


def outage(
    fault: str, *, to: int = 20, rate: str = "1/s", calls: int | None = None, **more: str
) -> Scenario:
    cause = {"upstream": "auth", "fault": fault, "from": "0s", "to": f"{to}s", **more}
    if fault == "status":
        cause["status"] = 503
    if calls is not None:
        cause["first"] = calls
    return Scenario.model_validate(
        {
            "title": "an outage",
            "duration": "120s",
            "traffic": {
                "check": {"request": "GET /v1/api/auth/check", "as": "ada", "rate": rate},
            },
            "faults": [cause],
            "expect": [{"never": {"status": 599}}],
        }
    )


def forecast(scenario: Scenario, auth: ServiceSettings) -> Forecast:
    return predict(scenario, {**document().settings, "auth": auth}, runs=RUNS)


@given(services, st.sampled_from(FAULTS), st.integers(1, 60))
@settings(max_examples=40, deadline=None)
def test_it_opens_only_after_n_failures(auth: ServiceSettings, fault: str, to: int) -> None:
    found = forecast(outage(fault, to=to), auth).of("auth")
    if found.opens:
        assert found.attempts is not None
        assert found.attempts.low >= auth.failures


@given(services, st.integers(1, 11))
@settings(max_examples=40, deadline=None)
def test_fewer_failing_calls_than_n_never_open_it(auth: ServiceSettings, threshold: int) -> None:
    strict = replace(opening_at(auth, threshold + 1), counting=Counting())
    found = forecast(outage("status", calls=threshold), strict).of("auth")
    assert found.opens == ()


@given(services, st.sampled_from(FAULTS))
@settings(max_examples=40, deadline=None)
def test_a_higher_threshold_never_opens_earlier(auth: ServiceSettings, fault: str) -> None:
    less = forecast(outage(fault), auth).of("auth").opened
    more = forecast(outage(fault), opening_at(auth, auth.failures + 1)).of("auth").opened
    if more:
        assert less
        assert less.earliest_s <= more.earliest_s + 0.15


@given(services, st.sampled_from(FAULTS), st.integers(1, 60))
@settings(max_examples=40, deadline=None)
def test_the_first_probe_comes_a_full_wait_after_the_trip(
    auth: ServiceSettings, fault: str, to: int
) -> None:
    found = forecast(outage(fault, to=to), auth).of("auth")
    if found.probe_moments:
        assert found.probe_moments[0].earliest_s >= found.opened.earliest_s + auth.wait_s - 0.25


@given(services, st.sampled_from(FAULTS), st.integers(1, 40))
@settings(max_examples=40, deadline=None)
def test_it_is_closed_again_within_t_and_w_of_the_lift(
    auth: ServiceSettings, fault: str, to: int
) -> None:
    found = forecast(outage(fault, to=to), auth).of("auth")
    latest_s = to + auth.timeout_s + auth.wait_s + 1.5
    if found.opens and latest_s < 120:
        assert found.closed_for_good.sure or not found.opened.sure
        assert found.closed_for_good.latest_s <= latest_s


@given(services, st.sampled_from(FAULTS), st.integers(1, 60))
@settings(max_examples=40, deadline=None)
def test_no_call_outlasts_its_deadlines(auth: ServiceSettings, fault: str, to: int) -> None:
    found = forecast(outage(fault, to=to), auth)
    longest_s = auth.longest_call_s + 0.5
    assert all(part.latency.high <= longest_s for part in found.answers["check"])


@given(services, st.sampled_from(FAULTS))
@settings(max_examples=20, deadline=None)
def test_the_same_question_has_the_same_answer(auth: ServiceSettings, fault: str) -> None:
    scenario = outage(fault)
    again = scenario.model_copy(update={"title": "asked again"})
    assert forecast(scenario, auth) is forecast(again, auth)


def test_profiles_read_the_document_differently() -> None:
    scenario = outage("blackhole", to=50)
    contract = document()
    opened = {
        name: predict(scenario, contract.profile(name)).of("auth").opened
        for name in contract.readings
    }
    assert str(opened["documented"]) == str(opened["as_coded"]) == str(opened["patient"]) == "9 s"
    assert str(opened["per_call"]) == "15 s"


@pytest.mark.parametrize(
    ("threshold", "wait_s", "opens", "closes"),
    [(3, 15.0, "1 s", "61, 62, 63, 64 or 65 s"), (1, 15.0, "0 s", "60, 61, 62, 63 or 64 s")],
)
def test_other_settings_are_computed_not_looked_up(
    threshold: int, wait_s: float, opens: str, closes: str
) -> None:
    breaker = Rules(opens=InARow(threshold), wait=Constant(wait_s))
    own = replace(document().settings["auth"], breaker=breaker)
    found = predict(outage("status", to=50), {**document().settings, "auth": own}).of("auth")
    assert str(found.opened) == opens
    assert str(found.closed_for_good) == closes


def test_how_large_requests_are_is_no_promise() -> None:
    """Slices of 64 bytes a second reach the service before 5 s have passed, or do not."""
    slow = outage("slicer", stream="upstream", average_size="64B", delay="1s")
    opened = predict(slow).of("auth").opened
    assert opened
    assert not opened.sure


def test_a_trial_that_counts_once_a_call_may_be_decided_by_its_first_attempt_or_its_last() -> None:
    own = in_a_row(attempts=2, timeout_s=1.0, threshold=2, wait_s=10.0, per_call=True)
    found = forecast(outage("blackhole", to=20), own).of("auth")
    # Open at 4 s, it is tried at 14 s at the latest: that has failed at 15 s, or its retry at 17 s.
    again = found.opening_moments[1]
    assert again.earliest_s < 15.2 < 16.5 < again.latest_s


def by_rate(opens: Rule) -> ServiceSettings:
    plain = in_a_row(attempts=1, timeout_s=1.0, threshold=5, wait_s=5.0)
    return replace(plain, breaker=replace(plain.breaker, opens=opens))


def test_a_success_may_open_a_breaker_by_rate_or_not() -> None:
    """Three failures, and the success with which there are five results."""
    own = by_rate(ShareOfSeconds(0.5, 8.0, 5))
    opened = forecast(outage("status", to=3), own).of("auth").opened
    assert not opened.sure
    assert [round(one.low) for one in opened.alternatives] == [3, 4]


def test_nobody_knows_when_the_buckets_of_a_window_begin() -> None:
    """Of failures 2 s apart four or five lie within four buckets of 2.5 s."""
    own = by_rate(ShareOfSeconds(0.5, 10.0, 5, 2.5))
    opened = forecast(outage("status", to=40, rate="1/2s"), own).of("auth").opened
    assert {8, 10} <= {round(one.low) for one in opened.alternatives}
