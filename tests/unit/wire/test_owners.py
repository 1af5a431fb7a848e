"""Whose an attempt is, where several requests that left at one instant may have made it."""

from __future__ import annotations

import math
from collections import Counter

import pytest
from msgspec.structs import replace

from harness.history.events import (
    Answered,
    Applied,
    Called,
    Crossed,
    Event,
    Lifted,
    Phase,
    Replied,
    Run,
    Sent,
)
from harness.history.requests import Request
from harness.history.view import History
from harness.policy.backoffs import Listed
from harness.policy.settings import in_a_row
from harness.wire.wire import Wire
from harness.wire.witness import Witness

_UPSTREAMS = ("auth", "billing")
_SETTINGS = {name: in_a_row(attempts=2, timeout_s=5, threshold=5, wait_s=10) for name in _UPSTREAMS}


class Told:
    """A history of two streams: both ask billing, and `both` asks auth before.

    `lead_s`: what the target does before it asks anybody.
    """

    def __init__(self, lead_s: float = 0.001) -> None:
        self.events: list[Event] = [
            Run(
                at_s=-4.0, by="engine", scenario="s", file="s.yaml", engine="local",
                proxy="embedded", target="t", seed=0, upstreams=_UPSTREAMS,
                evidence=("stub", "proxy requests"),
            ),
            Phase(at_s=-3.0, by="engine", phase="warm-up"),
        ]  # fmt: skip
        self.calls = 0
        self.request("both", -2.0, 200, took_s=lead_s + 0.03, number=0)
        self.attempt("auth", -2.0 + lead_s)
        self.attempt("billing", -1.99 + lead_s)
        self.request("one", -1.0, 200, took_s=lead_s + 0.03, number=0)
        self.attempt("billing", -1.0 + lead_s)
        self.events.append(Phase(at_s=0.0, by="engine", phase="play"))

    def request(
        self, stream: str, at_s: float, status: int, *, took_s: float, number: int = 1
    ) -> int:
        request = len(self.events)
        self.events += [
            Sent(
                at_s=at_s, by="client", id=request, stream=stream, number=number, planned_s=at_s,
                method="GET", path=f"/{stream}",
            ),
            Answered(at_s=at_s + took_s, by="client", id=request, status=status),
        ]  # fmt: skip
        return request

    def attempt(
        self,
        upstream: str,
        at_s: float,
        status: int = 200,
        *,
        path: str | None = None,
        arrives_s: float | None = None,
        of: str = "x",
        outcome: str = "sent",
    ) -> None:
        self.calls += 1
        arrives_s = at_s + 0.001 if arrives_s is None else arrives_s
        crossed = {"by": "proxy", "upstream": upstream, "connection": self.calls}
        path = path or f"/{upstream}"
        stub = {"by": "stub", "upstream": upstream, "id": self.calls}
        self.events += [
            Crossed(at_s=at_s, what="request", method="GET", path=path, **crossed),
            Called(at_s=at_s, route=f"GET {path}", path=path, of=of, attempt=1, **stub),
            Replied(at_s=at_s + 0.001, status=status, outcome=outcome, **stub),
            Crossed(at_s=at_s + 0.001, what="closed", closed_by="upstream", **crossed),
            Crossed(at_s=arrives_s, what="response", status=status, **crossed),
        ]

    def owner(self, upstream: str, at_s: float) -> int | None:
        """Id of the request that an attempt was made for."""
        found = self.wire(upstream)
        (attempt,) = (a for a in found.attempts if a.start_s == at_s)
        return found.request_of(attempt)

    def wire(self, upstream: str) -> Wire:
        return Wire(Witness(History(self.events), _SETTINGS), upstream)


def test_of_requests_alike_it_is_of_the_one_that_could_not_have_been_answered_well_without() -> (
    None
):
    told = Told()
    told.request("both", 5.0, 503, took_s=0.004)  # billing's breaker turned it away
    one = told.request("one", 5.0, 200, took_s=0.004)
    told.attempt("auth", 5.001)
    told.attempt("billing", 5.001)
    assert told.owner("billing", 5.001) == one


