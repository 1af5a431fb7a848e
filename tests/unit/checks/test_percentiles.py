from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.checks.registry import findings_of
from harness.history.events import Waited
from harness.judge import judge
from harness.verdict import Verdict

TEXT = "expect: [{traffic: chat, percentiles: {%s}}]"


def found(case):
    return findings_of(case.scenario.expect[0], case)


def latencies(world, *taken_s: float, **more):
    shown = world().warmed_up()
    for number, took_s in enumerate(taken_s, start=1):
        shown.request("chat", number, float(number), 200, took_s=took_s, **more)
    return shown


@pytest.mark.parametrize(
    ("bounds", "verdict", "observed"),
    [
        ('p50: "< 100ms"', Verdict.PASSED, "p50 50ms"),
        ('p90: "< 100ms"', Verdict.PASSED, "p90 90ms"),
        ('p91: "< 100ms"', Verdict.FAILED, "p91 3s"),
        ('p99.9: "< 3100ms"', Verdict.PASSED, "p99.9 3s"),
        ('p50: "> 60ms"', Verdict.FAILED, "p50 50ms"),
    ],
)
def test_a_percentile_is_the_request_at_its_rank(case, world, bounds, verdict, observed):
    shown = latencies(world, *(number / 100 for number in range(1, 10)), 3.0)
    (finding,) = found(case(TEXT % bounds, shown))
    assert (finding.verdict, finding.observed) == (verdict, observed)


def test_each_percentile_has_a_finding_of_its_own(case, world):
    shown = latencies(world, 0.01, 0.02, 3.0)
    slow, fast = found(case(TEXT % 'p99: "< 2s", p50: "< 100ms"', shown))
    assert slow.verdict is Verdict.FAILED
    assert slow.name == "p99 of chat's answers is within 2s throughout"
    assert slow.examples == (4,)
    assert fast.verdict is Verdict.PASSED


def test_one_that_had_no_time_is_left_out_and_one_that_waited_longer_counts(case, world):
    shown = latencies(world, 0.01, 0.02)
    shown.request("chat", 85, 85.0, 200, took_s=None)  # 5 s before the end
    (finding,) = found(case(TEXT % 'p99: "< 6s"', shown))
    assert finding.verdict is Verdict.PASSED
    assert "1 request left out" in finding.evidence
    (finding,) = found(case(TEXT % 'p99: "< 4s"', shown))
    assert (finding.verdict, finding.observed) == (Verdict.FAILED, "p99 no answer")


def test_nobody_shows_no_percentile(case, world):
    (finding,) = found(case(TEXT % 'p99: "< 6s"', world().warmed_up()))
    assert finding.verdict is Verdict.INCONCLUSIVE


def test_late_requests_are_no_slow_answers(case, world):
    shown = latencies(world, 0.01, late_s=0.5)
    (finding,) = found(case(TEXT % 'p50: "< 100ms"', shown))
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert "left late" in finding.observed


@pytest.mark.parametrize(("wait_s", "verdict"), [(0.2, "inconclusive"), (0.05, "failed")])
def test_what_the_machine_added_is_not_held_against_it(scenario, world, wait_s, verdict):
    shown = latencies(world, 0.25)
    shown.events.append(
        Waited(at_s=1.2, by="engine", who="target", how="for a CPU", since_s=0.9, wait_s=wait_s)
    )
    judgement = judge(scenario(TEXT % 'p50: "< 100ms"'), shown.history())
    (finding,) = (f for f in judgement.findings if f.name.startswith("p50"))
    assert finding.verdict == verdict


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 5000), min_size=1, max_size=40), st.integers(1, 99))
def test_no_more_requests_are_slower_than_a_percentile_leaves(case, world, taken_ms, percent):
    shown = latencies(world, *(ms / 1000 for ms in taken_ms))
    (finding,) = found(case(TEXT % f'p{percent}: "< 1s"', shown))
    slower = sum(ms > 1000 for ms in taken_ms)
    allowed = len(taken_ms) * (100 - percent) // 100
    assert finding.verdict is (Verdict.PASSED if slower <= allowed else Verdict.FAILED)
