from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.checks.excuses import LATE_S
from harness.checks.registry import findings_of
from harness.verdict import Verdict

IN_WINDOW = "expect: [{during: 10s..20s, traffic: chat, %s}]"


def one(case):
    (finding,) = findings_of(case.scenario.expect[0], case)
    return finding


def test_every_request_answered_as_expected_passes(case, world):
    shown = world().warmed_up().answers("chat", range(30), 401)
    finding = one(case(IN_WINDOW % "status: 401", shown))
    assert finding.verdict is Verdict.PASSED
    assert finding.name == "chat is answered 401 in 10s..20s"
    assert finding.expected == "401 for every request"
    assert finding.observed == "401 for 10 of 10 requests (#11-#20)"
    assert finding.evidence == "10 answers seen by the client"
    assert finding.claims == ("T1",)


def test_a_single_other_status_fails_and_is_named_with_its_instant(case, world):
    shown = world().warmed_up().answers("chat", range(30), 401)
    shown.answers("chat", [12, 14, 15, 16], 200)
    finding = one(case(IN_WINDOW % "status: 401", shown))
    assert finding.verdict is Verdict.FAILED
    assert finding.observed == "200 for 4 of 14: #13 at 12s, #15, #16 and 1 more"
    assert finding.examples == finding.requests == (32, 33, 34, 35)


def test_an_empty_window_is_inconclusive(case, world):
    finding = one(case(IN_WINDOW % "status: 401", world().warmed_up().answers("chat", [1], 401)))
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert finding.observed == "no request"
    assert "no request was planned" in finding.evidence


def test_requests_of_other_streams_do_not_count(case, world):
    shown = world().warmed_up().answers("login", range(30), 401)
    assert one(case(IN_WINDOW % "status: 401", shown)).verdict is Verdict.INCONCLUSIVE


def test_warm_up_does_not_count(case, world):
    text = "expect: [{traffic: chat, status: 200}]"
    assert one(case(text, world().warmed_up())).verdict is Verdict.INCONCLUSIVE


def test_an_error_is_no_status(case, world):
    shown = world().answers("chat", [11], None, error="connection closed")
    finding = one(case(IN_WINDOW % "status: 401", shown))
    assert finding.verdict is Verdict.FAILED
    assert finding.observed == "no answer (connection closed) for 1 of 1: #12 at 11s"
    assert one(case(IN_WINDOW % "status: [401, error]", shown)).verdict is Verdict.PASSED


def test_a_hang_fails_and_a_request_without_time_is_left_out(case, world):
    text = "faults: [{upstream: auth, fault: blackhole, to: 50s}]\n"
    text += "expect: [{traffic: chat, status: 401}]"
    shown = world().warmed_up().answers("chat", range(70), 401)
    late = shown.answers("chat", [85], 401, took_s=None)
    finding = one(case(text, late))
    assert finding.verdict is Verdict.PASSED  # 5 s are not yet the 11 s that two attempts may take
    assert "1 request left out" in finding.evidence
    assert "(#86)" in finding.evidence
    hung = shown.answers("chat", [60], 401, took_s=None)
    finding = one(case(text, hung))
    assert finding.verdict is Verdict.FAILED
    assert "no answer in 13s for 1 of 71" in finding.observed


def test_who_calls_an_upstream_twice_may_wait_for_both_calls(case, world):
    text = "faults: [{upstream: auth, fault: blackhole, to: 80s}]\n"
    text += "expect: [{traffic: chat, status: 401}]"
    shown = world().warmed_up().call("auth", -0.98, "GET /sessions/1")
    shown.answers("chat", range(60), 401).answers("chat", [70], 401, took_s=None)
    assert one(case(text, shown)).verdict is Verdict.PASSED  # 20 s: two calls may take 22 s
    shown.answers("chat", [65], 401, took_s=None)
    assert "no answer in 24s for 1 of 61" in one(case(text, shown)).observed


def test_only_unanswered_requests_are_inconclusive(case, world):
    shown = world().answers("chat", [88], 200, took_s=None)
    text = "expect: [{traffic: chat, status: 200}]"
    finding = one(case(text, shown))
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert finding.observed == "no request was answered in time to tell"


def test_a_violation_by_a_request_that_left_late_is_unclear(case, world):
    shown = world().answers("chat", range(10, 19), 401)
    shown.answers("chat", [19], 200, late_s=LATE_S + 0.1)
    finding = one(case(IN_WINDOW % "status: 401", shown))
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert "this machine was too busy to tell" in finding.observed
    assert "requests left 350ms late at 19.4s" in finding.evidence
    assert finding.noise


