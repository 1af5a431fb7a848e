"""The clock of a world held open, without a world: whatever is pressed, the right faults are on."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from harness.held.keys import keys_in
from harness.held.playhead import Playhead
from harness.timeline import Apply, Lift, Send

STEPS = (
    Apply(at_s=0.0, fault=0),
    Send(at_s=0.0, stream="a", number=1, user=None, address=0),
    Send(at_s=4.0, stream="a", number=2, user=None, address=0),
    Lift(at_s=5.0, fault=0),
    Apply(at_s=5.0, fault=1),
    Send(at_s=8.0, stream="a", number=3, user=None, address=0),
    Lift(at_s=9.0, fault=1),
)
END_S = 12.0


def due_at(at_s: float) -> set[int]:
    return {0} if at_s < 5 else {1} if at_s < 9 else set()


def do(head: Playhead, now_s: float) -> list[object]:
    """Do what is due, as a world that refuses nothing; gives what was done."""
    done: list[object] = []
    for step in head.due(now_s):
        if isinstance(step, Apply) and step.fault not in head.in_force:
            head.in_force.add(step.fault)
        elif isinstance(step, Lift) and step.fault in head.in_force:
            head.in_force.remove(step.fault)
        elif not isinstance(step, Send):
            continue
        done.append(step)
    return done


def test_nothing_is_broken_until_it_is_played():
    head = Playhead(STEPS, END_S)
    assert do(head, 100.0) == []
    assert head.next_due_in_s(100.0) is None
    head.play(100.0)
    assert head.next_due_in_s(100.0) == 0.0
    assert do(head, 100.0) == list(STEPS[:2])
    assert head.next_due_in_s(101.0) == 3.0
    assert do(head, 105.5) == list(STEPS[2:5])
    assert head.in_force == {1}


def test_while_it_stands_time_changes_nothing_and_it_goes_on_where_it_was():
    head = Playhead(STEPS, END_S)
    head.play(0.0)
    do(head, 3.0)
    head.pause(3.0)
    assert do(head, 50.0) == []
    assert (head.at(50.0), head.runs(50.0), head.in_force) == (3.0, False, {0})
    head.play(50.0)
    assert do(head, 51.0) == [STEPS[2]]


def test_it_ends_at_the_end_and_begins_anew_from_there():
    head = Playhead(STEPS, END_S)
    head.play(0.0)
    do(head, 20.0)
    assert (head.at(20.0), head.runs(20.0), head.next_due_in_s(20.0)) == (END_S, False, None)
    head.play(30.0)
    assert do(head, 30.0) == list(STEPS[:2])


def test_jumps_lead_to_where_faults_come_and_go():
    head = Playhead(STEPS, END_S)
    places = []
    for by in (1, 1, 1, 1, -1, -1, -1, -1):
        head.jump(head.change_beside(0.0, by), 0.0)
        places.append(head.at(0.0))
    assert places == [5.0, 9.0, 12.0, 12.0, 9.0, 5.0, 0.0, 0.0]
    head.jump(-3.0, 0.0)
    assert head.at(0.0) == 0.0


def test_requests_that_were_jumped_over_are_not_sent():
    head = Playhead(STEPS, END_S)
    head.play(0.0)
    do(head, 0.5)
    head.jump(8.0, 0.5)
    sent = [step.number for step in do(head, 0.5) if isinstance(step, Send)]
    assert sent == [3]


MOVES = st.one_of(
    st.tuples(st.just("play")),
    st.tuples(st.just("pause")),
    st.tuples(st.just("jump"), st.floats(-2, 15)),
    st.tuples(st.just("hold"), st.sets(st.integers(0, 1))),
)


@settings(max_examples=60)
@given(st.lists(st.tuples(MOVES, st.floats(0, 6)), max_size=12))
def test_whatever_is_pressed_the_faults_of_its_place_are_in_force(moves):
    head, now_s, held = Playhead(STEPS, END_S), 0.0, frozenset()
    for (name, *given_), wait_s in moves:
        if name == "play":
            head.play(now_s)
        elif name == "pause":
            head.pause(now_s)
        elif name == "jump":
            head.jump(given_[0], now_s)
        else:
            head.hold(frozenset(given_[0]), now_s)
        ran = head.runs(now_s) or (head.at(now_s) >= END_S and name not in ("pause", "hold"))
        held = (
            frozenset(given_[0])
            if name == "hold"
            else held
            if not ran and name == "pause"
            else None
        )
        do(head, now_s)
        now_s += wait_s
        do(head, now_s)
        if held is None:
            assert head.in_force == due_at(head.at(now_s))
        else:
            assert head.in_force == held


def test_keys_are_told_apart_from_sequences_of_other_keys():
    assert list(keys_in(b" r\x1b[C\x1bOD\x1b[1~q")) == [" ", "r", "right", "left", "home", "q"]
    assert list(keys_in(b"\x1b[15~q\x1b\x1b[1;5Ab\x1b[")) == ["q", "b"]
