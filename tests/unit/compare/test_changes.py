from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.checks.streams import PERCENTILES, _percentile
from harness.compare.changes import compare
from harness.compare.difference import Sort
from tests.unit.compare.nights import expectation, night, scenario

VERDICTS = ("passed", "failed", "inconclusive", "out_of_scope")
NIGHTS = st.lists(st.sampled_from(VERDICTS), min_size=1, max_size=4).map(
    lambda verdicts: night(scenario(*(expectation(f"e{i}", v) for i, v in enumerate(verdicts))))
)


def told(a, b, sort: Sort) -> list[tuple[str | None, str | None, str | None]]:
    return [(d.expectation, d.before, d.after) for d in compare(a, b).of(sort)]


@given(NIGHTS)
def test_a_night_beside_itself_shows_no_difference(one):
    assert compare(one, one).differences == ()


@given(NIGHTS, NIGHTS)
def test_what_fails_on_the_way_there_is_mended_on_the_way_back(a, b):
    worse = {d.expectation for d in compare(a, b).of(Sort.WORSE) if d.before == "passed"}
    better = {d.expectation for d in compare(b, a).of(Sort.BETTER) if d.after == "passed"}
    assert worse == better


def test_verdicts_tell_apart_what_failed_what_is_unproved_and_what_noise_hides():
    before = night(scenario(*(expectation(name) for name in "abcd")))
    after = night(
        scenario(
            expectation("a", "failed", observed="200 for 3"),
            expectation("b", "inconclusive"),
            expectation("c", "inconclusive", noise=True),
            expectation("d", "failed", known={"because": "x", "until": "2030-01-01"}),
        )
    )
    assert told(before, after, Sort.WORSE) == [
        ("a", "passed", "failed"),
        ("b", "passed", "inconclusive"),
    ]
    assert told(before, after, Sort.UNCLEAR) == [("c", "passed", "inconclusive")]
    assert told(before, after, Sort.CHANGED) == [("d", "passed", "failed (known)")]


def test_a_finding_of_the_run_itself_is_worse_unless_noise_made_it():
    before = night()
    for noise, sort in ((False, Sort.WORSE), (True, Sort.UNCLEAR)):
        of_run = expectation("run: the world starts", "inconclusive", line=0, noise=noise)
        after = night(scenario(of_run, promises=[]))
        assert [d.expectation for d in compare(before, after).of(sort)] == [of_run["name"]]
        assert compare(before, after).of(Sort.GONE) == ()  # what wasn't judged isn't gone


def test_scenarios_and_expectations_come_and_go():
    before = night(scenario(expectation("old")), scenario(name="left"))
    after = night(scenario(expectation("young")), scenario(name="came"))
    assert {d.scenario for d in compare(before, after).of(Sort.NEW)} == {"came", "auth_down"}
    assert {d.scenario for d in compare(before, after).of(Sort.GONE)} == {"left", "auth_down"}


def test_a_broken_promise_is_the_one_that_held():
    held = expectation("no hang", line=0, expected="no hang")
    broken = expectation("no hang (auth)", "failed", line=0, expected="no hang", observed="13s")
    found = compare(night(scenario(promises=[held])), night(scenario(promises=[broken] * 2)))
    (worse,) = found.of(Sort.WORSE)
    assert (worse.expectation, worse.before) == ("no hang", "passed")
    assert worse.observed == "no hang (auth): 13s"


def breakers(*changes: tuple[str, float, float], **more):
    found = [{"state": s, "at_s": at, "error_s": off} for s, at, off in changes]
    stream = {"requests": 90, "answers": {}}
    given = {"breakers": {"auth": found}, "streams": {"chat": stream}, "duration_s": 90.0}
    return night(scenario(**(given | more)))


def test_a_breaker_is_later_only_beyond_what_either_night_can_tell():
    before = breakers(("open", 9.0, 0.5), ("closed", 69.0, 0.1))
    # Requests are 1 s apart: an opening comes with the next, a closing with the one after that.
    noisy = breakers(("open", 10.03, 0.5), ("closed", 71.06, 0.1))
    assert compare(before, noisy).differences == ()
    assert compare(noisy, before).differences == ()
    assert told(before, breakers(("open", 11.6, 0.5), ("closed", 99.0, 0.1)), Sort.WORSE) == [
        ("auth breaker: first opening", "9s ± 500ms", "11.6s ± 500ms"),
        ("auth breaker: last closing", "69s ± 100ms", "99s ± 100ms"),
    ]
    assert told(before, breakers(), Sort.WORSE) == [("auth breaker: openings", "1", "0")]
    unsure = breakers(perhaps_open={"auth": [{"from_s": 9.0, "to_s": 69.0}]})
    assert told(before, unsure, Sort.WORSE) == [], "nobody knows that it did not open"


def test_a_failed_night_is_no_measure_for_figures():
    wrong = breakers(("open", 2.0, 0.1), **scenario(expectation(verdict="failed")))
    right = breakers(("open", 9.0, 0.1))
    assert told(wrong, right, Sort.WORSE) == []
    assert told(wrong, right, Sort.CHANGED)[0][0] == "auth breaker: first opening"


def streams(latencies_ms, **more):
    ordered = sorted(each / 1000 for each in latencies_ms)
    found = {}
    for name, share in PERCENTILES.items():
        each = _percentile(share, ordered, ordered)
        found[name] = {"ms": each.ms, "low_ms": each.low_ms, "high_ms": each.high_ms}
    stream = {"requests": len(ordered), "answers": more.pop("answers", {}), "latency_ms": found}
    return night(scenario(streams={"chat": stream}), **more)


@pytest.mark.parametrize("seed", range(40))
def test_two_nights_of_the_same_behaviour_are_not_slower(seed):
    chance = random.Random(seed)
    a, b = (streams([chance.lognormvariate(5, 1) for _ in range(300)]) for _ in "ab")
    assert compare(a, b).differences == ()


def test_a_slower_gateway_is_slower_and_a_few_milliseconds_are_nothing():
    chance = random.Random(1)
    usual = [chance.uniform(100, 140) for _ in range(300)]
    a = streams(usual)
    assert told(a, streams([each + 15 for each in usual]), Sort.WORSE) == []
    (slower,) = compare(a, streams([each + 80 for each in usual])).of(Sort.WORSE)
    assert (slower.expectation, slower.weight) == ("chat latency p95", 4)
    (faster,) = compare(streams([each + 80 for each in usual]), a).of(Sort.BETTER)
    assert faster.expectation == "chat latency p95"


def test_in_the_simulation_with_one_seed_any_difference_is_the_targets():
    few, slow = [100.0] * 5, [200.0] * 5
    assert told(streams(few), streams(slow), Sort.WORSE) == []  # five requests say little
    same = {"engine": "sim", "seed": 3}
    assert told(streams(few, **same), streams(slow, **same), Sort.WORSE) == [
        ("chat latency p99", "100ms", "200ms")
    ]
    assert told(streams(few, **same), streams(slow, engine="sim", seed=4), Sort.WORSE) == []


def test_doubled_charges_and_requests_without_an_answer_are_worse():
    a = night(scenario(charges={"total": 9, "duplicates": 0}))
    b = night(scenario(charges={"total": 9, "duplicates": 2}))
    assert told(a, b, Sort.WORSE) == [("charges doubled", "0", "2")]
    assert told(
        streams([1.0], answers={"200": 1}), streams([1.0], answers={"none": 1}), Sort.WORSE
    ) == [("chat: requests without an answer", "0", "1")]
