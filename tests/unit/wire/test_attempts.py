"""Attempts as the simulated proxy and the stub show them, from histories by hand."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from harness.checks.noise import Noise
from harness.history.events import (
    Applied,
    Called,
    Crossed,
    Event,
    Lifted,
    Replied,
    Run,
    Waited,
)
from harness.history.view import History
from harness.policy.counting import Result
from harness.policy.settings import in_a_row
from harness.wire.attempts import FAILURE, Attempt
from harness.wire.eyes import attempts_of
from harness.wire.sight import Sight

SETTINGS = in_a_row(attempts=1, timeout_s=30, threshold=5, wait_s=60)
BY_ITS_STUB = Run(
    at_s=-2, by="engine", scenario="s", file="s.yaml", engine="local", proxy="toxiproxy",
    target="t", seed=0, upstreams=("chroma",), evidence=("stub",),
)  # fmt: skip
"""A run of which only the stub tells."""
BY_CONNECTIONS = replace(BY_ITS_STUB, evidence=("stub", "proxy connections"))
"""One behind a real Toxiproxy, whose connections are seen, too."""


def crossed(at_s: float, connection: int, what: str, **more: str | int) -> Crossed:
    return Crossed(
        at_s=at_s, by="proxy", upstream="chroma", connection=connection, what=what, **more
    )  # type: ignore[arg-type]


def query(at_s: float, number: int, *, first_bytes_s: float, end_s: float, outcome: str) -> (
    Iterator[Event]
):  # fmt: skip
    yield crossed(at_s, number, "accepted")
    yield crossed(at_s, number, "request", method="POST", path="/query")
    yield Called(
        at_s=at_s, by="stub", upstream="chroma", id=number, route="POST /query", path="/query",
        of="q", attempt=1,
    )  # fmt: skip
    yield crossed(first_bytes_s, number, "response", status=200)
    yield Replied(at_s=end_s, by="stub", upstream="chroma", id=number, status=200, outcome=outcome)


def history(*events: Event) -> History:
    run = Run(
        at_s=-2, by="engine", scenario="s", file="s.yaml", engine="sim", proxy="simulated",
        target="t", seed=0, upstreams=("chroma",), evidence=("stub", "proxy requests"),
    )  # fmt: skip
    return History([run, *sorted(events, key=lambda event: event.at_s)])


def seen(*events: Event) -> tuple[Attempt, ...]:
    told = history(*events)
    return attempts_of(told, "chroma", SETTINGS, Sight(told, "chroma", Noise(told)))


def waited(at_s: float, wait_s: float, who: str = "target") -> Waited:
    since_s = at_s - wait_s
    return Waited(
        at_s=at_s, by="engine", who=who, how="for a CPU", since_s=since_s, wait_s=wait_s
    )  # fmt: skip


def test_only_waits_of_its_wire_at_either_end_make_an_attempt_race_its_deadline() -> None:
    answered = tuple(query(2.0, 1, first_bytes_s=31.8, end_s=31.8, outcome="sent"))
    between = [waited(at_s, 0.25) for at_s in range(5, 30)]
    harness = [waited(31.9, 0.25, who="harness")]
    (sure,) = seen(*answered, *between, *harness)
    assert sure.results == {Result.SUCCESS}
    for at_s in (2.1, 31.9):
        (raced,) = seen(*answered, waited(at_s, 0.25))
        assert raced.results == {Result.SUCCESS, Result.FAILURE}


def test_equal_attempts_after_each_other_keep_their_own_ends() -> None:
    # The first drips until its client leaves; the second, 0.3 s later, is answered at once and ends
    # nearer to the first one's first bytes.
    dripping = query(2.35, 1, first_bytes_s=3.35, end_s=32.35, outcome="left")
    answered = query(2.65, 2, first_bytes_s=2.65, end_s=2.65, outcome="sent")
    first, second = seen(*dripping, *answered)
    assert (first.result, first.end_s) == (Result.FAILURE, 32.35)
    assert (second.result, second.end_s) == (Result.SUCCESS, 2.65)


def test_equal_attempts_at_one_instant_are_told_apart_by_their_ends() -> None:
    delayed = query(2.0, 1, first_bytes_s=5.0, end_s=5.0, outcome="sent")
    cut_off = query(2.0, 2, first_bytes_s=2.1, end_s=2.1, outcome="truncated")
    made = seen(*delayed, *cut_off)
    assert {(a.result, a.end_s) for a in made} == {(Result.SUCCESS, 5.0), (Result.FAILURE, 2.1)}


def test_of_calls_that_a_pause_let_in_together_nobody_knows_which_was_left() -> None:
    """The answered one was given the record of one whose client had gone, and had failed."""
    paused = {"fault": 0, "name": "pause", "upstreams": ("chroma",), "planned_s": 0.0}
    given_up = [
        *query(1.0, 1, first_bytes_s=12.0, end_s=12.0, outcome="left"),
        crossed(9.0, 1, "closed", closed_by="client"),
    ]
    waits = query(11.9, 2, first_bytes_s=12.0, end_s=12.0, outcome="sent")
    events = [
        replace(event, at_s=12.0) if isinstance(event, Called) else event
        for event in (*given_up, *waits)
        if not (isinstance(event, Crossed) and event.what == "response" and event.connection == 1)
    ]
    first, second = seen(Applied(at_s=0.0, by="engine", **paused), *events)
    assert first.results == {Result.FAILURE}
    assert second.results == {Result.SUCCESS, Result.FAILURE}


def test_a_kept_alive_connection_cut_while_idle_may_have_swallowed_a_request() -> None:
    idle = [
        *query(-1.0, 1, first_bytes_s=-1.0, end_s=-1.0, outcome="sent"),
        crossed(0.0, 1, "closed", closed_by="proxy"),
    ]
    assert history(*idle).connections_at("chroma").cut_idle() == [0.0]


def test_what_the_client_closed_or_was_asked_on_swallowed_nothing() -> None:
    left = [
        *query(1.0, 1, first_bytes_s=1.0, end_s=1.0, outcome="sent"),
        crossed(2.0, 1, "closed", closed_by="client"),
    ]
    asked = [
        crossed(1.0, 2, "accepted"),
        crossed(1.0, 2, "request", method="POST", path="/query"),
        crossed(2.0, 2, "closed", closed_by="proxy"),
    ]
    assert history(*left, *asked).connections_at("chroma").cut_idle() == []


def test_a_connection_closed_with_its_answer_cuts_nobody_off() -> None:
    asked = query(1.0, 1, first_bytes_s=1.2, end_s=1.2, outcome="sent")
    closed = crossed(1.2, 1, "closed", closed_by="upstream")
    assert history(*asked, closed).connections_at("chroma").cut_idle() == []


def test_a_close_may_have_been_heard_at_once_that_a_toxic_need_not_hold() -> None:
    # Data is dropped on some connections, and nobody says whether their close is held back, too.
    def under(kind: str, by: str = "upstream") -> Attempt:
        fault = {"fault": 0, "name": kind, "upstreams": ("chroma",), "planned_s": 0.0}
        began = Applied(at_s=0.0, by="engine", **fault)  # type: ignore[arg-type]
        request = crossed(1.0, 1, "request", method="POST", path="/query")
        closed = crossed(1.1, 1, "closed", closed_by=by)
        (attempt,) = seen(began, request, closed)
        return attempt

    assert (under("timeout").ends_from_s, under("timeout").end_s) == (1.1, 31.0)
    assert (under("reply_lost").ends_from_s, under("reply_lost").end_s) == (31.0, 31.0)
    # What is only kept from the upstream, or held back behind no data, doesn't hold a close.
    for kind in ("request_lost", "stall"):
        assert (under(kind).ends_from_s, under(kind).end_s) == (1.1, 31.0)
    # What the proxy itself closes is closed on both sides, if another fault had it cut off.
    cut = under("reply_lost", by="proxy")
    assert (cut.ends_from_s, cut.end_s) == (1.1, 31.0)


@pytest.mark.parametrize(
    ("fault", "outcome", "results"),
    [
        ("slicer", "sent", {Result.SUCCESS, Result.FAILURE}),
        ("slow_close", "truncated", {Result.FAILURE}),  # that it breaks off shows as it closes
    ],
)
def test_what_is_slowed_on_its_way_back_outlasts_the_close_of_whoever_sent_it(
    fault: str, outcome: str, results: set[Result]
) -> None:
    slowing = {"name": fault, "upstreams": ("chroma",), "planned_s": 0.5}
    (one,) = seen(
        Applied(at_s=0.5, by="engine", fault=0, **slowing),
        *query(1.0, 1, first_bytes_s=1.01, end_s=1.01, outcome=outcome),
        crossed(1.01, 1, "closed", closed_by="upstream"),
    )
    assert (one.ends_from_s, one.end_s) == (1.01, 31.0)
    assert one.results == results


def test_a_fault_may_meet_what_comes_before_it_is_confirmed() -> None:
    """A busy machine confirmed at 3.0 s what the proxy had cut by since 1.5 s."""
    cut = Applied(
        at_s=3.0, by="engine", fault=0, name="limit_data", upstreams=("chroma",), planned_s=1.5
    )
    (met,) = seen(cut, *query(2.3, 1, first_bytes_s=2.31, end_s=2.31, outcome="sent"))
    assert met.results == {Result.SUCCESS, Result.FAILURE}
    (before,) = seen(cut, *query(1.3, 1, first_bytes_s=1.31, end_s=1.31, outcome="sent"))
    assert before.results == {Result.SUCCESS}


def test_a_stub_has_heard_of_a_call_before_its_answer_is_seen() -> None:
    """Two at once where everything waited: each record is of the attempt that it can be of."""
    events = (
        crossed(9.367255, 40, "request", method="POST", path="/query"),
        Called(
            at_s=9.367742, by="stub", upstream="chroma", id=39, route="POST /query", path="/query",
            of="q", attempt=1,
        ),
        Replied(at_s=9.368296, by="stub", upstream="chroma", id=39, status=200, outcome="sent"),
        crossed(9.381438, 40, "response", status=200),
        crossed(9.381539, 39, "request", method="POST", path="/query"),
        Called(
            at_s=9.389011, by="stub", upstream="chroma", id=40, route="POST /query", path="/query",
            of="q", attempt=2,
        ),
        Replied(at_s=9.389496, by="stub", upstream="chroma", id=40, status=200, outcome="sent"),
        crossed(9.394898, 39, "response", status=200),
    )  # fmt: skip
    waits = [waited(9.6, 0.4, who) for who in ("stubs", "proxy", "target", "harness")]
    attempts = seen(*events, *waits)
    assert [attempt.done_s for attempt in attempts] == [9.368296, 9.389496]


def test_what_the_stub_plays_for_counted_calls_holds_no_other_answer_up() -> None:
    """A stub says whom a fault met; the others' answers are in, though no proxy tells of them."""
    empty = Applied(
        at_s=1.0, by="engine", fault=0, name="empty", upstreams=("chroma",), planned_s=1.0
    )
    calls: list[Event] = []
    for number, outcome in ((1, "lost"), (2, "sent")):
        at_s, met = float(number + 1), ("f0",) if outcome == "lost" else ()
        calls += [
            Called(
                at_s=at_s, by="stub", upstream="chroma", id=number, route="POST /query",
                path="/query", of="q", attempt=1, met=met,
            ),
            Replied(
                at_s=at_s + 0.01, by="stub", upstream="chroma", id=number, status=200,
                outcome=outcome,
            ),
        ]  # fmt: skip
    told = History([BY_ITS_STUB, empty, *calls])
    first, second = attempts_of(told, "chroma", SETTINGS, Sight(told, "chroma", Noise(told)))
    assert first.results == {Result.FAILURE}
    assert (second.results, second.end_s) == ({Result.SUCCESS}, 3.01)


