"""Each fault counts the calls that it met; one that met none is inconclusive, and says why."""

from __future__ import annotations

from typing import Any

import pytest

from harness.checks.case import Case
from harness.checks.hits import hits
from harness.history.events import Crossed
from harness.judge import judge
from harness.verdict import Verdict

_NEVER = "expect: [{never: {status: 5xx}}]"
_ALL = ("stub", "proxy requests", "proxy connections", "refused connects")


def only(case: Case) -> Any:
    (found,) = hits(case)
    return found


def finding(judgement: Any) -> Any:
    (found,) = [f for f in judgement.findings if "meets a call" in f.name]
    return found


def busy(world: Any, *, upstream: str = "auth", at: Any = range(2, 8), **call: Any) -> Any:
    """A chat a second that calls its upstream."""
    for at_s in at:
        world.request("chat", at_s + 1, float(at_s), 200)
        world.call(upstream, at_s + 0.01, **call)
    return world


def crossed(at_s: float, what: str, connection: int = 900, **more: Any) -> Crossed:
    return Crossed(at_s=at_s, by="proxy", upstream="auth", connection=connection, what=what, **more)


def test_a_stub_says_which_calls_a_fault_changed(scenario, world):
    text = "faults: [{upstream: auth, fault: status, status: 503, first: 2, from: 2s}]\n" + _NEVER
    shown = world().warmed_up().fault("status", "auth", 2.0, 90.0)
    busy(shown, at=(2, 3), met=("f0",))
    busy(shown, at=(4, 5, 6), met=())
    found = only(Case(scenario(text), shown.history()))
    assert (found.met, found.words, found.at_least) == (2, "met 2 calls", False)


def test_the_number_of_a_fault_is_its_own(scenario, world):
    text = (
        "faults: [{upstream: auth, fault: status, status: 503, to: 4s},"
        "{upstream: auth, fault: delay, delay: 1s, from: 4s, to: 8s}]\n" + _NEVER
    )
    shown = world().warmed_up().fault("status", "auth", 0.0, 4.0)
    shown.fault("delay", "auth", 4.0, 8.0, index=1)
    busy(shown, at=(2, 3), met=("f0",))
    busy(shown, at=(4,), met=("f1",))
    assert [each.met for each in hits(Case(scenario(text), shown.history()))] == [2, 1]


def test_on_the_network_what_crossed_the_proxy_counts_and_what_was_under_way(scenario, world):
    text = "faults: [{upstream: auth, fault: blackhole, from: 5s, to: 8s}]\n" + _NEVER
    shown = world().warmed_up().fault("blackhole", "auth", 5.0, 8.0)
    shown.call("auth", 1.0)  # long over
    shown.call("auth", 4.9, took_s=0.5)  # cut by its beginning
    shown.call("auth", 6.0, status=None, by_stub=False)
    shown.events += [crossed(7.0, "accepted"), crossed(7.1, "closed", closed_by="upstream")]
    shown.call("auth", 8.0)  # it is lifted
    assert only(Case(scenario(text), shown.history())).met == 3


@pytest.mark.parametrize(("ended_s", "by", "met"), [
    (4.99, "upstream", 0),  # before it began
    (5.0, "proxy", 1),  # at once
    (5.05, "proxy", 1),  # while it came into force
    (5.05, "client", 0),
    (5.2, "client", 1),
])  # fmt: skip
def test_what_its_beginning_ends_is_met(scenario, world, ended_s, by, met):
    text = "faults: [{upstream: auth, fault: refused, from: 5s, to: 8s}]\n" + _NEVER
    shown = world(evidence=_ALL).warmed_up().fault("refused", "auth", 5.0, 8.0, late_s=0.1)
    shown.call("auth", 4.0, status=None, by_stub=False)
    shown.events.append(crossed(ended_s, "closed", shown._call, closed_by=by))
    assert only(Case(scenario(text), shown.history())).met == met


def test_connects_in_vain_count_where_they_are_recorded(scenario, world):
    text = "faults: [{upstream: auth, fault: refused, from: 5s, to: 8s}]\n" + _NEVER
    shown = world(evidence=_ALL).warmed_up().fault("refused", "auth", 5.0, 8.0)
    shown.events += [crossed(at_s, "refused", 0) for at_s in (4.9, 5.0, 7.0, 8.0)]
    assert only(Case(scenario(text), shown.history())).met == 2