def test_at_least_a_share_must_comply(case, world):
    shown = world().answers("chat", range(10, 18), 200).answers("chat", [18, 19], 503)
    assert one(case(IN_WINDOW % "status: 200, at_least: 80%", shown)).verdict is Verdict.PASSED
    finding = one(case(IN_WINDOW % "status: 200, at_least: 90%", shown))
    assert finding.verdict is Verdict.FAILED
    assert finding.expected == "200 for at least 90%"


def test_numbers_select_within_the_stream(case, world):
    text = "expect: [{traffic: chat, requests: 1..3, status: 401}]"
    shown = world().answers("chat", range(3), 401).answers("chat", range(3, 10), 200)
    finding = one(case(text, shown))
    assert finding.verdict is Verdict.PASSED
    assert finding.name == "chat #1-#3 is answered 401"


def test_latency_counts_from_the_planned_instant(case, world):
    bound = IN_WINDOW % 'latency: "< 100ms"'
    fast = world().answers("chat", range(10, 20), 401, took_s=0.02)
    finding = one(case(bound, fast))
    assert finding.verdict is Verdict.PASSED
    assert finding.observed == "typically 20ms, at most 20ms for 10 of 10 requests (#11-#20)"
    slow = fast.answers("chat", [12], 401, took_s=1.2)
    finding = one(case(bound, slow))
    assert finding.verdict is Verdict.FAILED
    assert finding.observed == "1 of 11: #13 at 12s took 1.2s"


def test_slowness_that_is_only_the_senders_is_inconclusive(case, world):
    shown = world().answers("chat", [12], 401, took_s=0.02, late_s=0.3)
    assert one(case(IN_WINDOW % 'latency: "< 100ms"', shown)).verdict is Verdict.INCONCLUSIVE


def test_an_answer_faster_than_the_lower_bound_fails(case, world):
    shown = world().answers("chat", [12], 401, took_s=0.2)
    assert one(case(IN_WINDOW % "latency: 900ms..2s", shown)).verdict is Verdict.FAILED
    shown = world().answers("chat", [12], 401, took_s=1.0)
    assert one(case(IN_WINDOW % "latency: 900ms..2s", shown)).verdict is Verdict.PASSED


def test_no_answer_for_longer_than_the_bound_is_too_slow(case, world):
    shown = world().answers("chat", [12], 401, took_s=None)
    finding = one(case(IN_WINDOW % 'latency: "< 100ms"', shown, end_s=20.0))
    assert finding.verdict is Verdict.FAILED
    assert "no answer in 8s" in finding.observed


@pytest.mark.parametrize(
    ("wanted", "body", "verdict"),
    [
        ("{degraded: true}", {"degraded": True, "response": "x"}, Verdict.PASSED),
        ("{degraded: true}", {"degraded": 1}, Verdict.FAILED),
        ("{degraded: true}", {"degraded": False}, Verdict.FAILED),
        ("{degraded: true}", {}, Verdict.FAILED),
        ("{degraded: true}", "not json", Verdict.FAILED),
        ("{degraded: true}", None, Verdict.FAILED),
        ("{sources: []}", {"sources": []}, Verdict.PASSED),
        ("{sources: []}", {"sources": ["a"]}, Verdict.FAILED),
        ("{a: {b: 1}}", {"a": {"b": 1, "c": 2}}, Verdict.PASSED),
        ("{a: {b: 1}}", {"a": {"b": 2}}, Verdict.FAILED),
    ],
)
def test_json_has_the_fields(case, world, wanted, body, verdict):
    shown = world().answers("chat", [12], 200, body=body)
    assert one(case(IN_WINDOW % f"json: {wanted}", shown)).verdict is verdict


def test_json_says_what_was_there_instead(case, world):
    shown = world().answers("chat", [12], 200, body={"degraded": False})
    finding = one(case(IN_WINDOW % "json: {degraded: true}", shown))
    assert finding.observed == "200 with degraded: false for 1 of 1: #13 at 12s"
    assert one(case(IN_WINDOW % "json: {degraded: true}", world())).verdict is (
        Verdict.INCONCLUSIVE
    )


def test_json_too_long_to_be_kept_is_unclear(case, world):
    shown = world().answers(
        "chat", [12], 200, body="{" * 500, headers={"content-type": "application/json"}
    )
    finding = one(case(IN_WINDOW % "json: {degraded: true}", shown))
    assert finding.verdict is Verdict.INCONCLUSIVE


def test_headers_must_be_there(case, world):
    text = IN_WINDOW % "headers: [Retry-After]"
    with_it = world().answers("chat", [12], 503, headers={"retry-after": "5"})
    assert one(case(text, with_it)).verdict is Verdict.PASSED
    finding = one(case(text, world().answers("chat", [12], 503)))
    assert finding.verdict is Verdict.FAILED
    assert finding.observed == "503 without Retry-After for 1 of 1: #13 at 12s"
    assert one(case(text, world())).verdict is Verdict.INCONCLUSIVE