def test_what_a_stub_plays_for_some_calls_holds_up_nobody_else_though_it_met_none() -> None:
    silent = Applied(
        at_s=1.0, by="engine", fault=0, name="blackhole", upstreams=("chroma",), planned_s=1.0
    )
    of_stub = {"by": "stub", "upstream": "chroma", "id": 1}
    called = Called(
        at_s=2.0, route="POST /query", path="/query", of="q", attempt=1, met=(), **of_stub
    )
    told = History(
        [BY_ITS_STUB, silent, called, Replied(at_s=2.1, status=200, outcome="sent", **of_stub)]
    )
    (own,) = attempts_of(told, "chroma", SETTINGS, Sight(told, "chroma", in_stub={0}))
    assert (own.results, own.end_s) == ({Result.SUCCESS}, 2.1)
    (maybe,) = attempts_of(told, "chroma", SETTINGS, Sight(told, "chroma"))
    assert maybe.results == {Result.SUCCESS, Result.FAILURE}


@pytest.mark.parametrize(("lifted_s", "end_s"), [(90.0, 32.0), (5.0, 5.0)])
@pytest.mark.parametrize("status", [200, 429, 500])
def test_any_answer_that_is_held_on_its_way_back_may_be_heard_late_or_never(
    status: int, lifted_s: float, end_s: float
) -> None:
    """At its deadline, or as the lift cuts it. A failure was over as its stub had said so: an
    opening was seen seconds early.
    """
    silent = Applied(
        at_s=1.0, by="engine", fault=0, name="timeout", upstreams=("chroma",), planned_s=1.0
    )
    of_stub = {"by": "stub", "upstream": "chroma", "id": 1}
    called = Called(
        at_s=2.0, route="POST /query", path="/query", of="q", attempt=1, met=(), **of_stub
    )
    replied = Replied(at_s=2.1, status=status, outcome="sent", **of_stub)
    lifted = Lifted(
        at_s=lifted_s, by="engine", fault=0, name="timeout", upstreams=("chroma",),
        planned_s=lifted_s,
    )  # fmt: skip
    told = History([BY_ITS_STUB, silent, called, replied, lifted])
    (own,) = attempts_of(told, "chroma", SETTINGS, Sight(told, "chroma"))
    assert (own.ends_from_s, own.end_s) == (2.1, end_s)
    assert Result.FAILURE in own.results