def test_a_failed_one_is_of_the_request_that_waited_for_its_retry() -> None:
    told = Told()
    told.request("one", 5.0, 503, took_s=0.003)  # turned away beside the probe
    probe = told.request("one", 5.0, 503, took_s=1.004)
    told.attempt("billing", 5.001, status=503)
    told.attempt("billing", 6.002, status=503)
    assert told.owner("billing", 5.001) == probe
    assert told.owner("billing", 6.002) == probe


def test_the_second_attempt_of_a_charge_is_of_the_request_that_made_the_first() -> None:
    """By its key, although another was as near and the first may have succeeded: the other had its
    own call taken for somebody else's, and was said to be turned away.
    """
    told = Told()
    charging = told.request("one", 5.0, 200, took_s=1.0220)
    other = told.request("both", 6.0, 200, took_s=0.0400)
    told.attempt("auth", 6.0185)
    for at_s, key in ((5.0165, "job 1"), (6.0207, "job 1"), (6.0300, "job 2")):
        told.attempt("billing", at_s, of=key, outcome="undecodable")
    assert told.owner("billing", 6.0207) == charging
    assert told.owner("billing", 6.0300) == other


def test_where_any_wait_is_right_a_first_attempt_is_still_no_retry() -> None:
    """`Retry-After` is heeded, and no answer says it: a sound gateway was said to turn one away."""
    told = Told()
    ids = [told.request("one", 5.0, 502, took_s=0.2122 + n / 200, number=n) for n in (1, 2, 3)]
    for at_s in (5.0002, 5.0014, 5.0026, 5.211, 5.216, 5.221):
        told.attempt("billing", at_s, status=503)
    heeding = replace(_SETTINGS["billing"], backoff=Listed((0.21,), heeds=True))
    wire = Wire(Witness(History(told.events), dict.fromkeys(_UPSTREAMS, heeding)), "billing")
    made = Counter(wire.request_of(one) for one in wire.attempts if one.start_s > 0)
    assert made == dict.fromkeys(ids, 2)


def test_a_later_call_at_an_earlier_upstream_is_not_before_what_was_asked_in_between() -> None:
    told = Told()
    told.request("thrice", -0.5, 200, took_s=0.03, number=0)
    told.attempt("auth", -0.499)
    told.attempt("billing", -0.49)
    told.attempt("auth", -0.48, path="/done")
    told.request("thrice", 5.0, 200, took_s=3.01)
    told.attempt("auth", 5.001)
    told.attempt("auth", 8.0, path="/done")  # billing's breaker said no at once, or only now
    (demand,) = (d for d in told.wire("billing").demands if d.request.at_s == 5.0)
    assert (demand.asked_s, demand.asked_by_s) == (5.002, 8.0)
    assert demand.outcome == "unknown"


def test_what_never_ended_is_of_a_request_that_never_was_answered() -> None:
    """Without a deadline both are under way for ever, and that is no distance to reckon with."""
    told = Told()
    request = told.request("one", 5.0, 503, took_s=1.0)
    del told.events[-1]
    told.attempt("billing", 5.001)
    del told.events[-2:]
    found = told.wire("billing").with_timeout(math.inf)
    (attempt,) = found.attempts
    assert (attempt.end_s, found.request_of(attempt)) == (math.inf, request)


def test_who_was_failed_by_one_upstream_does_not_go_on_to_the_next() -> None:
    """A sound gateway had called billing for the one, and was said to turn the other away."""
    told = Told()
    told.request("both", 5.0, 401, took_s=1.0035)
    told.attempt("auth", 5.001, status=503)
    served = told.request("both", 6.0, 200, took_s=0.0035)
    told.attempt("auth", 6.001)
    told.attempt("auth", 6.0012, status=503)
    told.attempt("billing", 6.0023, status=429)
    assert told.owner("billing", 6.0023) == served


