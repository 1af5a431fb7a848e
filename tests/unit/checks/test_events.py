"""Windows that begin or end with an event of the play."""

from __future__ import annotations

import pytest

from harness.checks.selection import requests_in, span_of
from harness.checks.traffic import check
from harness.units import Window
from harness.verdict import Verdict
from tests.unit.checks.test_selection import NEVER, OPEN


def spanned(case, world, monkeypatch, during: str, inference=OPEN):
    text = (
        "faults: [{upstream: auth, fault: status, status: 503, to: 50s}]\n"
        f"expect: [{{during: {during}, traffic: chat, status: 401}}]"
    )
    shown = world().answers("chat", range(90), 401).fault("status", "auth", 0.0, 50.0, late_s=0.2)
    built = case(text, shown)
    monkeypatch.setattr(built, "wire", lambda upstream: inference)
    return built


@pytest.mark.parametrize(
    ("during", "window"),
    [
        # opened at 9 s, recovered at 69.1 s, each give or take 50 ms: what is left is sure
        ("auth recovered..auth recovered + 2s", Window(69.15, 71.05)),
        ("auth recovered..+2s", Window(69.15, 71.05)),
        ("auth recovered + 1s..end", Window(70.15, float("inf"))),
        ("auth opened..20s", Window(9.05, 20.0)),
        ("5s..auth opened - 1s", Window(5.0, 7.95)),
        ("auth opened..auth recovered", Window(9.05, 69.05)),
        ("applied..lifted", Window(0.2, 50.0)),
        ("auth lifted - 10s..auth lifted", Window(40.0, 50.0)),
    ],
)
def test_a_window_between_events(case, world, monkeypatch, during, window):
    built = spanned(case, world, monkeypatch, during)
    span = span_of(built.scenario.expect[0], built)
    (found,) = span.windows
    assert (found.start_s, found.end_s) == pytest.approx((window.start_s, window.end_s))
    assert all(request.at_s in window for request in requests_in(built, span))


@pytest.mark.parametrize(
    ("during", "why"),
    [
        ("auth recovered..+2s", "never seen to open and close again"),
        ("auth opened..end", "never seen open"),
    ],
)
def test_an_event_that_never_came_leaves_nothing_to_judge(case, world, monkeypatch, during, why):
    built = spanned(case, world, monkeypatch, during, NEVER)
    (finding,) = check(built.scenario.expect[0], built)
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert why in finding.evidence


def test_events_in_the_wrong_order_leave_nothing_to_judge(case, world, monkeypatch):
    built = spanned(case, world, monkeypatch, "auth recovered..auth opened")
    (finding,) = check(built.scenario.expect[0], built)
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert "nothing lies between" in finding.evidence
