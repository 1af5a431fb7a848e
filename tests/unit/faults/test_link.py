"""Links in virtual time: outcomes, order, back pressure, changes of the chain."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.faults import TOXICS, End, Link, Placed, Toxic, join

NEVER = math.inf


def link(*toxics: Toxic, seed: int = 1, toxicity: float = 1.0) -> Link:
    chain = [
        Placed(name=f"t{place}", toxic=toxic, toxicity=toxicity)
        for place, toxic in enumerate(toxics)
    ]
    return Link(chain, rng=random.Random(seed))


def toxic(name: str, **settings: int) -> Toxic:
    return TOXICS[name](**settings)


def play(link: Link, until_s: float = 1e9) -> list[tuple[float, bytes | End]]:
    """Everything the link does by itself, at the instants it asks for."""
    done = []
    while link.next_wake_s <= until_s:
        at_s = link.next_wake_s
        done += [(round(at_s, 6), action) for action in link.advance(at_s)]
    return done


def test_without_toxics_bytes_pass_and_the_end_closes() -> None:
    bare = link()
    assert bare.transparent
    bare.feed(0.0, b"a")
    assert bare.advance(0.0) == [b"a"]
    bare.eof(1.0)
    assert bare.advance(1.0) == [End.CLOSE]
    assert bare.ended
    assert not bare.wants_data


@pytest.mark.parametrize(
    "passing",
    [
        [toxic("noop")],
        [toxic("latency", latency_ms=-5)],
        [toxic("slow_close", delay_ms=50), toxic("latency")],
    ],
)
def test_a_chain_that_passes_everything_at_once_is_transparent(passing: list[Toxic]) -> None:
    made = link(*passing)
    assert made.transparent
    made.block()
    made.feed(0.0, b"a")
    assert not made.transparent, "a byte that went past it would overtake"
    made.unblock(0.1)
    assert not made.transparent, "neither before its actions are carried out"
    assert made.advance(0.1) == [b"a"]
    assert made.transparent
    made.eof(0.2)
    assert not made.transparent


@pytest.mark.parametrize("kind", sorted(set(TOXICS) - {"noop", "slow_close"}))
def test_a_toxic_that_acts_on_data_is_not_transparent_unless_it_was_not_drawn(kind: str) -> None:
    settings = {"latency": {"latency_ms": 1}, "slicer": {"average_size_bytes": 1}}.get(kind, {})
    assert not link(toxic(kind, **settings)).transparent
    assert link(toxic(kind, **settings), toxicity=0).transparent
    assert not link(toxic("noop"), toxic(kind, **settings)).transparent


def test_a_delay_that_was_taken_back_is_waited_for_before_bytes_may_go_past() -> None:
    made = link(toxic("latency", latency_ms=100))
    made.feed(0.0, b"a")
    made.update(0.05, Placed(name="t0", toxic=toxic("latency")), restart=False)
    assert not made.transparent
    assert made.advance(0.1) == [b"a"]
    assert made.transparent


def test_actions_are_given_out_once() -> None:
    bare = link()
    bare.feed(0.0, b"a")
    assert bare.advance(0.0) == [b"a"]
    assert bare.advance(0.0) == []


def test_latency_delays_a_burst_once_and_the_end_waits_behind() -> None:
    late = link(toxic("latency", latency_ms=100))
    late.feed(0.0, b"a")
    late.feed(0.03, b"b")
    late.eof(0.04)
    assert late.next_wake_s == pytest.approx(0.1)
    assert play(late) == [(0.1, b"a"), (0.13, b"b"), (0.13, End.CLOSE)]


def test_a_late_driver_gets_the_same_outcome() -> None:
    def fed() -> Link:
        made = link(toxic("latency", latency_ms=50), toxic("bandwidth", rate_kb_per_s=1))
        for number in range(5):
            made.feed(number / 100, b"x" * 30)
        made.eof(0.06)
        return made

    punctual = [action for _, action in play(fed())]
    assert fed().advance(100.0) == punctual


def test_a_chunk_before_the_deadline_counts_even_when_the_driver_is_late() -> None:
    quiet = link(toxic("latency", latency_ms=100), toxic("timeout", timeout_ms=150))
    quiet.feed(0.0, b"a")  # reaches the timeout at 0.1, in time to start its wait anew
    assert quiet.advance(0.2) == []
    assert quiet.next_wake_s == pytest.approx(0.25)


def test_bandwidth_slices_on_schedule() -> None:
    slow = link(toxic("bandwidth", rate_kb_per_s=1))
    slow.feed(0.0, b"x" * 250)
    assert [(at_s, len(data)) for at_s, data in play(slow)] == [(0.1, 100), (0.2, 100), (0.25, 50)]  # type: ignore[arg-type]


def test_stall_holds_everything_and_pushes_back_until_removed() -> None:
    stalled = link(toxic("bandwidth", rate_kb_per_s=0))
    fed = 0
    while stalled.wants_data:
        stalled.feed(0.0, b"%d" % fed)
        fed += 1
    assert fed == 3, "one held, one passing, one in the reader's hand"
    stalled.eof(1.0)
    assert stalled.next_wake_s == NEVER
    stalled.remove(2.0, "t0")
    assert stalled.advance(2.0) == [b"0", b"1", b"2", End.CLOSE]


def test_latency_queues_1024_chunks_before_it_pushes_back() -> None:
    late = link(toxic("latency", latency_ms=1000))
    fed = 0
    while late.wants_data:
        late.feed(0.0, b"x")
        fed += 1
    assert fed == 1024 + 3


def test_blocked_destination_pushes_back_through_the_chain() -> None:
    made = link(toxic("noop"), toxic("noop"))
    made.feed(0.0, b"0")
    assert made.advance(0.0) == [b"0"]
    made.block()
    fed = 1
    while made.wants_data:
        made.feed(0.0, b"%d" % fed)
        fed += 1
    assert fed == 1 + 4
    assert made.advance(5.0) == []
    assert made.next_wake_s == NEVER, "waiting for room is no reason to wake up"
    made.unblock(6.0)
    assert made.advance(6.0) == [b"1", b"2", b"3", b"4"]


def test_timeout_closes_after_silence_only() -> None:
    silent = link(toxic("timeout", timeout_ms=1000))
    assert silent.next_wake_s == 1.0
    silent.feed(0.9, b"dropped")
    assert play(silent) == [(1.9, End.CLOSE)]


def test_reset_peer_waits_for_data_and_can_not_be_stopped() -> None:
    made = link(toxic("reset_peer", timeout_ms=500))
    assert made.next_wake_s == NEVER
    made.feed(1.0, b"lost")
    made.remove(1.1, "t0")
    assert play(made) == [(1.5, End.RESET)]


def test_reset_reaches_the_other_direction() -> None:
    up, down = link(toxic("reset_peer")), link()
    join(up, down)
    up.feed(0.0, b"x")
    assert up.advance(0.0) == [End.RESET]
    down.eof(0.0)
    assert down.advance(0.0) == [End.RESET]


def test_reset_peer_added_later_closes_plainly() -> None:
    made = link()
    made.add(0.0, Placed(name="r", toxic=toxic("reset_peer")))
    made.feed(1.0, b"x")
    assert made.advance(1.0) == [End.CLOSE]


def test_slow_close_starts_anew_on_update_and_ends_on_removal() -> None:
    made = link(toxic("slow_close", delay_ms=1000))
    made.eof(0.0)
    made.update(0.5, Placed(name="t0", toxic=toxic("slow_close", delay_ms=2000)))
    assert made.next_wake_s == 2.5
    made.remove(1.0, "t0")
    assert made.advance(1.0) == [End.CLOSE]


def test_limit_data_cuts_and_closes_exactly_at_the_limit() -> None:
    made = link(toxic("limit_data", limit_bytes=5))
    made.feed(0.0, b"abc")
    made.feed(0.0, b"defg")
    assert made.advance(0.0) == [b"abc", b"de", End.CLOSE]
    made.feed(1.0, b"more")
    made.eof(2.0)
    assert made.advance(2.0) == [], "an ended link stays ended"


def test_adding_releases_what_the_last_toxic_held_past_the_new_one() -> None:
    made = link(toxic("latency", latency_ms=1000))
    made.feed(0.0, b"held")
    made.add(0.1, Placed(name="black hole", toxic=toxic("timeout")))
    assert made.advance(0.1) == [b"held"]
    made.feed(0.2, b"next")
    assert made.advance(5.0) == []


def test_removing_a_toxic_releases_its_queue_and_its_predecessors_hand_in_order() -> None:
    made = link(toxic("latency", latency_ms=100), toxic("latency", latency_ms=1000))
    for number in range(4):
        made.feed(number * 0.06, b"%d" % number)
    made.advance(0.19)  # 0 and 1 have reached the second
    made.remove(0.19, "t1")
    assert made.advance(0.19) == [b"0", b"1", b"2"]
    assert [action for _, action in play(made)] == [b"3"]


def test_removing_a_timeout_closes_even_where_it_was_not_drawn() -> None:
    made = link(toxic("timeout"), toxicity=0)
    made.feed(0.0, b"spared")
    assert made.advance(0.0) == [b"spared"]
    made.remove(1.0, "t0")
    assert made.advance(1.0) == [End.CLOSE]


def test_restart_false_changes_settings_for_the_next_chunk_only() -> None:
    made = link(toxic("latency", latency_ms=100))
    made.feed(0.0, b"a")
    made.update(0.05, Placed(name="t0", toxic=toxic("latency", latency_ms=10)), restart=False)
    assert made.next_wake_s == pytest.approx(0.1)
    made.advance(0.1)
    made.feed(0.2, b"b")
    assert made.next_wake_s == pytest.approx(0.21)


def test_changes_of_an_unknown_toxic_do_nothing() -> None:
    made = link()
    made.remove(0.0, "none")
    made.update(0.0, Placed(name="none", toxic=toxic("noop")))
    assert made.transparent


@pytest.mark.parametrize(("average", "variation"), [(0, 0), (-3, 0), (5, 50), (1, 1), (10, -20)])
def test_slicer_settings_that_would_crash_toxiproxy(average: int, variation: int) -> None:
    made = link(
        toxic("slicer", average_size_bytes=average, size_variation_bytes=variation, delay_us=0)
    )
    made.feed(0.0, b"x" * 1000)
    pieces = made.advance(0.0)
    assert all(pieces)
    assert b"".join(piece for piece in pieces if isinstance(piece, bytes)) == b"x" * 1000


def test_slicer_sizes_stay_within_their_bounds() -> None:
    made = link(toxic("slicer", average_size_bytes=100, size_variation_bytes=20))
    made.feed(0.0, b"x" * 30_000)
    sizes = [len(piece) for piece in made.advance(0.0) if isinstance(piece, bytes)]
    assert sum(sizes) == 30_000
    assert max(sizes) <= 120
    assert min(sizes) >= 60 - 20


def test_same_seed_same_draws() -> None:
    def fates(seed: int) -> list[bool]:
        rng = random.Random(seed)
        chain = [Placed(name="t", toxic=toxic("timeout"), toxicity=0.5)]
        spared = []
        for _ in range(50):
            made = Link(chain, rng=rng)
            made.feed(0.0, b"x")
            spared.append(bool(made.advance(0.0)))
        return spared

    assert fates(3) == fates(3)
    assert fates(3) != fates(4)


_CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["feed", "add", "remove", "update", "block", "unblock", "wait"]),
        st.sampled_from(["latency", "no latency", "bandwidth", "slicer", "noop", "slow_close"]),
        st.integers(0, 3),
        st.floats(0, 0.2),
    ),
    max_size=60,
)


@given(_CHANGES)
def test_no_byte_is_lost_or_reordered_whatever_is_changed(
    changes: list[tuple[str, str, int, float]],
) -> None:
    """Toxics that don't drop data deliver all of it, in order, and then the end.

    Where a link is transparent, some of the data goes past it, as a driver may let it.
    """
    toxics = {
        "latency": toxic("latency", latency_ms=80, jitter_ms=60),
        "no latency": toxic("latency"),
        "bandwidth": toxic("bandwidth", rate_kb_per_s=1),
        "slicer": toxic("slicer", average_size_bytes=7, size_variation_bytes=3, delay_us=500),
        "noop": toxic("noop"),
        "slow_close": toxic("slow_close", delay_ms=30),
    }
    made = link()
    at_s, sent, received = 0.0, b"", b""
    names: list[str] = []

    def take() -> bytes:
        return b"".join(action for action in made.advance(at_s) if isinstance(action, bytes))

    for place, (change, kind, which, wait_s) in enumerate(changes):
        at_s += wait_s
        received += take()
        new = toxics[kind]
        if change == "feed":
            data = b"%04d" % place * 9
            sent += data
            if made.transparent and which:
                received += data
            else:
                made.feed(at_s, data)
        elif change == "add":
            names.append(f"n{place}")
            made.add(at_s, Placed(name=names[-1], toxic=new))
        elif change == "remove" and names:
            made.remove(at_s, names.pop(which % len(names)))
        elif change == "update" and names:
            made.update(at_s, Placed(name=names[which % len(names)], toxic=new, toxicity=0.5))
        elif change == "block":
            made.block()
        elif change == "unblock":
            made.unblock(at_s)
        received += take()
    made.unblock(at_s)
    made.eof(at_s)
    actions: list[bytes | End] = []
    for _ in range(10_000):
        actions += made.advance(at_s)
        if made.ended or made.next_wake_s == NEVER:
            break
        at_s = made.next_wake_s
    actions += made.advance(at_s)
    received += b"".join(action for action in actions if isinstance(action, bytes))
    assert received == sent
    assert actions[-1] is End.CLOSE
