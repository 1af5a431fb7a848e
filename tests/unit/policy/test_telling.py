"""What lies at the border of a policy: results that tell rules apart, and what closes a breaker."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace

from harness.policy.counting import Counting, Result
from harness.policy.mistakes import Deaf, Tumbling
from harness.policy.rules import Rule
from harness.policy.settings import in_a_row
from harness.policy.shares import ShareOfAll, ShareOfCalls, ShareOfSeconds
from harness.policy.telling import (
    Diluted,
    Results,
    allowed,
    at_once,
    borders,
    closing,
    diluting,
    moved_by_answers,
    opens_at,
)
from harness.policy.thresholds import InARow, InARowLately, InTotal, InTotalLately, Never
from harness.policy.trials import EVERYBODY, NOBODY, ByShare, EachAlone, Trials

F, S = True, False
HALF_OF_TEN = ShareOfCalls(0.5, 10, 6)
RULES: tuple[Rule, ...] = (
    InARow(3), InARowLately(2, 5.0), InTotal(3), InTotalLately(3, 6.0), Never(), HALF_OF_TEN,
    ShareOfSeconds(0.5, 8.0, 4), ShareOfSeconds(0.3, 8.0, 2, 2.0), ShareOfAll(0.6, 5),
)  # fmt: skip


def a_second_apart(*failed: bool) -> Results:
    return [(float(number), one) for number, one in enumerate(failed)]


@given(
    rule=st.sampled_from(RULES),
    told=st.lists(st.tuples(st.sampled_from([0.1, 1.0, 5.0]), st.booleans()), max_size=30),
)
@example(  # the warm-up's success leaves the window between two failures
    rule=ShareOfSeconds(0.5, 8.0, 4),
    told=[(0.1, False), (1.0, True), (5.0, False), (0.1, True), (0.1, False), (1.0, True)],
)
def test_no_rule_is_told_from_itself(rule: Rule, told: list[tuple[float, bool]]) -> None:
    at_s = 0.0
    results = [(at_s := at_s + pause_s, failed) for pause_s, failed in told]
    assert allowed(rule, results).refuted(opens_at(rule, results)) is None


def test_one_that_opens_too_late_is_refuted_where_it_had_to_be_open() -> None:
    told = a_second_apart(*[S] * 10, *[F] * 6)
    assert allowed(HALF_OF_TEN, told).latest == 14
    above = ShareOfCalls(0.500001, 10, 6)
    assert opens_at(above, told) == 15
    assert allowed(HALF_OF_TEN, told).refuted(15) == 14


def test_one_that_opens_too_soon_is_refuted_where_it_opens() -> None:
    told = a_second_apart(*[F] * 4, *[S] * 3)
    assert opens_at(ShareOfCalls(0.5, 10, 4), told) == 2
    assert allowed(HALF_OF_TEN, told).refuted(2) == 2


@pytest.mark.parametrize(
    ("mistake", "failed", "opened"),
    [
        (Deaf(HALF_OF_TEN), [*[S] * 9, F, F, F, F, F, F], 14),
        (Deaf(HALF_OF_TEN), [F, S, S, F, S, S, F, S, S, F, S, S, F, S, S, F], 15),
        (Tumbling(0.5, 3, calls=4), [S, S, F, F, F, F], 5),
        (Tumbling(0.5, 2, seconds=3.0), [S, S, F, F], 3),
    ],
)
def test_how_windows_are_got_wrong(mistake: Rule, failed: list[bool], opened: int) -> None:
    assert opens_at(mistake, a_second_apart(*failed)) == opened


@pytest.mark.parametrize(
    ("trials", "at_the_border", "number", "together"),
    [
        (EachAlone(), (), 1, 1),
        (EachAlone(2, 2), ((S, S), (F,), (S, F)), 2, 2),
        (ByShare(3, 0.5), ((F, S, S), (S, S, F), (F, F, S), (S, F, F)), 3, 3),
        (EVERYBODY, (), 1, 20),
        (NOBODY, (), None, 20),
    ],
)
def test_trials_say_which_results_lie_at_the_border(
    trials: Trials, at_the_border: tuple[tuple[bool, ...], ...], number: int, together: int
) -> None:
    assert borders(trials) == at_the_border
    assert closing(trials) == number
    assert at_once(trials) == together


@pytest.mark.parametrize(
    ("rule", "numbers"),
    [
        (InARow(5), Diluted(4, 1, 1)),
        (HALF_OF_TEN, Diluted(4, 10, 2)),
        (InARow(1), None),
        (InTotal(3), None),
    ],
)
def test_what_counts_for_nothing_shows_between_failures(
    rule: Rule, numbers: Diluted | None
) -> None:
    assert diluting(rule) == numbers


@pytest.mark.parametrize(
    ("rule", "counting", "moved"),
    [
        (InARow(3), Counting(), False),
        (InARow(1), Counting(slow_s=2.0), True),
        (InARow(1), Counting(otherwise=(("404", Result.FAILURE),)), True),
        (HALF_OF_TEN, Counting(), True),
        (ShareOfSeconds(0.5, 8.0, 4), Counting(), True),
        (Never(), Counting(), False),
    ],
)
def test_answers_that_are_well_to_others_may_open_a_breaker(
    rule: Rule, counting: Counting, moved: bool
) -> None:
    plain = in_a_row(attempts=1, timeout_s=1.0, threshold=3, wait_s=4.0)
    own = replace(plain, breaker=replace(plain.breaker, opens=rule), counting=counting)
    assert moved_by_answers(own) is moved
