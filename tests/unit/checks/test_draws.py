"""What draws of a contract say of a breaker's later cycles."""

from __future__ import annotations

from harness.checks.breaker_subject import is_beyond_drawn_cycles, is_beyond_draws
from harness.contract import Moment
from harness.units import Range


def moment(*instants: float, sure: bool = True) -> Moment:
    return Moment(alternatives=tuple(Range(at_s, at_s) for at_s in instants), sure=sure)


def test_a_late_departure_behind_what_may_be_otherwise_is_beyond_them() -> None:
    moments = [moment(19), moment(28, 32), moment(36, 44), moment(44, 48), moment(56, sure=False)]
    assert is_beyond_draws([19, 28, 36, 44, 52], moments, 1.0)
    assert is_beyond_draws([19, 28, 36, 44, 56, 60], moments, 1.0), "one more than were drawn"


def test_an_early_departure_is_not_nor_one_from_what_can_only_be_so() -> None:
    moments = [moment(19), moment(28, 32), moment(36, 44), moment(44, 48)]
    assert not is_beyond_draws([19, 30, 36, 44], moments, 1.0)
    assert not is_beyond_draws([], moments, 1.0)
    single = [moment(19), moment(28), moment(36), moment(44), moment(52)]
    assert not is_beyond_draws([19, 28, 36, 44, 60], single, 1.0)


def test_a_closing_hangs_on_all_openings_before_it() -> None:
    openings = [moment(5), moment(17, 19), moment(29, 31), moment(41, 46)]
    closings = [moment(32, 44, sure=False), moment(68)]
    opened_s = [5, 17, 29, 46]
    assert is_beyond_drawn_cycles([40, 68], closings, 1.0, opened_s, openings)
    assert not is_beyond_drawn_cycles([24, 68], closings, 1.0, opened_s, openings), "after two"
    single = [moment(5), moment(17), moment(29), moment(41)]
    assert not is_beyond_drawn_cycles([40, 68], closings, 1.0, opened_s, single)
