"""Attempts that ended in a way of which nobody knows what it is; what is sent again by itself."""

from __future__ import annotations

import pytest

from harness.wire.attempts import EITHER, FAILURE, NEUTRAL, SUCCESS, Attempt, unsure

CUT = ("hang-up", "broken")


def attempt(start_s: float, end_s: float, status: int | None = None, path: str = "/x") -> Attempt:
    return Attempt(
        start_s=start_s, end_s=end_s, ends_from_s=end_s, source="proxy", method="GET", path=path,
        results=FAILURE if status is None or status >= 500 else SUCCESS, status=status,
    )  # fmt: skip


def told(made: list[Attempt], *unknown: str, late_s: float = 0.0) -> list[tuple[float, object]]:
    found = unsure(made, unknown, 2.5, lambda from_s, to_s: late_s)
    return [(one.start_s, one.results) for one in found]


def test_what_is_cut_and_sent_again_at_once_is_one_attempt() -> None:
    """A lift cut it, past a breaker that had opened meanwhile; once only, and nobody else's."""
    made = [attempt(4.9, 7.0), attempt(7.0004, 7.0005, 200), attempt(7.0006, 7.0007, 200)]
    assert told(made, *CUT) == [(4.9, SUCCESS), (7.0006, SUCCESS)]
    assert [start_s for start_s, _ in told(made, "429")] == [4.9, 7.0004, 7.0006]
    other = [attempt(4.9, 7.0), attempt(7.0004, 7.0005, 200, path="/y")]
    assert len(told(other, *CUT)) == 2


@pytest.mark.parametrize(("late_s", "number"), [(0.0, 2), (0.1, 1)])
def test_at_once_is_later_on_a_busy_machine(late_s: float, number: int) -> None:
    made = [attempt(1.0, 2.0), attempt(2.08, 2.1, 200)]
    assert len(told(made, *CUT, late_s=late_s)) == number


def test_deadlines_refusals_and_errors_are_what_they_are() -> None:
    made = [attempt(0.0, 2.4998), attempt(3.0, 3.0, path=""), attempt(4.0, 4.1, 503)]
    assert told(made, *CUT, "429") == [(0.0, FAILURE), (3.0, FAILURE), (4.0, FAILURE)]


def test_an_answer_of_which_nobody_knows_what_it_is_may_be_anything() -> None:
    made = [attempt(0.0, 0.1, 429), attempt(1.0, 1.1, 200), attempt(2.0, 2.1, 404)]
    whole = EITHER | NEUTRAL
    assert told(made, "limit") == [(0.0, whole), (1.0, SUCCESS), (2.0, SUCCESS)]
    assert told(made, "refusal") == [(0.0, SUCCESS), (1.0, SUCCESS), (2.0, whole)]
    assert told([attempt(0.0, 1.0)], *CUT) == [(0.0, whole)]
