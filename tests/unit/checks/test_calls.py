from __future__ import annotations

import pytest

from harness.checks import calls
from harness.verdict import Verdict

TEXT = """
faults: [{upstream: auth, fault: %s, to: 50s}]
expect: [{during: %s, upstream: auth, calls: "%s"}]
"""


def one(case):
    (finding,) = calls.check(case.scenario.expect[0], case)
    return finding


def rejected(world, fault="blackhole", **run):
    """An outage of 50 s in which requests are turned away from 10 s on."""
    shown = world(**run).warmed_up().fault(fault, "auth", 0.0, 50.0)
    return shown.answers("chat", range(90), 401)


def test_no_call_passes_with_both_proofs(case, world):
    finding = one(case(TEXT % ("blackhole", "10s..60s", "0"), rejected(world)))
    assert finding.verdict is Verdict.PASSED
    assert finding.observed == "0 calls"
    assert finding.evidence == ("counted entering the proxy; 50 requests of chat sent meanwhile")


def test_a_call_fails_even_into_a_blackhole(case, world):
    shown = rejected(world).call("auth", 30.0, status=None, by_stub=False)
    finding = one(case(TEXT % ("blackhole", "10s..60s", "0"), shown))
    assert finding.verdict is Verdict.FAILED
    assert finding.observed == "1 call, at 30s"


def test_no_call_proves_nothing_where_the_port_refuses(case, world):
    shown = rejected(world, "refused")
    finding = one(case(TEXT % ("refused", "10s..40s", "0"), shown))
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert finding.evidence == "nobody's calls can be seen in 10s..40s, because of refused"


def test_only_the_part_after_the_lift_is_judged(case, world):
    shown = rejected(world, "refused")
    finding = one(case(TEXT % ("refused", "10s..60s", "0"), shown))
    assert finding.verdict is Verdict.PASSED
    assert (
        "judged in 50s..60s only: nobody's calls can be seen in 10s..50s, because of refused"
        in finding.evidence
    )
    assert "10 requests of chat" in finding.evidence
    shown.call("auth", 55.0)
    assert one(case(TEXT % ("refused", "10s..60s", "0"), shown)).verdict is Verdict.FAILED


def test_no_call_proves_nothing_without_requests(case, world):
    shown = world().warmed_up().fault("blackhole", "auth", 0.0, 50.0).answers("chat", [1, 2], 401)
    finding = one(case(TEXT % ("blackhole", "10s..60s", "0"), shown))
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert finding.evidence == "no request that would need auth was sent in 10s..60s"


def test_no_call_proves_nothing_if_the_warm_up_showed_none(case, world):
    shown = world().warmed_up(reaches=()).answers("chat", range(90), 401)
    finding = one(case(TEXT % ("blackhole", "10s..60s", "0"), shown))
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert "the warm-up showed no call at auth" in finding.evidence


def test_requests_of_streams_that_never_reach_the_upstream_are_no_proof(case, world):
    shown = world().warmed_up().warmed_up("health", reaches=(), at_s=-0.5)
    shown.answers("health", range(90), 200)
    finding = one(case(TEXT % ("blackhole", "10s..60s", "0"), shown))
    assert finding.verdict is Verdict.INCONCLUSIVE


def test_a_silent_fault_hides_calls_where_only_stubs_see_them(case, world):
    shown = rejected(world, evidence=("stub",))
    finding = one(case(TEXT % ("blackhole", "10s..40s", "0"), shown))
    assert finding.verdict is Verdict.INCONCLUSIVE
    shown = rejected(world, "status", evidence=("stub",))
    text = TEXT.replace("fault: %s", "fault: %s, status: 503")
    finding = one(case(text % ("status", "10s..40s", "0"), shown))
    assert finding.verdict is Verdict.PASSED
    assert finding.evidence.startswith("counted at the stub")


@pytest.mark.parametrize(
    ("wanted", "verdict"),
    [
        ("3", Verdict.PASSED),
        ("2..4", Verdict.PASSED),
        (">= 1", Verdict.PASSED),
        ("<= 3", Verdict.PASSED),
        (">= 4", Verdict.FAILED),
        ("<= 2", Verdict.FAILED),
        ("5..9", Verdict.FAILED),
    ],
)
def test_calls_are_counted(case, world, wanted, verdict):
    shown = rejected(world)
    for at_s in (11.0, 12.0, 13.0):
        shown.call("auth", at_s)
    shown.call("billing", 14.0).call("auth", 9.0).call("auth", 70.0)
    assert one(case(TEXT % ("blackhole", "10s..60s", wanted), shown)).verdict is verdict