def test_where_a_stream_is_seen_to_go_on_the_answers_tell_whose_a_call_is() -> None:
    told = Told()
    failed = told.request("both", 5.0, 503, took_s=1.0035)
    told.attempt("auth", 5.001, status=503)
    told.request("both", 6.0, 200, took_s=0.0035)
    told.attempt("auth", 6.001)
    told.attempt("auth", 6.0012, status=503)
    told.attempt("billing", 6.0023, status=429)
    told.attempt("billing", 6.0024)
    for at_s in (20.0, 22.0):
        told.request("both", at_s, 200, took_s=1.01)
        told.attempt("auth", at_s + 0.001, status=503)
        told.attempt("auth", at_s + 1.002, status=503)
        told.attempt("billing", at_s + 1.004)
    assert told.owner("billing", 6.0023) == failed


def test_who_goes_on_though_it_was_failed_is_learned_where_nobody_else_is_as_near() -> None:
    """An answer's hair's breadth said that whoever auth fails goes on, in a stream that stops."""
    told = Told()
    told.request("three", -1.5, 200, took_s=0.03, number=0)
    told.attempt("auth", -1.499)
    told.attempt("billing", -1.49)
    told.request("both", 5.0, 401, took_s=1.0036)
    goes_on = told.request("three", 5.0, 503, took_s=1.0034)
    for at_s in (5.001, 6.0021):
        told.attempt("auth", at_s, status=503)
        told.attempt("auth", at_s + 0.0001, status=503)
    told.attempt("billing", 6.0024, status=503)
    told.request("three", 20.0, 200, took_s=1.01)
    told.attempt("auth", 20.001, status=503)
    told.attempt("auth", 21.002, status=503)
    told.attempt("billing", 21.004)
    assert told.owner("billing", 6.0024) == goes_on


def test_of_two_that_may_just_be_due_it_is_the_one_that_can_wait_less() -> None:
    """The later one's retry was given to the first, and the first one's to who asked nobody."""
    told = Told()
    held = {"name": "timeout", "upstreams": ("billing",), "planned_s": 0.0}
    told.events.append(Applied(at_s=0.0, by="engine", fault=0, **held))

    def silent(at_s: float, connection: int) -> None:
        crossed = {"by": "proxy", "upstream": "billing", "connection": connection}
        told.events += [
            Crossed(at_s=at_s, what="request", method="GET", path="/billing", **crossed),
            Crossed(at_s=at_s + 0.001, what="closed", closed_by="upstream", **crossed),
        ]

    first = told.request("one", 1.0, 503, took_s=12.5)
    silent(1.001, 91)  # heard of between 1.0 and 6.0 s: it tries again a second later
    second = told.request("one", 4.0, 503, took_s=8.0, number=2)
    silent(4.001, 92)
    silent(7.0, 93)  # the last instant for the first
    silent(9.9, 94)
    assert told.owner("billing", 7.0) == first
    assert told.owner("billing", 9.9) == second


def by_stub() -> Told:
    """Only stubs tell of calls."""
    told = Told()
    told.events[0] = replace(told.events[0], evidence=("stub",))  # type: ignore[call-arg]
    return told


@pytest.mark.parametrize("fault", ["latency", "stall"])
def test_what_comes_late_to_a_stub_all_at_once_is_not_one_request_s(fault: str) -> None:
    """Held calls of many were given to the one still waiting, more than it may make: a breaker that
    had opened "was called", and opened when they came.
    """
    told = by_stub()
    slow = {"name": fault, "upstreams": ("billing",), "planned_s": 0.0}
    told.events.append(Applied(at_s=0.0, by="engine", fault=0, **slow))
    told.events.append(Lifted(at_s=12.0, by="engine", fault=0, **slow))
    for number in range(5):
        told.request("one", 1.0 + number, 503, took_s=6.5, number=number)
    waits = told.request("one", 7.0, 503, took_s=6.5, number=9)
    for _ in range(12):
        told.attempt("billing", 12.0)
    found = told.wire("billing")
    assert len(found.made_for(found.demands[-1].request)) <= 2
    assert found.demands[-1].request.id == waits
    assert bool(found.belated) == (fault == "latency")  # nobody knows when these were made


