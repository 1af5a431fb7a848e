"""The timeline: ordered, complete, and without drift."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import InvalidFile
from harness.scenario.loader import parse_scenario
from harness.timeline import Apply, Lift, Send, compile_timeline

ORDER = {Lift: 0, Apply: 1, Send: 2}


def scenario(traffic: str, faults: str = "[]", duration_s: int = 60):
    return parse_scenario(
        f"title: x\nduration: {duration_s}s\ntraffic: {traffic}\nfaults: {faults}\n"
        "expect: [{never: {status: 500}}]\n",
        "x.yaml",
    )


rates = st.sampled_from(["1/s", "3/s", "7/s", "1/3s", "10/s", "5/min"])


@settings(deadline=None)
@given(rates, st.integers(0, 50), st.integers(1, 9), st.integers(1, 50))
def test_steps_are_ordered_and_faults_come_before_requests(
    rate: str, at_s: int, count: int, lift_s: int
) -> None:
    made = scenario(
        f"{{a: {{request: GET /, rate: {rate}}},"
        f" b: {{request: GET /, count: {count} at {at_s}s}}}}",
        f"[{{upstream: auth, fault: refused, to: {lift_s}s}},"
        f" {{upstream: git, fault: refused, from: {lift_s}s}}]",
    )
    steps = compile_timeline(made)
    keys = [(step.at_s, ORDER[type(step)]) for step in steps]
    assert keys == sorted(keys)
    assert all(0 <= step.at_s <= made.duration for step in steps)
    sent = Counter(step.stream for step in steps if isinstance(step, Send))
    assert sent == {name: stream.planned(made.duration) for name, stream in made.traffic.items()}
    assert sum(isinstance(step, Apply) for step in steps) == 2
    assert sum(isinstance(step, Lift) for step in steps) == 2


@settings(deadline=None)
@given(rates, st.integers(1, 600))
def test_numbers_count_from_one_without_a_gap(rate: str, duration_s: int) -> None:
    made = scenario(f"{{a: {{request: GET /, rate: {rate}}}}}", duration_s=duration_s)
    numbers = [step.number for step in compile_timeline(made) if isinstance(step, Send)]
    assert numbers == list(range(1, made.traffic["a"].planned(made.duration) + 1))


def test_a_long_stream_does_not_drift() -> None:
    made = scenario("{a: {request: GET /, rate: 3/s}}", duration_s=30_000)
    instants = list(made.traffic["a"].instants(made.duration))
    assert len(instants) == 90_000
    assert instants[-3] == 29_999.0


def test_the_end_of_the_scenario_is_not_part_of_it() -> None:
    made = scenario("{a: {request: GET /, rate: 1/s}}", duration_s=5)
    assert [step.at_s for step in compile_timeline(made)] == [0, 1, 2, 3, 4]


def test_users_and_addresses_take_turns() -> None:
    made = scenario("{a: {request: GET /, as: [ada, bob], addresses: 3, rate: 1/s}}", duration_s=4)
    sends = [step for step in compile_timeline(made) if isinstance(step, Send)]
    assert [send.user for send in sends] == ["ada", "bob", "ada", "bob"]
    assert [send.address for send in sends] == [0, 1, 2, 0]


def spans(made):
    """When which fault is in force, as the timeline has it."""
    steps = compile_timeline(made)
    begun = {step.fault: step.at_s for step in steps if isinstance(step, Apply)}
    return [(begun[s.fault], s.at_s, s.fault) for s in steps if isinstance(s, Lift)]


def test_a_fault_that_comes_and_goes_is_several() -> None:
    made = scenario(
        "{a: {request: GET /, rate: 1/s}}",
        "[{upstream: git, fault: refused, to: 3s},"
        " {upstream: auth, fault: refused, from: 2s, to: 25s, every: 10s, for: 4s}]",
    )
    assert spans(made) == [(0, 3, 0), (2, 6, 1), (12, 16, 2), (22, 25, 3)]
    assert [made.number_of(index) for index in range(4)] == [1, 2, 2, 2]
    assert made.single_faults == (0, 3)


def test_without_an_end_it_comes_and_goes_until_the_end() -> None:
    made = scenario(
        "{a: {request: GET /, rate: 1/s}}",
        "[{upstream: auth, fault: refused, every: 20s, for: 15s}]",
        duration_s=50,
    )
    assert spans(made) == [(0, 15, 0), (20, 35, 1), (40, 50, 2)]


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 3000), st.integers(1, 3000), st.integers(1, 90), st.integers(1, 60))
def test_a_ramp_goes_from_one_delay_to_the_other_in_steps_and_stays(
    from_ms: int, more_ms: int, over_s: int, lasts_s: int
) -> None:
    to_ms = from_ms + more_ms
    made = scenario(
        "{a: {request: GET /, rate: 1/s}}",
        f"[{{upstream: auth, fault: delay, to: {lasts_s}s,"
        f" delay: {{from: {from_ms}ms, to: {to_ms}ms, over: {over_s}s}}}}]",
    )
    delays = [fault.delay for fault in made.faults]
    assert delays == sorted(set(delays))
    assert delays[0] == from_ms / 1000
    assert delays[-1] <= to_ms / 1000
    ends = spans(made)
    assert all(one[1] == other[0] for one, other in pairwise(ends))
    assert ends[-1][1] == lasts_s
    if lasts_s > over_s:
        assert delays[-1] == to_ms / 1000
        assert ends[-1][0] == over_s


def test_a_ramp_from_nothing_begins_with_its_first_step() -> None:
    fault = "{upstream: auth, fault: delay, delay: {from: 0s, to: 2s, over: 4s}}"
    made = scenario("{a: {request: GET /, rate: 1/s}}", f"[{fault}]", duration_s=10)
    assert [fault.delay for fault in made.faults] == [0.5, 1.0, 1.5, 2.0]
    assert spans(made) == [(1, 2, 0), (2, 3, 1), (3, 4, 2), (4, 10, 3)]


@pytest.mark.parametrize(("count_at_s", "refused"), [("5s", True), ("11s", False)])
def test_one_that_comes_and_goes_has_to_meet_somebody_once(count_at_s: str, refused: bool) -> None:
    fault = "[{upstream: auth, fault: refused, to: 40s, from: 7s, every: 4s, for: 1s}]"
    traffic = f"{{a: {{request: GET /, count: 1 at {count_at_s}}}}}"
    if not refused:
        assert len(scenario(traffic, fault).faults) == 9
        return
    with pytest.raises(InvalidFile, match=r"no request leaves in 7s\.\.8s") as error:
        scenario(traffic, fault)
    assert len(error.value.problems) == 1