def test_too_few_calls_are_inconclusive_where_some_may_be_hidden(case, world):
    shown = rejected(world, "refused").call("auth", 55.0)
    assert one(case(TEXT % ("refused", "10s..60s", "3..4"), shown)).verdict is (
        Verdict.INCONCLUSIVE
    )
    assert one(case(TEXT % ("refused", "10s..60s", ">= 1"), shown)).verdict is Verdict.PASSED
    assert one(case(TEXT % ("refused", "51s..60s", "2..4"), shown)).verdict is Verdict.FAILED


def test_one_route_can_be_counted_alone(case, world):
    shown = world().warmed_up(reaches=("billing",), routes={"billing": "POST /deduct"})
    shown.answers("chat", range(20), 200).call("billing", 5.0, "GET /balance/ada")
    text = "expect: [{during: 0s..20s, upstream: billing, on: %s, calls: 0}]"
    finding = one(case(text % "POST /deduct", shown))
    assert finding.verdict is Verdict.PASSED
    assert finding.name == "billing gets 0 calls of POST /deduct in 0s..20s"
    shown.call("billing", 6.0, "POST /deduct")
    assert one(case(text % "POST /deduct", shown)).verdict is Verdict.FAILED
    assert one(case(text % "GET /balance", shown)).verdict is Verdict.FAILED


def test_a_route_that_the_warm_up_did_not_reach_proves_nothing(case, world):
    shown = world().warmed_up(reaches=("billing",), routes={"billing": "GET /balance/ada"})
    shown.answers("chat", range(20), 200)
    text = "expect: [{upstream: billing, on: POST /deduct, calls: 0}]"
    finding = one(case(text, shown))
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert "no call of POST /deduct at billing" in finding.evidence


def test_a_fault_inside_the_stub_hides_nothing(case, world):
    text = """
faults: [{upstream: auth, fault: blackhole, on: POST /verify_token, to: 50s}]
expect: [{during: 10s..40s, upstream: auth, calls: 0}]
"""
    finding = one(case(text, rejected(world, evidence=("stub",))))
    assert finding.verdict is Verdict.PASSED


def opened(world, *let_through, turned_away):
    """Auth (N 5, W 60 s) opens at 4.005 s; some requests are let through although it is open."""
    shown = world().warmed_up().fault("status", "auth", 0.0, 90.0)
    for at_s in (0.0, 1.0, 2.0, 3.0, 4.0, *let_through):
        shown.answers("chat", [at_s], 401).call("auth", at_s + 0.001, status=503)
    return shown.answers("chat", turned_away, 401)


WHILE = """
faults: [{upstream: auth, fault: status, status: 503}]
expect: [{while: auth is open, upstream: auth, calls: 0}]
"""


def test_a_call_before_the_declared_wait_is_over_came_while_open(case, world):
    # Else each call would end the time in which it is forbidden, as a probe that came early.
    away = [at_s for at_s in range(5, 31) if at_s not in (12, 21)]
    found = one(case(WHILE, opened(world, 12.0, 21.0, turned_away=away)))
    assert found.verdict is Verdict.FAILED
    assert found.observed == "2 calls, at 12s, 21s"
    assert "2 of them let through before the declared wait of 60s was over" in found.evidence


def test_a_probe_that_is_due_did_not_come_while_open(case, world):
    away = [at_s for at_s in range(5, 80) if at_s != 65]
    assert one(case(WHILE, opened(world, 65.0, turned_away=away))).verdict is Verdict.PASSED


def test_a_breaker_that_trips_late_was_not_open_before(case, world):
    # Its eighth failure opens it: what is wrong is when it opens, not what it does while open.
    shown = opened(world, 5.0, 6.0, 7.0, turned_away=range(8, 31))
    assert one(case(WHILE, shown)).verdict is Verdict.PASSED


@pytest.mark.parametrize("let_through", [(), (12.0,)])
def test_an_open_breaker_has_no_say_in_retries_that_it_is_not_asked_about(case, world, let_through):
    own = {"attempts": 2, "timeout_s": 5.0, "threshold": 1, "wait_s": 60.0, "asked_once": 1}
    shown = world(settings={"auth": own}).warmed_up().fault("status", "auth", 0.0, 90.0)
    shown.request("chat", 1, 0.0, 401, took_s=1.02)
    shown.call("auth", 0.001, status=503).call("auth", 1.01, status=503)
    for at_s in let_through:
        shown.answers("chat", [at_s], 401, took_s=1.02).call("auth", at_s + 0.001, status=503)
        shown.call("auth", at_s + 1.01, status=503)
    shown.answers("chat", [at_s for at_s in range(2, 31) if at_s not in let_through], 401)
    found = one(case(WHILE, shown))
    assert found.verdict is (Verdict.FAILED if let_through else Verdict.PASSED), str(found)
    assert found.observed == ("1 call, at 12s" if let_through else "0 calls")