def stalled_until(lifted_s: float) -> Told:
    """Only stubs tell of calls; what billing is asked from 0s on comes when that is lifted."""
    told = by_stub()
    stall = {"name": "stall", "upstreams": ("billing",), "planned_s": 0.0}
    told.events.append(Applied(at_s=0.0, by="engine", fault=0, **stall))
    told.events.append(Lifted(at_s=lifted_s, by="engine", fault=0, **stall))
    return told


def test_what_a_fault_lets_go_when_its_client_had_left_was_made_long_before() -> None:
    """Of a request that asks billing after auth all three calls came at 20 s: each was taken for
    one that had lasted until then, and the breaker opened seconds off.
    """
    told = stalled_until(20.0)
    asks = told.request("both", 8.0, 503, took_s=12.2)
    told.attempt("auth", 8.001)
    told.attempt("billing", 20.0)
    told.attempt("billing", 20.0)
    found = told.wire("billing").made_for(_request(told, asks))
    assert [a.ok for a in found] == [False, False]
    lasted = [at_s for a in found for at_s in (a.start_s, a.end_s)]
    assert lasted == pytest.approx([8, 13, 14, 19], abs=0.01)


def test_who_asks_as_a_fault_lets_calls_go_may_have_made_none_of_them() -> None:
    told = stalled_until(20.0)
    told.request("one", 1.0, 503, took_s=11.0)
    asks = told.request("one", 20.0, 503, took_s=0.001, number=2)
    told.attempt("billing", 20.0)
    (attempt,) = told.wire("billing").made_for(_request(told, asks))
    assert attempt.old


def test_a_call_of_a_trace_whose_request_is_over_is_nobody_else_s() -> None:
    told = stalled_until(20.0)
    told.request("one", 1.0, 503, took_s=11.0)
    told.events[-2] = replace(told.events[-2], trace="first")  # type: ignore[call-arg]
    asks = told.request("one", 20.0, 503, took_s=0.001, number=2)
    told.attempt("billing", 20.0)
    called = next(k for k in range(1, 9) if isinstance(told.events[-k], Called))
    told.events[-called] = replace(told.events[-called], trace="first")  # type: ignore[call-arg]
    assert told.wire("billing").made_for(_request(told, asks)) == ()


def test_what_may_have_waited_elsewhere_before_a_held_call_is_not_surely_turned_away() -> None:
    """A call that came after the lift was taken for one that a stall had held since its request
    left, though it had waited for another upstream in vain: that one's breaker "was open".
    """
    told = stalled_until(8.2)
    slow = {"name": "latency", "upstreams": ("auth",), "planned_s": 0.0}
    told.events.append(Applied(at_s=0.0, by="engine", fault=1, **slow))
    told.request("both", 8.0, 503, took_s=0.41)
    told.attempt("billing", 8.4)
    assert [demand.outcome for demand in told.wire("auth").demands] == ["unknown"]


def test_who_waits_where_nobody_sees_may_have_waited_since_its_last_call_may_have_ended() -> None:
    """Billing is stopped, and auth's answers may come late: a stub alone tells. An attempt was
    implied, sure, at the last instant at which auth may have answered, or none known at all.
    """
    told = by_stub()
    for fault, (name, upstream) in enumerate((("latency", "auth"), ("pause", "billing"))):
        of = {"name": name, "upstreams": (upstream,), "planned_s": 0.0}
        told.events.append(Applied(at_s=0.0, by="engine", fault=fault, **of))
    for at_s in (1.0, 20.0):
        told.request("both", at_s, 503, took_s=8.0)
        told.attempt("auth", at_s + 0.001)
    found = told.wire("billing")
    assert [(d.outcome, d.loose) for d in found.demands] == [("unseen", True)] * 2
    assert found.attempts == ()


def test_who_is_refused_does_not_wait_for_what_a_fault_would_hold_back() -> None:
    """A port that refuses comes before a service that is stopped: what failed there at once did so
    seconds late, or was none at all.
    """
    told = stalled_until(30.0)
    told.events[0] = replace(told.events[0], evidence=("stub", "proxy connections"))  # type: ignore[call-arg]
    refused = {"name": "refused", "upstreams": ("billing",), "fault": 1, "by": "engine"}
    told.events.append(Applied(at_s=4.0, planned_s=4.0, **refused))  # type: ignore[arg-type]
    told.events.append(Lifted(at_s=6.0, planned_s=6.0, **refused))  # type: ignore[arg-type]
    told.request("one", 4.5, 503, took_s=1.001)
    assert [(a.start_s, a.end_s) for a in told.wire("billing").attempts] == [(4.5, 4.5)]


