"""Requests under way: the nearest come first, and nobody who may be meant is left out."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.history.events import Answered, Sent
from harness.history.requests import Request
from harness.history.view import History
from harness.wire.pending import Pending, Standing
from harness.wire.turns import Due


def request(number: int, at_s: float, end_s: float = math.inf, trace: str = "") -> Request:
    sent = Sent(
        at_s=at_s, by="client", id=number, stream="users", number=1, planned_s=at_s,
        method="GET", path="/", trace=trace,
    )  # fmt: skip
    ended = Answered(at_s=end_s, by="client", id=number, status=200)
    (found,) = History([sent] if math.isinf(end_s) else [sent, ended]).requests
    return found


def at_once(one: Request) -> Standing:
    return Standing([Due("mail", one.at_s, one.at_s, 0.0)], None)


def ids(found) -> list[int]:
    return [one.id for _, one in found]


def test_the_nearest_come_first_and_nobody_who_is_not_due():
    pending = Pending([request(1, 0.0), request(2, 1.0), request(3, 2.0)], at_once)
    pending.go_on(1.5, 1.4)
    assert ids(pending.nearest("mail", 1.5)) == [2, 1]
    assert ids(pending.nearest("stock", 1.5)) == []


def test_who_has_ended_is_gone_for_good():
    pending = Pending([request(1, 0.0, 1.0), request(2, 0.5)], at_once)
    pending.go_on(1.2, 1.1)
    pending.go_on(1.3, 0.5)  # an allowance that grew brings nobody back
    assert ids(pending.nearest("mail", 1.3)) == [2]
    assert pending.one(1) is None


def test_what_was_due_before_a_move_is_not_due_after_it():
    standing = {1: Standing([Due("mail", 0.0, 0.0, 0.0)], None)}
    one = request(1, 0.0)
    pending = Pending([one], lambda request: standing[request.id])
    pending.go_on(0.0, 0.0)
    standing[1] = Standing([Due("mail", 3.0, 4.0, 0.0)], ("mail", 0.0))
    pending.moved(one)
    pending.go_on(2.0, 2.0)
    assert ids(pending.nearest("mail", 2.0)) == []
    assert [r.id for r in pending.last_at("mail", 0.0)] == [1]
    pending.go_on(3.0, 3.0)
    assert list(pending.nearest("mail", 3.0)) == [(-1.0, one)]  # on time until 4 s


def test_whoever_may_wait_for_ever_is_always_near():
    one = request(1, 0.0)
    pending = Pending([one], lambda _: Standing([Due("mail", 0.0, math.inf, 0.0)], None))
    pending.go_on(50.0, 50.0)
    assert ids(pending.nearest("mail", 50.0)) == [1]


def test_a_trace_names_its_request_while_it_is_under_way():
    pending = Pending([request(1, 0.0, 1.0, trace="a"), request(2, 0.0, trace="b")], at_once)
    pending.go_on(0.0, 0.0)
    assert [one.id for one in pending.traced("a")] == [1]
    pending.go_on(2.0, 2.0)
    assert pending.traced("a") == []


instants = st.integers(0, 40).map(lambda tenth: tenth / 10)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(instants, instants, instants), max_size=12), st.lists(instants))
def test_as_if_everyone_had_been_looked_at(lives, looks):
    requests = sorted(
        (request(k, at_s, at_s + lasts_s) for k, (at_s, lasts_s, _) in enumerate(lives)),
        key=lambda r: (r.at_s, r.id),
    )
    waits = {k: wait_s for k, (_, _, wait_s) in enumerate(lives)}

    def standing(one: Request) -> Standing:
        due_s = one.at_s + waits[one.id]
        return Standing([Due("mail", due_s, due_s, 0.0)], ("mail", one.at_s))

    pending = Pending(requests, standing)
    for at_s in sorted(looks):
        pending.go_on(at_s, at_s)
        alive = [r for r in requests if r.at_s <= at_s + 0.02 and r.end_s >= at_s]
        due = [r for r in alive if at_s >= r.at_s + waits[r.id] - 0.02]
        assert sorted(ids(pending.nearest("mail", at_s))) == sorted(r.id for r in due)
        near = [off_s for off_s, _ in pending.nearest("mail", at_s)]
        assert near == sorted(near)
        assert [r.id for r in pending.last_at("mail", 1.0)] == [
            r.id for r in alive if r.at_s >= 1.0
        ]
        assert [r.id for r in pending.all()] == [r.id for r in alive]


@pytest.mark.parametrize("again", [False, True])
def test_two_requests_of_one_id_do_no_harm(again):
    pending = Pending([request(1, 0.0, 0.5), request(1, 0.0, 2.0)], at_once)
    pending.go_on(0.0, 0.0)
    if again:
        pending.moved(request(1, 0.0, 2.0))
    pending.go_on(1.0, 1.0)
    assert ids(pending.nearest("mail", 1.0)) == [1]
