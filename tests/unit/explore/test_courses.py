"""Courses of requests: each rival of a rule is told apart by one of them, and none is long."""

from __future__ import annotations

from itertools import pairwise

import pytest
from msgspec.structs import replace

from harness.explore.courses import courses, failing, near_s, trying
from harness.policy.backoffs import Listed
from harness.policy.counting import Counting
from harness.policy.outage import call_s
from harness.policy.rules import Rule
from harness.policy.settings import ServiceSettings, in_a_row
from harness.policy.shares import ShareOfAll, ShareOfCalls, ShareOfSeconds
from harness.policy.telling import allowed, opens_at
from harness.policy.thresholds import InARow

F, S = True, False


def settings(rule: Rule, attempts: int = 1, *, by_call: bool = False) -> ServiceSettings:
    plain = in_a_row(attempts=attempts, timeout_s=1.0, threshold=3, wait_s=4.0)
    breaker = replace(plain.breaker, opens=rule)
    counting = Counting(by_call=by_call)
    return replace(plain, breaker=breaker, counting=counting, backoff=Listed((0.3,)))


@pytest.mark.parametrize(
    "rule",
    [
        InARow(5),
        ShareOfCalls(0.5, 10, 6),
        ShareOfSeconds(0.4, 8.0, 5),
        ShareOfSeconds(0.5, 10.0, 6, 2.0),
        ShareOfAll(0.6, 6),
    ],
)
def test_each_rival_is_told_apart(rule: Rule) -> None:
    found = courses(settings(rule))
    told = [[(ask.at_s, ask.failing > 0) for ask in course] for course in found]
    alike = [
        other.says
        for _, other in rule.rivals(1)
        if all(allowed(rule, one).refuted(opens_at(other, one)) is None for one in told)
    ]
    assert alike == []
    assert len(found) <= 8
    assert max(course[-1].at_s for course in found) < 30


@pytest.mark.parametrize("by_call", [True, False])
def test_calls_of_a_course_don_t_overlap(by_call: bool) -> None:
    own = settings(ShareOfCalls(0.5, 10, 6), attempts=3, by_call=by_call)
    for course in courses(own):
        for ask, later in pairwise(course):
            assert later.at_s - ask.at_s >= call_s(own, ask.failing) + near_s(own) - 0.01
            assert ask.failing in (0, 3) or not by_call


def test_trials_are_shared_out_to_calls_by_what_is_counted() -> None:
    by_attempt, by_call = (settings(InARow(3), 2, by_call=one) for one in (False, True))
    assert [ask.failing for ask in trying((S, F, S), by_attempt, 5.0)] == [0, 1, 0, 0]
    assert [ask.failing for ask in trying((F, F, F), by_attempt, 5.0)] == [2, 1, 0, 0]
    assert [ask.failing for ask in trying((S, F, S), by_call, 5.0)] == [0, 2, 0, 0, 0]


def test_calls_fail_from_before_one_until_before_the_next() -> None:
    own = settings(InARow(3), 2)
    course = trying((F, F, F, S), own, 5.0)
    assert [(ask.at_s, ask.failing) for ask in course] == [(5.0, 2), (5.8, 1), (6.6, 0), (7.1, 0)]
    assert list(failing(course, own)) == [(4.75, 5.55, None), (5.55, 6.35, 1)]