def test_what_was_on_its_way_for_longer_than_its_client_waits_failed_then() -> None:
    """Its client lives on, waiting to try again: its call was one that began as it arrived."""
    told = by_stub()
    slow = {"name": "latency", "upstreams": ("billing",), "planned_s": 0.0}
    told.events.append(Applied(at_s=0.0, by="engine", fault=0, **slow))
    asks = told.request("one", 1.0, 503, took_s=2.0)
    told.attempt("billing", 2.5)
    hasty = {name: replace(own, timeout_s=1.0) for name, own in _SETTINGS.items()}
    found = Wire(Witness(History(told.events), hasty), "billing")
    (attempt,) = found.made_for(_request(told, asks))
    assert (attempt.start_s, attempt.end_s) == pytest.approx((1.0, 2.0), abs=0.01)
    assert attempt.ok is False


def test_who_asks_another_upstream_first_is_farther_from_a_call() -> None:
    told = Told()
    told.request("both", 1.0, 503, took_s=0.5)
    asks = told.request("one", 1.0, 503, took_s=0.5, number=2)
    told.attempt("billing", 1.001)
    assert told.owner("billing", 1.001) == asks


def _request(told: Told, number: int) -> Request:
    return next(r for r in History(told.events).requests if r.id == number)


def test_nobody_is_given_more_attempts_than_it_may_make_while_another_may_have_made_them() -> None:
    told = Told()
    first = told.request("one", 1.0, 503, took_s=3.005)
    told.attempt("billing", 1.001, 503)
    told.attempt("billing", 2.002, 503)  # its last: two are promised
    second = told.request("one", 4.0, 503, took_s=0.5, number=2)
    told.attempt("billing", 4.002, 503)  # just when a third one of the first would be due
    assert told.owner("billing", 2.002) == first
    assert told.owner("billing", 4.002) == second
    outcomes = [demand.outcome for demand in told.wire("billing").demands]
    assert outcomes == ["made", "made"]


def test_who_surely_asks_comes_before_who_retries_what_may_have_succeeded() -> None:
    """A request whose call was given to such a retry was said to be turned away by a breaker."""
    told = Told()
    told.request("one", 1.0, 503, took_s=1.5)
    crossed = {"by": "proxy", "upstream": "billing", "connection": 99}
    told.events += [  # no stub says what became of it
        Crossed(at_s=1.001, what="request", method="GET", path="/billing", **crossed),
        Crossed(at_s=1.002, what="response", status=200, **crossed),
    ]
    asks = told.request("one", 2.0, 503, took_s=0.5, number=2)
    told.attempt("billing", 2.002, 503)
    assert told.owner("billing", 2.002) == asks


def test_an_answer_that_is_held_up_ends_its_attempt_when_it_arrives() -> None:
    """A sound gateway had called billing for the first, and was said to turn it away."""
    told = Told()
    slow = {"name": "latency", "upstreams": ("auth",), "planned_s": 4.0}
    told.events.append(Applied(at_s=4.0, by="engine", fault=0, **slow))
    first = told.request("both", 7.0, 200, took_s=0.103)
    told.attempt("auth", 7.0003, arrives_s=7.1003)
    told.request("both", 7.1, 200, took_s=0.103)
    told.attempt("auth", 7.1003, arrives_s=7.2003)
    told.attempt("billing", 7.1013)
    assert told.owner("billing", 7.1013) == first


def test_who_was_told_to_slow_down_asked_nobody() -> None:
    """A limit of the target's own was said to turn logins away, by a breaker that was closed."""
    told = Told()
    retries = told.request("one", 1.0, 503, took_s=5.0)
    told.attempt("billing", 1.001, 503)
    told.request("one", 2.0, 429, took_s=0.003, number=2)
    told.attempt("billing", 2.002, 503)
    told.request("one", 3.0, 429, took_s=0.001, number=3)
    assert told.owner("billing", 2.002) == retries
    outcomes = [demand.outcome for demand in told.wire("billing").demands]
    assert outcomes == ["made", "unknown", "unknown"]