@pytest.mark.parametrize("sent", [True, False])
def test_a_refused_port_shows_nobody_so_that_requests_have_to_do(scenario, world, sent):
    text = "faults: [{upstream: auth, fault: refused, from: 5s, to: 8s}]\n" + _NEVER
    shown = world().warmed_up().fault("refused", "auth", 5.0, 8.0)
    busy(shown, at=(1, 2, 10))
    if sent:
        shown.request("chat", 7, 6.0, 401, took_s=1.02)
    played = scenario(text)
    found = only(Case(played, shown.history()))
    assert (found.met, found.note) == (None, "a refused port shows nobody")
    judgement = judge(played, shown.history())
    assert judgement.verdict is (Verdict.PASSED if sent else Verdict.INCONCLUSIVE)
    if not sent:
        assert "no request that calls auth was sent in 5s..8s" in finding(judgement).observed


def test_of_real_toxiproxy_connections_are_the_least(scenario, world):
    text = "faults: [{upstream: auth, fault: blackhole, from: 5s, to: 8s}]\n" + _NEVER
    evidence = ("stub", "proxy connections")
    shown = world(evidence=evidence).warmed_up().fault("blackhole", "auth", 5.0, 8.0)
    shown.events += [crossed(6.0, "accepted", 0)]
    found = only(Case(scenario(text), shown.history()))
    assert (found.met, found.at_least) == (1, True)
    shown.events.pop()
    assert only(Case(scenario(text), shown.history())).met is None


def test_of_toxics_drawn_by_connection_nobody_knows_which(scenario, world):
    fault = "{upstream: auth, fault: latency, latency: 1s, toxicity: 50%, to: 8s}"
    shown = busy(world().warmed_up().fault("latency", "auth", 0.0, 8.0))
    found = only(Case(scenario(f"faults: [{fault}]\n{_NEVER}"), shown.history()))
    assert found.met is None
    assert "drawn for 50% of the connections" in found.note


def test_a_step_of_the_clock_counts_requests(scenario, world):
    text = "faults: [{fault: clock_step, by: -1h, from: 3s, to: 6s}]\n" + _NEVER
    shown = busy(world().warmed_up().fault("clock_step", None, 3.0, 6.0))
    assert only(Case(scenario(text), shown.history())).words == "met 3 requests"


def test_a_fault_that_met_nobody_says_what_was_called_instead(scenario, world):
    fault = "{upstream: billing, fault: status, status: 503, on: GET /balances, to: 8s}"
    text = f"faults: [{fault}]\nexpect: [{{traffic: chat, status: 503}}]"
    shown = world().warmed_up(reaches=("billing",)).fault("status", "billing", 0.0, 8.0)
    for at_s in range(2, 8):
        shown.request("chat", at_s + 1, float(at_s), 200)
        shown.call("billing", at_s + 0.01, "GET /balance/ada", met=())
        shown.call("billing", at_s + 0.02, "POST /deduct", met=(), of=f"job {at_s}")
    judgement = judge(scenario(text), shown.history())
    assert judgement.verdict is Verdict.INCONCLUSIVE  # a sound target is not held to its 200s
    missed = finding(judgement)
    assert missed.name == "run: fault 1, status on billing GET /balances, meets a call"
    assert missed.observed == (
        "it met no call; called meanwhile: GET /balance/ada 6x, POST /deduct 6x; "
        "did you mean 'GET /balance/ada'?"
    )


def test_calls_that_were_none_of_its_own_are_counted(scenario, world):
    text = "faults: [{upstream: auth, fault: status, status: 503, calls: 400.., to: 8s}]\n" + _NEVER
    shown = busy(world().warmed_up().fault("status", "auth", 0.0, 8.0), met=())
    judgement = judge(scenario(text), shown.history())
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert "6 calls came in 0s..8s, and none was one of those that it picks" in (
        finding(judgement).observed
    )