COOKIE = "auth_token=[redacted]; HttpOnly; Path=/; SameSite=Lax; Secure"
WANTED = "cookie: {name: auth_token, flags: [HttpOnly, Secure, SameSite=Lax]}"


@pytest.mark.parametrize(
    ("header", "verdict"),
    [
        (COOKIE, Verdict.PASSED),
        (f"other=1; Expires=Wed, 25 Nov 2026 00:00:00 GMT; Path=/, {COOKIE}", Verdict.PASSED),
        (f"{COOKIE}, other=1; Path=/", Verdict.PASSED),
        ("auth_token=[redacted]; HttpOnly; SameSite=Lax", Verdict.FAILED),
        ("auth_token=x; Path=/, other=1; HttpOnly; Secure; SameSite=Lax", Verdict.FAILED),
        ("session=x; HttpOnly; Secure; SameSite=Lax", Verdict.FAILED),
        (None, Verdict.FAILED),
    ],
)
def test_cookie_must_be_set_with_its_flags(case, world, header, verdict):
    headers = {"set-cookie": header} if header else {}
    shown = world().answers("chat", [12], 200, headers=headers)
    assert one(case(IN_WINDOW % WANTED, shown)).verdict is verdict


def test_cookie_none_forbids_any(case, world):
    text = IN_WINDOW % "cookie: none"
    assert one(case(text, world().answers("chat", [12], 503))).verdict is Verdict.PASSED
    shown = world().answers("chat", [12], 503, headers={"set-cookie": COOKIE})
    finding = one(case(text, shown))
    assert finding.verdict is Verdict.FAILED
    assert finding.observed == "503 with the cookie auth_token for 1 of 1: #13 at 12s"
    assert one(case(text, world())).verdict is Verdict.INCONCLUSIVE


def test_each_aspect_is_a_finding_of_its_own(case, world):
    shown = world().answers("chat", range(10, 20), 401, took_s=2.0)
    built = case(IN_WINDOW % 'status: 401, latency: "< 100ms", json: {a: 1}', shown)
    findings = findings_of(built.scenario.expect[0], built)
    assert [finding.verdict for finding in findings] == [
        Verdict.PASSED,
        Verdict.FAILED,
        Verdict.FAILED,
    ]
    assert len({finding.name for finding in findings}) == 3


@given(
    statuses=st.lists(st.sampled_from([200, 401, 500, None]), max_size=30),
    share=st.sampled_from([0.0, 0.5, 0.9, 1.0]),
)
def test_the_verdict_is_what_counting_says(case, world, statuses, share):
    shown = world()
    for index, status in enumerate(statuses):
        shown.request("chat", index + 1, float(index), status)
    text = f"expect: [{{traffic: chat, status: 401, at_least: {share}}}]"
    finding = one(case(text, shown))
    right = sum(status == 401 for status in statuses)
    if not statuses:
        assert finding.verdict is Verdict.INCONCLUSIVE
    else:
        held = right >= share * len(statuses)
        assert finding.verdict is (Verdict.PASSED if held else Verdict.FAILED)


AT_MOST = "expect: [{traffic: chat, %s, at_most: 2}]"


@pytest.mark.parametrize(
    ("errors", "verdict"), [(0, Verdict.PASSED), (2, Verdict.PASSED), (3, Verdict.FAILED)]
)
def test_no_more_requests_than_allowed_meet_it(case, world, errors, verdict):
    shown = world().warmed_up().answers("chat", range(errors), 503)
    shown.answers("chat", range(errors, 30), 200)
    finding = one(case(AT_MOST % "status: 5xx", shown))
    assert finding.verdict is verdict
    assert finding.name == "chat is answered 5xx at most 2 times throughout"
    assert finding.expected == "5xx for at most 2 requests"
    if errors > 2:
        assert finding.observed == "503 for 3 of 30: #1 at 0s, #2, #3"
        assert len(finding.requests) == 3


def test_at_most_of_nobody_is_inconclusive(case, world):
    finding = one(case(AT_MOST % "status: 5xx", world().warmed_up()))
    assert finding.verdict is Verdict.INCONCLUSIVE


def test_slow_answers_are_counted_by_what_they_took(case, world):
    shown = world().warmed_up().answers("chat", range(3), 200, took_s=2.5)
    shown.answers("chat", range(3, 30), 200)
    finding = one(case(AT_MOST % 'latency: "> 2s"', shown))
    assert finding.verdict is Verdict.FAILED
    assert finding.observed == "3 of 30: #1 at 0s took 2.5s, #2 at 1s took 2.5s, #3 at 2s took 2.5s"
