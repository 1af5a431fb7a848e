from __future__ import annotations

import pytest

from harness.checks import log
from harness.log_patterns import MARKS
from harness.verdict import Verdict

SEEN = {"evidence": ("stub", "output", "log"), "marks": tuple(MARKS)}
TRANSIENT = "expect: [{log: auth, marks: [attempt, failed, retrying, attempt, succeeded]}]"
TEXTS = "expect: [{log: [attempt 1/2, Retrying, attempt 2/2]}]"


def one(case):
    (finding,) = log.check(case.scenario.expect[0], case)
    return finding


@pytest.fixture
def logging(world):
    """A world whose target has patterns for all marks and is sent requests."""

    def make(**run):
        return world(**(SEEN | run)).answers("chat", range(5), 200)

    return make


def transient(shown):
    shown.logged(0.0, "attempt 1/2", "attempt", upstream="auth")
    shown.logged(0.0, "refused", "failed")
    shown.logged(0.1, "fine", "answered", upstream="billing")
    shown.logged(0.1, "Retrying in 1s", "retrying")
    return shown.logged(1.0, "attempt 2/2", "attempt", upstream="auth")


def test_lines_in_order_pass_with_others_between(case, logging):
    shown = transient(logging()).logged(1.1, "succeeded", "succeeded", upstream="auth")
    finding = one(case(TRANSIENT, shown))
    assert finding.verdict is Verdict.PASSED
    assert finding.name == (
        "the log of auth shows attempt, failed, retrying, attempt, succeeded throughout"
    )
    assert finding.observed == "attempt 0s, failed 0s, retrying 100ms, attempt 1s, succeeded 1.1s"
    assert "1.1s 'succeeded'" in finding.evidence


def test_a_line_that_does_not_come_fails_and_says_how_far_it_went(case, logging):
    finding = one(case(TRANSIENT, transient(logging())))
    assert finding.verdict is Verdict.FAILED
    assert finding.observed.endswith("attempt 1s, then no succeeded")


def test_the_order_counts(case, logging):
    shown = logging().logged(0.0, "a", "opened").logged(1.0, "b", "failed")
    text = "expect: [{log: auth, marks: [failed, opened]}]"
    assert one(case(text, shown)).verdict is Verdict.FAILED


def test_a_line_about_another_upstream_is_not_meant(case, logging):
    shown = logging().logged(0.0, "billing OPEN", "opened", upstream="billing")
    assert one(case("expect: [{log: auth, marks: [opened]}]", shown)).verdict is Verdict.FAILED
    assert one(case("expect: [{log: billing, marks: [opened]}]", shown)).verdict is Verdict.PASSED


def test_one_line_may_be_several_things_but_each_once(case, logging):
    shown = logging().logged(0.0, "attempt 1 failed", "attempt", "failed", upstream="auth")
    assert one(case("expect: [{log: auth, marks: [attempt, failed]}]", shown)).verdict is (
        Verdict.PASSED
    )
    twice = "expect: [{log: auth, marks: [attempt, failed, attempt]}]"
    assert one(case(twice, shown)).verdict is Verdict.FAILED


def test_texts_are_looked_for_as_they_stand(case, logging):
    shown = transient(logging(marks=()))
    assert one(case(TEXTS, shown)).verdict is Verdict.PASSED
    finding = one(case(TEXTS.replace("Retrying", "retrying"), shown))
    assert finding.verdict is Verdict.FAILED
    assert finding.observed == "attempt 1/2 0s, then no retrying"


def test_only_lines_of_the_window_count(case, logging):
    shown = logging().logged(1.0, "OPEN", "opened", upstream="auth")
    text = "expect: [{log: auth, marks: [opened], during: 2s..5s}]"
    assert one(case(text, shown)).verdict is Verdict.FAILED


def test_what_the_engine_says_is_no_line_of_the_target(case, logging):
    shown = logging().logged(0.0, "x").logged(1.0, "OPEN", by="engine")
    assert one(case("expect: [{log: [OPEN]}]", shown)).verdict is Verdict.FAILED


def test_output_that_cannot_be_read_is_out_of_scope(case, logging):
    finding = one(case(TEXTS, logging(evidence=("stub",))))
    assert finding.verdict is Verdict.OUT_OF_SCOPE
    assert finding.evidence == "the target's output can't be read in this run"


def test_a_mark_without_a_pattern_is_out_of_scope(case, logging):
    finding = one(case(TRANSIENT, transient(logging(marks=("attempt", "failed")))))
    assert finding.verdict is Verdict.OUT_OF_SCOPE
    assert finding.evidence == "the target file's `log:` has no pattern for retrying, succeeded"


def test_a_line_that_has_a_pattern_is_missed_though_another_has_none(case, logging):
    """A log without a word of its failures is no less wrong where nobody looks for its retries."""
    shown = logging(marks=("attempt", "failed")).logged(0.0, "1/2", "attempt", upstream="auth")
    finding = one(case(TRANSIENT, shown))
    assert (finding.verdict, finding.observed) == (Verdict.FAILED, "attempt 0s, then no failed")
    assert finding.expected == "attempt, then failed, then attempt"


def test_a_silent_target_proves_nothing(case, logging):
    finding = one(case(TRANSIENT, logging()))
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert finding.evidence == "the target wrote nothing in the whole run"


def test_a_window_without_requests_proves_nothing(case, world):
    shown = world(**SEEN).logged(1.0, "x")
    assert one(case(TRANSIENT, shown)).verdict is Verdict.INCONCLUSIVE


def test_names_that_are_no_upstreams_prove_nothing(case, logging):
    shown = logging().logged(0.0, "OPEN auth-svc", "opened", upstream="auth-svc")
    finding = one(case("expect: [{log: auth, marks: [opened]}]", shown))
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert "the log names auth-svc" in finding.evidence