@pytest.mark.parametrize(
    ("on", "verdict"), [("", "inconclusive"), (", on: POST /verify_token", "failed")]
)
def test_one_that_counted_calls_of_the_targets_own_met_others_than_it_was_meant_for(
    scenario, world, on, verdict
):
    """The health check was the second of two: a sound gateway was held to answering 503 twice."""
    text = f"faults: [{{upstream: auth, fault: status, status: 503, first: 2, to: 8s{on}}}]\n" + (
        "expect: [{traffic: chat, during: 0s..4s, status: 401}]"
    )
    shown = world().warmed_up().fault("status", "auth", 0.0, 8.0)
    for at_s in range(8):
        shown.call("auth", at_s + 0.5, "GET /healthz", met=("f0",) if at_s == 1 and not on else ())
    busy(shown, at=(1,), met=("f0",))
    busy(shown, at=(2,), met=("f0",) if on else ())
    busy(shown, at=range(3, 8), met=())
    judgement = judge(scenario(text), shown.history())
    assert judgement.verdict.value == verdict
    astray = [f for f in judgement.findings if "counts calls of requests" in f.name]
    assert [f.observed for f in astray] == (
        [] if on else ["2 calls that no request caused counted, too: GET /healthz 2x"]
    )


def test_an_outage_between_two_requests_proves_nothing(scenario, world):
    text = "faults: [{upstream: auth, fault: blackhole, from: 12s, to: 18s}]\n" + _NEVER
    shown = world().warmed_up().fault("blackhole", "auth", 12.0, 18.0)
    busy(shown, at=(0, 10, 20))
    judgement = judge(scenario(text), shown.history())
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert finding(judgement).observed == (
        "it met no call; no request that calls auth was sent in 12s..18s"
    )


def test_an_open_breaker_that_turned_everybody_away_is_an_excuse(scenario, world):
    text = (
        "faults: [{upstream: auth, fault: status, status: 503, to: 5s},"
        "{upstream: auth, fault: delay, delay: 1s, from: 10s, to: 20s}]\n" + _NEVER
    )
    shown = world().warmed_up().fault("status", "auth", 0.0, 5.0)
    shown.fault("delay", "auth", 10.0, 20.0, index=1)
    for at_s in range(2):
        shown.request("chat", at_s + 1, float(at_s), 401, took_s=1.02)
        shown.call("auth", at_s + 0.001, status=503, met=("f0",))
        shown.call("auth", at_s + 1.01, status=503, met=("f0",))
    shown.request("chat", 3, 2.0, 401).call("auth", 2.001, status=503, met=("f0",))
    for at_s in range(3, 25):
        shown.request("chat", at_s + 1, float(at_s), 401)
    played = scenario(text)
    judgement = judge(played, shown.history())
    assert [each.met for each in judgement.faults] == [5, 0]
    assert judgement.faults[1].note == "10 requests turned away by the open breaker of auth"
    assert judgement.verdict is Verdict.PASSED


def test_a_history_whose_stub_does_not_say_is_judged_as_before(scenario, world):
    text = "faults: [{upstream: auth, fault: status, status: 503, to: 8s}]\n" + _NEVER
    shown = busy(world().warmed_up().fault("status", "auth", 0.0, 8.0))
    judgement = judge(scenario(text), shown.history())
    assert judgement.faults[0].met is None
    assert judgement.verdict is Verdict.PASSED


def test_an_upstream_that_the_target_lacks_has_no_calls_to_count(scenario, world):
    text = "faults: [{upstream: chroma, fault: blackhole, to: 8s}]\n" + _NEVER
    shown = busy(world(upstreams=("auth",)).warmed_up().fault("blackhole", "chroma", 0.0, 8.0))
    assert hits(Case(scenario(text), shown.history())) == ()


def test_what_is_not_http_counts_and_is_called_so(scenario, world):
    text = "faults: [{upstream: auth, fault: blackhole, from: 5s, to: 8s}]\n" + _NEVER
    shown = world().warmed_up().fault("blackhole", "auth", 5.0, 8.0)
    shown.events += [crossed(6.0, "accepted"), crossed(6.0, "request"), crossed(7.0, "request")]
    assert only(Case(scenario(text), shown.history())).met == 2
    text = text.replace("blackhole", "status, status: 503")
    shown = world().warmed_up().fault("status", "auth", 5.0, 8.0)
    shown.events += [crossed(6.0, "accepted"), crossed(6.0, "request"), crossed(7.0, "request")]
    judgement = judge(scenario(text), shown.history())
    assert "called meanwhile: what isn't HTTP 2x" in finding(judgement).observed
