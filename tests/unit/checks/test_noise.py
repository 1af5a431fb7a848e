from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.checks.noise import Noise
from harness.history.events import LOOP_PASSES, Waited
from harness.history.lines import from_json, to_json
from harness.history.view import History


def waited(who: str, since_s: float, at_s: float, wait_s: float, how: str = "for a CPU") -> Waited:
    return Waited(at_s=at_s, by="engine", who=who, how=how, since_s=since_s, wait_s=wait_s)


def test_a_run_without_waits_has_no_slack(world) -> None:
    noise = Noise(world().answers("chat", range(90), 200).history())
    assert noise.late_s(-math.inf, math.inf) == 0.0
    assert noise.burst_s(0.0, 90.0) == 0.0
    assert noise.worst() == "nothing was kept waiting"


def test_a_wait_counts_whole_wherever_it_reaches_into() -> None:
    noise = Noise(History([waited("target", 10.0, 10.25, 0.2)]))
    assert noise.late_s(10.1, 10.1) == 0.2
    assert noise.late_s(0.0, 10.0) == 0.2
    assert noise.late_s(10.25, 20.0) == 0.2
    assert noise.late_s(0.0, 9.99) == 0.0
    assert noise.late_s(10.26, 20.0) == 0.0


def test_waits_of_different_parts_add_up() -> None:
    noise = Noise(History([waited("target", 1, 1.2, 0.1), waited("proxy", 1.1, 1.3, 0.2)]))
    assert noise.late_s(1.0, 2.0) == pytest.approx(0.3)


def test_a_stop_that_several_looks_saw_is_one() -> None:
    looks = [waited("target", t, t + 0.25, 0.25, how="stopped") for t in (2.0, 2.25, 2.5, 8.0)]
    other = waited("target", 2.0, 2.25, 0.25, how="stopped")  # of its second process
    late = waited("harness", 4.0, 4.4, 0.4, how="late")
    noise = Noise(History([*looks[:2], other, *looks[2:], late]))
    assert noise.worst() == "the target stood still for 750ms, until 2.8s"
    assert noise.late_s(2.3, 2.3) == pytest.approx(0.75)
    assert noise.late_s(7.9, 8.1) == pytest.approx(0.25)


def test_what_the_harness_measures_of_itself_counts_once(world) -> None:
    shown = world().request("chat", 1, 5.0, 200, late_s=0.3)
    shown.events.append(waited("harness", 5.0, 5.25, 0.2))
    shown.events.append(waited("harness", 5.0, 5.3, 0.28, how="late"))
    assert Noise(shown.history()).late_s(5.0, 6.0) == pytest.approx(0.3)


def test_a_request_waits_for_a_few_turns_of_the_harness_no_more() -> None:
    """Each turn was 0.17 s late, and it takes several: a sound answer seemed slow in a crowd."""
    turns = [waited("harness", t / 4, t / 4 + 0.17, 0.17, how="late") for t in range(40)]
    noise = Noise(History(turns))
    assert noise.late_s(1.0, 1.3) == pytest.approx(2 * 0.17)
    assert noise.late_s(1.2, 9.0) == pytest.approx(LOOP_PASSES * 0.17)
    assert noise.late_s(1.18, 1.22) == 0.0
    assert noise.late_on_wire_s(1.0, 9.0) == 0.0


def test_requests_late_together_are_late_once(world) -> None:
    shown = world()
    for number in range(1, 101):
        shown.request("crowd", number, 5.0, 200, late_s=number / 1000)
    assert Noise(shown.history()).late_s(5.0, 6.0) == pytest.approx(0.1)


def test_a_little_late_again_and_again_is_a_little_late(world) -> None:
    shown = world()
    for number in range(1, 21):  # each should have left while the one before it was late
        shown.request("chat", number, float(number), 200, late_s=1.2 if number == 7 else 1.05)
    noise = Noise(shown.history())
    assert noise.late_s(0.0, 30.0) == pytest.approx(1.2)
    assert noise.late_s(15.0, 15.0) == pytest.approx(1.2)
    assert noise.worst() == "requests left 1.2s late at 8.2s"


