"""What measuring finds of gateways whose settings are known."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from harness.cli.entry import call
from harness.contracts import document, parse_contract
from harness.engines.sim.engine import SimEngine
from harness.errors import UsageError
from harness.measure.downs import REFUSALS
from harness.measure.measuring import measure, streams_of
from harness.measure.writing import as_contract, as_target, comments
from tests.measure import bed, holding

EXAMPLES = int(os.environ.get("OUTAGE_MEASURE", "2"))


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=EXAMPLES <= 2,
    suppress_health_check=list(HealthCheck),
    database=None,
)
@given(policy=holding.policies())
def test_what_is_found_is_what_is_configured_or_null_with_a_reason(
    simulation: SimEngine, policy: dict[str, Any]
) -> None:
    document = bed.measured(bed.target("handmade", policy), simulation)
    assert not holding.wrong(policy, document["upstreams"]["rates"])
    assert not holding.unexplained(document)


def test_failures_in_a_row_by_attempt(simulation: SimEngine) -> None:
    policy = {
        "attempts": 3, "timeout": 2.5, "backoff": [0.5, 1.0], "jitter": 0.4, "rule": "in a row",
        "threshold": 7, "wait": 12.0, "by": "attempt", "counts": {"429": "neutral"},
    }  # fmt: skip
    document = bed.measured(bed.target("handmade", policy), simulation)
    found = document["upstreams"]["rates"]
    assert not holding.wrong(policy, found)
    assert (found["attempts"], found["by"], found["breaker"]["threshold"]) == (3, "attempt", 7)
    assert (found["counts"]["429"], found["counts"]["404"]) == ("neutral", "success")
    assert found["errors"]["wait_s"] < 0.05
    assert document["unknown"] == {}
    assert document["routes"]["GET /price"] == {
        "calls": ["rates GET /rate"], "when_down": {"rates": 503},
        "when_refused": {"rates": dict.fromkeys(REFUSALS, 503) | {"404": 502, "429": 502}},
    }  # fmt: skip


@pytest.mark.parametrize(("attempts", "retry_after"), [(3, "ignored"), (1, None)])
def test_what_its_client_sends_again_by_itself_is_no_attempt(
    simulation: SimEngine, attempts: int, retry_after: str | None
) -> None:
    """Calls that are cut make twice as many, every other one at once."""
    policy = {
        "attempts": attempts, "timeout": 1.7, "backoff": [0.35, 1.05], "rule": "in a row",
        "threshold": 7, "wait": 12.5, "by": "attempt", "reconnects": True,
    }  # fmt: skip
    found = bed.measured(bed.target("handmade", policy), simulation)["upstreams"]["rates"]
    assert not holding.wrong(policy, found)
    assert (found["attempts"], found["retry_after"]) == (attempts, retry_after)
    assert len(found["backoff_s"]) == attempts - 1


def test_what_counts_is_told_by_a_kind_that_is_tried_again(simulation: SimEngine) -> None:
    """Its breaker opens first by 503, after which a call makes no second attempt."""
    policy = {
        "attempts": 3, "timeout": 0.7, "backoff": [0.2], "rule": "in a row", "threshold": 4,
        "wait": 5.0, "by": "call", "final": ["500", "503"],
    }  # fmt: skip
    found = bed.measured(bed.target("handmade", policy), simulation)["upstreams"]["rates"]
    assert (found["attempts"], found["by"], found["breaker"]["threshold"]) == (3, "call", 4)


def test_a_share_behind_a_pool_of_connections(simulation: SimEngine) -> None:
    """No more calls than it holds fail at once: what opens it comes later than all tests did."""
    policy = {
        "attempts": 1, "timeout": 1.7, "rule": "seconds", "share": 0.35, "window": 14, "least": 7,
        "wait": 12.5, "pool": 60,
    }  # fmt: skip
    found = bed.measured(bed.target("handmade", policy), simulation)["upstreams"]["rates"]
    assert found["breaker"]["rule"] == "rate"
    assert not holding.wrong(policy, found)


@pytest.mark.parametrize("calls", [{"attempts": 1}, {"attempts": 3, "backoff": [0.3, 0.6]}])
def test_a_share_that_takes_as_many_failures_in_a_full_window_as_in_an_empty_one(
    simulation: SimEngine, calls: dict[str, Any]
) -> None:
    """Seven of twenty, and seven beside the one success of the warm-up, whatever the jitter."""
    policy = calls | {
        "timeout": 1.8, "rule": "calls", "share": 0.35, "window": 20, "least": 8, "wait": 9.0,
        "trials": 4, "successes": 3, "by": "call", "jitter": 0.3,
    }  # fmt: skip
    found = bed.measured(bed.target("handmade", policy), simulation)["upstreams"]["rates"]
    breaker = found["breaker"]
    assert not holding.wrong(policy, found)
    assert (breaker["rule"], breaker["least"], breaker["window_calls"]) == ("rate", 8, 20)
    assert "least" not in found["errors"]
    assert breaker["share"] is not None


@pytest.mark.parametrize("late", [False, True])
def test_a_late_failure_may_begin_the_wait_anew(simulation: SimEngine, late: bool) -> None:
    """Circuitbreaker's and aiobreaker's: their probes were "due" and did not come."""
    policy = {
        "attempts": 1, "timeout": 1.0, "rule": "in a row", "threshold": 3, "wait": 8.0,
        "late": late,
    }  # fmt: skip
    target = bed.target("handmade", policy)
    measured = asyncio.run(measure(target, simulation, streams_of(target)))
    found = measured.as_json()["upstreams"]["rates"]
    assert not holding.wrong(policy, found)
    assert found["breaker"].get("late_restarts", False) is late
    own = parse_contract(as_contract(measured, target.upstreams), "c.yaml").settings_of("rates")
    assert own.breaker.restarted is late
    assert ("late: restarts" in as_target(measured, document())) is late


@pytest.mark.parametrize("moved_on", [False, True])
def test_a_share_of_all_results_since_it_closed(simulation: SimEngine, moved_on: bool) -> None:
    """With buckets that only calls move on it is no such one, though no pause empties them."""
    policy = {
        "attempts": 1, "timeout": 1.0, "rule": "moved on" if moved_on else "all", "share": 0.6,
        "least": 6, "window": 12, "wait": 9.0,
    }  # fmt: skip
    document = bed.measured(bed.target("handmade", policy), simulation)
    breaker = document["upstreams"]["rates"]["breaker"]
    assert (breaker["rule"], breaker["least"], breaker["share"]) == (
        "rate",
        6,
        pytest.approx(0.6, abs=0.02),
    )
    assert (breaker["window_calls"], breaker["window_s"]) == (None, None)
    assert breaker.get("counts_all", False) is not moved_on
    assert ("upstreams.rates.breaker.window_calls" in document["unknown"]) is moved_on


def test_a_share_of_the_last_seconds(simulation: SimEngine) -> None:
    policy = {
        "attempts": 1, "timeout": 1.0, "rule": "seconds", "share": 0.5, "window": 10, "least": 6,
        "wait": 30.0, "counts": {"404": "neutral"},
    }  # fmt: skip
    found = bed.measured(bed.target("handmade", policy), simulation)["upstreams"]["rates"]
    assert not holding.wrong(policy, found)
    breaker = found["breaker"]
    assert (breaker["rule"], breaker["least"], breaker["window_calls"]) == ("rate", 6, None)
    assert found["errors"]["share"] < 0.02
    assert found["errors"]["window_s"] < 0.2
    assert found["counts"]["404"] == "neutral"


@pytest.mark.parametrize(
    "policy",
    [
        {"rule": "among", "threshold": 5, "calls": 17, "window": 33.0, "attempts": 2},
        {"rule": "in a row lately", "threshold": 3, "window": 8.0, "attempts": 1},
        {"rule": "in all", "threshold": 4, "attempts": 1, "counts": {"429": "failure"}},
    ],
)  # fmt: skip
def test_failures_that_a_success_does_not_make_good(
    simulation: SimEngine, policy: dict[str, Any]
) -> None:
    policy = {"timeout": 1.3, "wait": 17.0, "by": "attempt"} | policy
    document = bed.measured(bed.target("handmade", policy), simulation)
    found = document["upstreams"]["rates"]
    assert not holding.wrong(policy, found)
    assert found["breaker"]["rule"] == policy["rule"].removesuffix(" lately")
    assert found["breaker"]["threshold"] == policy["threshold"]
    for key, name in (("window_s", "window"), ("window_calls", "calls")):
        assert (found["breaker"][key] is not None) == (name in policy)
    assert not holding.unexplained(document)


@pytest.mark.parametrize(
    ("policy", "told"),
    [
        (
            {"rule": "calls", "share": 0.5, "window": 12, "least": 6, "slow_share": 0.75},
            "slow_share: 75%",
        ),
        ({"rule": "in a row", "threshold": 3}, "threshold: 3"),
    ],
)
def test_slow_answers_open_it_by_a_share_of_their_own_or_as_failures(
    simulation: SimEngine, policy: dict[str, Any], told: str
) -> None:
    policy = {"attempts": 1, "timeout": 2.0, "wait": 11.0, "slow": 0.8} | policy
    target = bed.target("handmade", policy)
    measured = asyncio.run(measure(target, simulation, streams_of(target)))
    found = measured.as_json()["upstreams"]["rates"]
    assert not holding.wrong(policy, found)
    assert found["breaker"]["slow_share"] == pytest.approx(policy.get("slow_share"), abs=0.05)
    own = parse_contract(as_contract(measured, target.upstreams), "c.yaml").settings_of("rates")
    assert own.counting.slow_s == 0.8
    assert told in as_target(measured, document())
    assert not any("isn't known" in line for line in comments(measured, document()))


@pytest.mark.parametrize(("growth", "later"), [(1.0, None), (2.0, [22.0, 30.0, 30.0])])
def test_trials_that_are_judged_together_by_what_failed_and_what_was_slow(
    simulation: SimEngine, growth: float, later: list[float] | None
) -> None:
    """No single one of them that fails opens it again."""
    policy = {
        "attempts": 1, "timeout": 2.2, "wait": 11.0, "rule": "seconds", "share": 0.55,
        "window": 14, "least": 9, "slow": 0.8, "slow_share": 0.7, "trials": 5,
        "trials_share": 0.5, "trials_slow_share": 0.7, "growth": growth,
        "most": 30.0,
    }  # fmt: skip
    target = bed.target("handmade", policy)
    measured = asyncio.run(measure(target, simulation, streams_of(target)))
    found = measured.as_json()["upstreams"]["rates"]
    assert not holding.wrong(policy, found)
    assert found["breaker"]["waits_s"] == (later and pytest.approx(later, abs=0.5))
    trials = measured.upstreams["rates"].breaker
    assert "4 slow ones of 5 trials open it again, 3 don't" in found["evidence"]
    assert trials.trials_slow_share is not None
    own = parse_contract(as_contract(measured, target.upstreams), "c.yaml")
    breaker = own.settings_of("rates").breaker
    assert breaker.trials.says == (
        "5 trials at once, judged together: 60% failures or 80% slow ones open it again"
    )
    assert breaker.wait.says == (
        "11s" if later is None else "11s, 2 times as long each time, up to 30s"
    )


def test_what_cannot_be_simulated_is_one_error(simulation: SimEngine) -> None:
    policy = {"attempts": 1, "timeout": 1.0, "rule": "none", "escapes": True}
    with pytest.raises(UsageError, match=r"handmade can't be measured: .* waited in real time"):
        bed.measured(bed.target("handmade", policy), simulation)


def test_a_target_without_routes_is_told_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "target.yaml"
    file.write_text(
        "name: x\nstart: {wsgi: app:app}\nupstreams: {A: rates}\n"
        "stubs: {rates: [{route: GET /rate}]}\n"
    )
    assert call(["measure", "--target", str(file)]) == 2
    assert "routes:" in capsys.readouterr().err
