"""Quantities as authors write them, and back."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.units import (
    Window,
    format_duration,
    parse_around,
    parse_count,
    parse_duration,
    parse_duration_range,
    parse_rate,
    parse_share,
    parse_size,
    parse_step,
    parse_throughput,
    parse_window,
)

PARSERS = (
    parse_around,
    parse_count,
    parse_duration,
    parse_duration_range,
    parse_rate,
    parse_share,
    parse_size,
    parse_throughput,
    parse_window,
)


@given(st.integers(0, 10**8).map(lambda ms: ms / 1000))
def test_a_formatted_duration_reads_back(seconds: float) -> None:
    assert parse_duration(format_duration(seconds)) == pytest.approx(seconds, abs=1e-4)


@given(st.integers(0, 999), st.integers(1, 999))
def test_a_window_reads_back_and_leaves_out_its_end(start: int, lasts: int) -> None:
    window = Window(float(start), float(start + lasts))
    assert parse_window(str(window)) == window
    assert start in window
    assert start + lasts not in window


@given(st.integers(0, 999), st.integers(0, 999))
def test_a_count_reads_back(low: int, more: int) -> None:
    for text in (f"{low}..{low + more}", f">= {low}", f"<= {low}"):
        counted = parse_count(text)
        assert parse_count(str(counted)) == counted


@given(st.one_of(st.text(max_size=20), st.integers(), st.floats(), st.booleans(), st.none()))
def test_whatever_is_parsed_is_a_finite_quantity_or_refused(value: object) -> None:
    for parse in PARSERS:
        try:
            parsed = parse(value)
        except ValueError as error:
            assert str(error)  # noqa: PT017 - any message will do, none will not
            continue
        low = parsed if isinstance(parsed, int | float) else None
        assert low is None or (math.isfinite(low) and low >= 0)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("250ms", 0.25), ("50s", 50), ("1m 30s", 90), ("2h", 7200), ("0", 0), (0, 0), ("5min", 300)],
)
def test_durations(text: object, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    ("text", "hint"), [(90, "90s"), ("90", "90s"), (1.5, "1.5s"), (-5, "none")]
)
def test_a_duration_without_unit_is_refused_with_what_to_write(text: object, hint: str) -> None:
    with pytest.raises(ValueError, match=hint):
        parse_duration(text)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("-1h", -3600), ("+90s", 90), ("90s", 90), ("- 1m 30s", -90), ("876000h", 876_000 * 3600)],
)
def test_steps(text: str, seconds: float) -> None:
    assert parse_step(text) == seconds


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        (-3600, "write -3600s"),
        ("+5", r"write \+5s"),
        ("--1h", "such as -1h"),
        ("", "such as -1h"),
        (None, "such as -1h"),
        (True, "such as -1h"),
        (0, "not none"),
        ("-0s", "not none"),
        ("-876001h", "100 years"),
    ],
)
def test_a_step_that_is_none_is_refused_with_what_to_write(text: object, hint: str) -> None:
    with pytest.raises(ValueError, match=hint):
        parse_step(text)


@pytest.mark.parametrize(
    ("text", "rate"), [("1/s", 1), ("5/min", 5 / 60), ("1/10s", 0.1), ("200/s", 200)]
)
def test_rates(text: str, rate: float) -> None:
    assert parse_rate(text) == pytest.approx(rate)


@pytest.mark.parametrize("text", ["68s..10s", "10s..10s", "10s", "10..20", "end..10s"])
def test_windows_that_are_none(text: str) -> None:
    with pytest.raises(ValueError, match=r"window|duration"):
        parse_window(text)