def test_a_burst_is_the_worst_second_not_the_sum() -> None:
    often = [waited("target", t, t + 0.25, 0.01) for t in range(30)]
    noise = Noise(History([*often, waited("stubs", 12.0, 12.5, 0.4)]))
    assert noise.late_s(0.0, 30.0) == pytest.approx(0.7)
    assert noise.burst_s(0.0, 30.0) == pytest.approx(0.42)
    assert noise.burst_s(20.0, 30.0) == pytest.approx(0.02)


def test_it_explains_no_more_than_was_measured() -> None:
    noise = Noise(History([waited("target", 1, 1.2, 0.1)]))
    assert noise.explains(0.1, 1.0, 2.0)
    assert not noise.explains(0.11, 1.0, 2.0)
    assert not noise.explains(0.1, 2.0, 3.0)
    assert noise.explains(0.0, 2.0, 3.0)


@pytest.mark.parametrize(
    ("who", "how", "words"),
    [
        ("target", "for a CPU", "the target waited 1.8s for a CPU at 12.3s"),
        ("target", "for the disk", "the target waited up to 1.8s for the disk at 12.3s"),
        ("proxy", "for memory", "the proxy waited up to 1.8s for memory at 12.3s"),
        ("stubs", "stopped", "the stubs stood still for 1.8s, until 12.3s"),
        ("harness", "late", "the harness came 1.8s late at 12.3s"),
        ("machine", "stolen", "this machine's host took 1.8s of its CPUs at 12.3s"),
    ],
)
def test_the_worst_is_said_in_words(who: str, how: str, words: str) -> None:
    worst = waited(who, 10.5, 12.3, 1.8, how=how)
    assert Noise(History([waited("proxy", 1, 2, 0.5), worst])).worst() == words


def test_absurd_waits_are_no_excuse() -> None:
    absurd = [
        waited("target", 1, 2, math.inf),
        waited("target", 1, 2, math.nan),
        waited("target", -math.inf, 2, 1.0),
        waited("target", 3, 2, 1.0),
        waited("target", 1, 2, -1.0),
    ]
    assert Noise(History(absurd)).late_s(0.0, 5.0) == 0.0


def test_a_wait_survives_the_file() -> None:
    event = waited("target", 1.0, 1.25, 0.125)
    assert from_json(to_json(event)) == event


WAITS = st.lists(
    st.builds(
        lambda who, since_s, length_s, wait_s: waited(who, since_s, since_s + length_s, wait_s),
        st.sampled_from(["target", "stubs", "proxy", "harness"]),
        st.floats(0, 50),
        st.floats(0, 2),
        st.floats(0.001, 2),
    ),
    max_size=30,
)
INSTANTS = st.floats(-1, 60)


@given(WAITS, INSTANTS, INSTANTS)
def test_slack_is_the_sum_of_what_reaches_into_the_time(
    waits: list[Waited], one_s: float, other_s: float
) -> None:
    start_s, end_s = sorted((one_s, other_s))
    plain_s = sum(w.wait_s for w in waits if w.at_s >= start_s and w.since_s <= end_s)
    noise = Noise(History(waits))
    assert noise.late_s(start_s, end_s) == pytest.approx(plain_s, abs=1e-6)
    assert noise.burst_s(start_s, end_s) <= noise.late_s(start_s, end_s) + 1e-6


@given(WAITS, INSTANTS, INSTANTS, INSTANTS)
def test_more_time_never_has_less_slack(
    waits: list[Waited], one_s: float, two_s: float, three_s: float
) -> None:
    start_s, middle_s, end_s = sorted((one_s, two_s, three_s))
    noise = Noise(History(waits))
    assert noise.late_s(start_s, middle_s) <= noise.late_s(start_s, end_s) + 1e-9
    assert noise.burst_s(start_s, middle_s) <= noise.burst_s(start_s, end_s) + 1e-9
