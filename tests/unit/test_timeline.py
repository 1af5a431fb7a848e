"""The timeline: ordered, complete, and without drift."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

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
