from __future__ import annotations

from harness.checks import never
from harness.verdict import Verdict


def one(case):
    (finding,) = never.check(case.scenario.expect[0], case)
    return finding


NO_5XX = "expect: [{never: {status: 5xx, except: [503]}}]"


def test_what_nobody_met_passes(case, world):
    shown = world().answers("chat", range(5), 200).answers("login", range(5), 503)
    finding = one(case(NO_5XX, shown))
    assert finding.verdict is Verdict.PASSED
    assert finding.name == "never 5xx except 503 for a request"
    assert finding.observed.startswith("200 for 5, 503 for 5 of 10 requests")
    assert finding.evidence == "10 answers seen by the client"


def test_a_single_500_fails_whatever_befell_the_run(case, world):
    shown = world().answers("chat", range(5), 200).answers("login", [7], 500)
    finding = one(case(NO_5XX, shown))
    assert finding.verdict is Verdict.FAILED
    assert finding.observed == "500 for 1 of 6: #8 at 7s"
    assert finding.timeless


def test_nothing_sent_is_inconclusive(case, world):
    assert one(case(NO_5XX, world().warmed_up())).verdict is Verdict.INCONCLUSIVE


def test_nothing_answered_is_inconclusive(case, world):
    shown = world().answers("chat", [89], 200, took_s=None)
    assert one(case(NO_5XX, shown)).verdict is Verdict.INCONCLUSIVE


def test_it_can_be_limited_to_a_stream_and_a_window(case, world):
    text = "expect: [{never: {status: 200}, traffic: chat, during: 10s..20s}]"
    shown = world().answers("chat", range(10, 20), 401).answers("login", range(30), 200)
    shown.answers("chat", [21], 200)
    finding = one(case(text, shown))
    assert finding.verdict is Verdict.PASSED
    assert finding.name == "never 200 for chat in 10s..20s"
    assert one(case(text, shown.answers("chat", [15], 200))).verdict is Verdict.FAILED


def test_no_answer_counts_only_where_error_is_forbidden(case, world):
    shown = world().answers("chat", [3], None, error="connection reset")
    assert one(case(NO_5XX, shown)).verdict is Verdict.PASSED
    finding = one(case("expect: [{never: {status: [5xx, error]}}]", shown))
    assert finding.verdict is Verdict.FAILED
    assert not finding.timeless  # the harness itself may have run out of sockets


def test_a_hang_is_an_error(case, world):
    shown = world().answers("chat", [3], None, took_s=None).answers("chat", [4], 200)
    text = "faults: [{upstream: auth, fault: blackhole}]\nexpect: [{never: {status: error}}]"
    finding = one(case(text, shown))
    assert finding.verdict is Verdict.FAILED
    assert "no answer in 13s for 1 of 2: #4 at 3s" in finding.observed


LATENCY = 'expect: [{never: {latency: "> 13s"}}]'


def test_latency_over_the_bound_fails(case, world):
    shown = world().answers("chat", [3], 200, took_s=12.0)
    finding = one(case(LATENCY, shown))
    assert finding.verdict is Verdict.PASSED
    assert finding.observed == "at most 12s for 1 of 1 request (#4)"
    finding = one(case(LATENCY, shown.answers("chat", [5], 200, took_s=14.0)))
    assert finding.verdict is Verdict.FAILED
    assert finding.observed == "1 of 2: #6 at 5s took 14s"


def test_waiting_longer_than_the_bound_without_an_answer_fails(case, world):
    shown = world().answers("chat", [3], 200)
    assert (
        one(case(LATENCY, shown.answers("chat", [80], 200, took_s=None))).verdict is Verdict.PASSED
    )
    assert (
        one(case(LATENCY, shown.answers("chat", [70], 200, took_s=None))).verdict is Verdict.FAILED
    )


def test_json_is_forbidden_as_a_whole(case, world):
    text = "expect: [{never: {json: {charged: true, degraded: true}}}]"
    shown = world().answers("chat", [3], 200, body={"charged": True, "degraded": False})
    assert one(case(text, shown)).verdict is Verdict.PASSED
    shown.answers("chat", [4], 200, body={"charged": True, "degraded": True})
    finding = one(case(text, shown))
    assert finding.verdict is Verdict.FAILED
    assert finding.observed == "200 with charged: true, degraded: true for 1 of 2: #5 at 4s"


def test_a_text_in_any_body_fails(case, world):
    text = "expect: [{never: {body: Traceback}}]"
    shown = world().answers("chat", [3], 500, body="<h1>Oops</h1>")
    assert one(case(text, shown)).verdict is Verdict.PASSED
    shown.answers("chat", [4], 500, body={"error": "Traceback (most recent call last)"})
    assert one(case(text, shown)).verdict is Verdict.FAILED


def test_each_forbidden_thing_is_a_finding_of_its_own(case, world):
    shown = world().answers("chat", [3], 500, body="Traceback")
    built = case("expect: [{never: {status: 5xx, body: Traceback, json: {a: 1}}}]", shown)
    findings = never.check(built.scenario.expect[0], built)
    assert [finding.verdict for finding in findings] == [
        Verdict.FAILED,
        Verdict.PASSED,
        Verdict.FAILED,
    ]