def test_what_a_stub_keeps_waiting_for_some_calls_ends_with_its_deadline_or_the_fault() -> None:
    """A stub notes at once that it will say nothing: its client hears of it only later."""

    def asked(at_s: float, number: int) -> Iterator[Event]:
        yield Called(
            at_s=at_s, by="stub", upstream="chroma", id=number, route="POST /query", path="/query",
            of="q", attempt=1, met=("f0",),
        )  # fmt: skip
        yield Replied(
            at_s=at_s, by="stub", upstream="chroma", id=number, status=None, outcome="lost"
        )

    lost, ups = "request_lost", ("chroma",)
    told = History(
        [
            BY_ITS_STUB,
            Applied(at_s=1.0, by="engine", fault=0, name=lost, upstreams=ups, planned_s=1.0),
            *asked(2.0, 1),
            *asked(26.0, 2),
            Lifted(at_s=40.0, by="engine", fault=0, name=lost, upstreams=ups, planned_s=40.0),
        ]
    )
    first, second = attempts_of(told, "chroma", SETTINGS, Sight(told, "chroma"))
    assert (first.ends_from_s, first.end_s, first.results) == (32.0, 32.0, FAILURE)
    assert (second.ends_from_s, second.end_s, second.results) == (40.0, 40.0, FAILURE)


