"""An attempt that carries a request's trace is that request's, whoever seems nearer."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from harness.history.events import Called, Crossed, Event, Replied, Sent
from tests.unit.wire.test_witness import Story


def owner(named: str) -> int:
    """Which of two requests at once a single attempt is given to."""
    story = Story("auth", fault="latency", to_s=5)
    for number in (1, 2):
        story.request(number, 2.0, took_s=0.02, status=200)
    story.attempt(2.002, took_s=0.004, status=200)
    story.events = [_traced(event, named) for event in story.events]
    wire = story.infer(10)
    (found,) = [r for r in wire.demands if r.request.number and r.attempts]
    return found.request.number


def _traced(event: Event, named: str) -> Event:
    if isinstance(event, Sent):
        return replace(event, trace=f"trace {event.number}")
    if isinstance(event, Called) and event.at_s > 0:
        return replace(event, trace=named)
    return event


def test_a_trace_says_whose_an_attempt_is() -> None:
    assert owner("trace 1") == 1
    assert owner("trace 2") == 2


def test_a_trace_that_nobody_began_says_nothing() -> None:
    assert owner("another") == owner("")


@pytest.mark.parametrize("fault", ["latency", "reply_lost"])  # one that delays calls, and one not
def test_of_two_records_at_one_instant_the_answered_attempt_claims_neither(fault: str) -> None:
    """A drawn toxic ate the answer to the first one's second attempt, not that to the second's."""
    story = Story("auth", fault=fault, to_s=20)
    story.request(1, 1.0, took_s=11.01, status=401)
    story.attempt(1.002, took_s=5, status=None)
    story.attempt(7.002, took_s=5, status=None)
    eaten = {"at_s": 7.002, "by": "stub", "upstream": "auth", "id": 99}
    story.events.append(Called(route="POST /verify", path="/verify", of="x", attempt=2, **eaten))
    story.events.append(Replied(status=200, outcome="sent", **eaten))
    story.request(2, 7.0, took_s=0.01, status=200)
    story.attempt(7.002, took_s=0.0, status=200)
    traces = {99: "trace 1", story.connections: "trace 2"}
    story.events = [
        replace(event, trace=traces.get(event.id, ""))
        if isinstance(event, Called)
        else _traced(event, "")
        for event in story.events
    ]
    wire = story.infer(20)
    first, second = (r for r in wire.demands if r.request.number)
    assert [len(demand.attempts) for demand in (first, second)] == [2, 1]
    assert not wire.turned_away


def test_of_calls_held_on_their_way_the_next_to_arrive_need_not_be_the_next_sent() -> None:
    """Each is held for a second both ways: the first arrives as the second is sent."""
    story = Story("auth", fault="latency", to_s=20)
    for number, at_s in ((1, 1.0), (2, 2.0)):
        story.request(number, at_s, took_s=2.003, status=200)
        story.connections += 1
        crossing = {"by": "proxy", "upstream": "auth", "connection": story.connections}
        stub = {"by": "stub", "upstream": "auth", "id": story.connections}
        here = {"path": "/verify", "at_s": at_s + 0.002}
        there = {"route": "POST /verify", "path": "/verify", "of": "x", "attempt": 1}
        story.events += [
            Crossed(what="request", method="POST", **here, **crossing),
            Called(at_s=at_s + 1.002, trace=f"trace {number}", **there, **stub),
            Replied(at_s=at_s + 1.002, status=200, outcome="sent", **stub),
            Crossed(at_s=at_s + 2.002, what="response", status=200, **crossing),
        ]
    story.events = [
        _traced(event, "") if isinstance(event, Sent) else event for event in story.events
    ]
    wire = story.infer(20)
    assert [len(r.attempts) for r in wire.demands if r.request.number] == [1, 1]
    assert not wire.turned_away