def test_who_had_just_been_answered_asked_nobody() -> None:
    """A retry of what may have succeeded was given to who had been refused a moment before."""
    told = Told()
    retries = told.request("one", 1.0, 503, took_s=1.006)
    crossed = {"by": "proxy", "upstream": "billing", "connection": 99}
    told.events += [  # no stub says what became of it
        Crossed(at_s=1.001, what="request", method="GET", path="/billing", **crossed),
        Crossed(at_s=1.002, what="response", status=200, **crossed),
    ]
    told.request("one", 2.0, 401, took_s=0.0005, number=2)
    told.attempt("billing", 2.002, 503)
    assert told.owner("billing", 2.002) == retries


def test_who_asks_two_upstreams_at_once_made_both_attempts() -> None:
    told = Told()
    asking = told.request("both", 5.0, 200, took_s=2.1)
    told.attempt("auth", 5.001, arrives_s=7.0)
    told.attempt("billing", 5.002, arrives_s=5.01)
    assert told.owner("auth", 5.001) == asking
    assert told.owner("billing", 5.002) == asking
    told = Told()
    asking = told.request("both", 5.0, 200, took_s=2.1)
    told.attempt("billing", 5.001, arrives_s=5.01)
    told.attempt("auth", 5.002, arrives_s=7.0)
    assert told.owner("auth", 5.002) == asking


def test_who_has_just_been_sent_does_not_call_before_the_target_can() -> None:
    """It works for 30 ms first: until then it is another's, however that was answered."""
    told = Told(lead_s=0.03)
    first = told.request("one", 5.0, 503, took_s=0.032)
    second = told.request("one", 5.03, 200, took_s=0.032)
    for at_s in (5.03, 5.06):
        told.attempt("billing", at_s)
    assert told.owner("billing", 5.03) == first
    assert told.owner("billing", 5.06) == second


def test_of_many_that_ask_two_upstreams_at_one_instant_each_made_one_attempt_at_each() -> None:
    """What takes no time, as in the simulation, has no order."""
    told = Told()
    asking = [told.request("both", 5.0, 200, took_s=0.001) for _ in range(3)]
    for upstream in ("auth", "billing"):
        for _ in asking:
            told.attempt(upstream, 5.0003, arrives_s=5.0003)
    for upstream in ("auth", "billing"):
        wire = told.wire(upstream)
        made = [wire.request_of(a) for a in wire.attempts if a.start_s == 5.0003]
        assert sorted(map(str, made)) == sorted(map(str, asking))


def test_a_retry_that_says_something_else_is_still_of_its_request() -> None:
    """A body may hold what attempt it is, or when: what its stub takes for another is none."""
    told = Told()
    calling = told.request("one", 5.0, 200, took_s=1.01)
    told.request("one", 5.5, 503, took_s=0.6, number=2)  # turned away
    told.attempt("billing", 5.001, status=503, of="try 1")
    told.attempt("billing", 6.002, of="try 2")
    assert told.owner("billing", 6.002) == calling
    assert [len(call) for call in told.wire("billing").calls] == [2]


def test_what_a_slow_way_back_may_have_eaten_is_of_whoever_was_answered_well() -> None:
    """By stubs alone: a retry and a first attempt at one instant, of which one never came back."""
    told = by_stub()
    latency = {"by": "engine", "fault": 0, "name": "latency", "upstreams": ("billing",)}
    told.events.append(Applied(at_s=0.0, planned_s=0.0, **latency))
    failed = told.request("one", 0.5, 503, took_s=10.505)
    told.attempt("billing", 0.501, outcome="lost")
    well = told.request("one", 6.501, 200, took_s=0.01)
    told.attempt("billing", 6.5015)
    told.attempt("billing", 6.502, outcome="lost")
    assert told.owner("billing", 6.5015) == well
    assert told.owner("billing", 6.502) == failed