def accepted_in(fault: str, *, lifted_s: float) -> Attempt:
    """The attempt of a connection that a real Toxiproxy accepted at 2 s, in a fault from 0 s on."""
    of = {"by": "engine", "fault": 0, "name": fault, "upstreams": ("chroma",)}
    told = History(
        [
            BY_CONNECTIONS,
            Applied(at_s=0.0, planned_s=0.0, **of),  # type: ignore[arg-type]
            crossed(2.0, 1, "accepted"),
            Lifted(at_s=lifted_s, planned_s=lifted_s, **of),  # type: ignore[arg-type]
        ]
    )
    (own,) = attempts_of(told, "chroma", SETTINGS, Sight(told, "chroma", Noise(told)))
    return own


@pytest.mark.parametrize(("fault", "from_s"), [("timeout", 2.0), ("blackhole", 20.0)])
def test_what_may_close_by_itself_need_not_last_until_the_lift(fault: str, from_s: float) -> None:
    own = accepted_in(fault, lifted_s=20.0)
    assert (own.ends_from_s, own.end_s) == (from_s, 20.0)


def let_go(*, outcome: str) -> tuple[Attempt, ...]:
    """A call that a paused stub came to at 50 s, whose connection a real Toxiproxy saw at 2 s."""
    paused = {"by": "engine", "fault": 0, "name": "pause", "upstreams": ("chroma",)}
    called = list(query(50.0, 1, first_bytes_s=50.0, end_s=50.0, outcome=outcome))
    told = History(
        [
            BY_CONNECTIONS,
            Applied(at_s=0.0, planned_s=0.0, **paused),  # type: ignore[arg-type]
            crossed(2.0, 1, "accepted"),
            Lifted(at_s=50.0, planned_s=50.0, **paused),  # type: ignore[arg-type]
            *(event for event in called if not isinstance(event, Crossed)),
        ]
    )
    return attempts_of(told, "chroma", SETTINGS, Sight(told, "chroma", Noise(told)))


