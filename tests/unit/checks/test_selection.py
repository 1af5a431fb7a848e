from __future__ import annotations

import math
from types import SimpleNamespace

import pytest

from harness.checks.selection import requests_in, span_of
from harness.checks.traffic import check
from harness.units import Window
from harness.verdict import Transition, Verdict

OPEN = SimpleNamespace(
    opened=Transition(state="open", at_s=9.0, error_s=0.05),
    closed=Transition(state="closed", at_s=69.1, error_s=0.05),
    open_windows=(Window(9.0, 69.0),),
)
NEVER = SimpleNamespace(opened=None, closed=None, open_windows=())


@pytest.fixture
def inferred(case, world, monkeypatch):
    """A case in which auth's breaker is known to have done this, with a request a second."""

    def build(condition, inference):
        text = f"expect: [{{while: {condition}, traffic: chat, status: 401}}]"
        built = case(text, world().answers("chat", range(90), 401))
        monkeypatch.setattr(built, "wire", lambda upstream: inference)
        return built

    return build


def numbers(case):
    span = span_of(case.scenario.expect[0], case)
    return [request.number for request in requests_in(case, span)]


def test_while_open_leaves_out_what_may_go_either_way(inferred):
    assert numbers(inferred("auth is open", OPEN)) == list(range(11, 70))


def test_while_closed_ends_before_it_opens(inferred):
    assert numbers(inferred("auth is closed", OPEN)) == list(range(1, 10))


def test_while_closed_is_the_whole_play_if_it_never_opens(inferred):
    assert numbers(inferred("auth is closed", NEVER)) == list(range(1, 91))


def test_while_recovered_begins_after_the_last_closing(inferred):
    assert numbers(inferred("auth has recovered", OPEN)) == list(range(71, 91))


@pytest.mark.parametrize("condition", ["auth is open", "auth has recovered"])
def test_a_state_that_was_never_seen_is_inconclusive(inferred, condition):
    built = inferred(condition, NEVER)
    (finding,) = check(built.scenario.expect[0], built)
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert "never seen" in finding.evidence


def test_a_breaker_that_opened_again_has_not_recovered(inferred):
    again = SimpleNamespace(
        opened=OPEN.opened,
        closed=None,
        open_windows=(*OPEN.open_windows, Window(75.0, math.inf)),
    )
    assert numbers(inferred("auth has recovered", again)) == []
    assert numbers(inferred("auth is open", again)) == [*range(11, 70), *range(77, 91)]