def test_a_call_that_is_let_go_when_its_client_has_long_left_is_an_old_one() -> None:
    assert [(a.source, a.start_s, a.end_s) for a in let_go(outcome="left")] == [
        ("connection", 2.0, 32.0)
    ]
    assert [a.source for a in let_go(outcome="sent")] == ["connection", "stub"]


def test_what_a_limit_cuts_on_its_way_is_told_by_its_connection() -> None:
    cut = accepted_in("limit_data", lifted_s=50.0)
    assert (cut.result, cut.ends_from_s, cut.end_s) == (Result.FAILURE, 2.0, 32.0)


def test_who_waits_in_one_fault_is_cut_by_the_lift_of_another() -> None:
    """Its connection was taken to last until its deadline, and a breaker to open only then."""
    dark = {"by": "engine", "fault": 0, "name": "blackhole", "upstreams": ("chroma",)}
    cuts = {"by": "engine", "fault": 1, "name": "timeout", "upstreams": ("chroma",)}
    told = History(
        [
            BY_CONNECTIONS,
            Applied(at_s=0.0, planned_s=0.0, **dark),  # type: ignore[arg-type]
            crossed(2.0, 1, "accepted"),
            Applied(at_s=7.0, planned_s=7.0, **cuts),  # type: ignore[arg-type]
            Lifted(at_s=8.0, planned_s=8.0, **cuts),  # type: ignore[arg-type]
            Lifted(at_s=50.0, planned_s=50.0, **dark),  # type: ignore[arg-type]
        ]
    )
    sight = Sight(told, "chroma", Noise(told))
    (cut,) = attempts_of(told, "chroma", SETTINGS, sight)
    assert (cut.ends_from_s, cut.end_s) == (8.0, 8.0)
    assert sight.given_up_s(2.0, 30.0) == 8.0


def test_a_toxic_that_goes_lets_through_what_another_of_its_chain_holds() -> None:
    """Nobody had waited for these calls for long; each was one more while the breaker was open."""
    stalled = {"by": "engine", "fault": 0, "name": "stall", "upstreams": ("chroma",)}
    limited = {"by": "engine", "fault": 1, "name": "limit_data", "upstreams": ("chroma",)}
    told = History(
        [
            BY_CONNECTIONS,
            Applied(at_s=0.0, planned_s=0.0, **stalled),  # type: ignore[arg-type]
            Applied(at_s=5.0, planned_s=5.0, **limited),  # type: ignore[arg-type]
            Lifted(at_s=40.0, planned_s=40.0, **limited),  # type: ignore[arg-type]
            Lifted(at_s=60.0, planned_s=60.0, **stalled),  # type: ignore[arg-type]
        ]
    )
    sight = Sight(told, "chroma", Noise(told))
    assert [sight.released(at_s) for at_s in (39.0, 40.0, 50.0, 60.0)] == [False, True, False, True]
    assert sight.let_go(10.0, 40.0)
    assert not sight.let_go(10.0, 39.0)
    assert not sight.let_go(45.0, 50.0)


def test_a_connection_to_what_is_being_restarted_may_have_failed_at_once() -> None:
    """Its proxy closes it, as nobody listens behind: a breaker that opened at once was late."""
    cut = accepted_in("restart", lifted_s=5.0)
    assert (cut.ends_from_s, cut.result) == (2.0, Result.FAILURE)


def test_a_connection_that_is_closed_with_the_lift_may_have_been_answered_by_then() -> None:
    """A proxy that can't read what crosses it: a pause lets go of an answer, then of the close."""
    paused = {"by": "engine", "fault": 0, "name": "pause", "upstreams": ("chroma",)}
    told = history(
        Applied(at_s=0.0, planned_s=0.0, **paused),  # type: ignore[arg-type]
        crossed(4.0, 1, "accepted"),
        crossed(5.0, 1, "closed", closed_by="upstream"),
        Lifted(at_s=5.0, planned_s=5.0, **paused),  # type: ignore[arg-type]
    )
    sealed = History([replace(told.run, tls=("chroma",)), *told.events[1:]])
    (one,) = attempts_of(sealed, "chroma", SETTINGS, Sight(sealed, "chroma"))
    assert (one.end_s, one.results) == (5.0, {Result.SUCCESS, Result.FAILURE})
