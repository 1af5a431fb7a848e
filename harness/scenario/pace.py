"""How fast requests leave: at one rate, or from one to another over a time and then at that."""

from __future__ import annotations

import math
from collections.abc import Mapping

from harness.frozen import Frozen
from harness.units import format_duration, format_rate, parse_duration, parse_rate

_JUST_BEFORE = 0.5e-6
"""Counts nearer than this to a whole one are that: the rest is rounding."""


class Pace(Frozen):
    """Requests a second: `first` at the beginning, `last` from `over_s` seconds after it on."""

    first: float
    last: float
    over_s: float = 0.0

    def at(self, index: int) -> float:
        """When request number `index` (from 0) leaves, in seconds after the beginning."""
        in_ramp = self._count(self.over_s)
        if index > in_ramp:
            return self.over_s + (index - in_ramp) / self.last
        if index == 0:
            return 0.0
        growth = 0.0 if self.over_s == 0 else (self.last - self.first) / self.over_s
        # The root of first*t + growth*t²/2 = index that loses no digits, whatever the growth.
        root = math.sqrt(max(0.0, self.first**2 + 2 * growth * index))
        return 2 * index / (self.first + root)

    def before(self, after_s: float) -> int:
        """How many leave before so many seconds after the beginning."""
        return max(0, math.ceil(self._count(max(0.0, after_s)) - _JUST_BEFORE))

    def _count(self, after_s: float) -> float:
        """How many have left by then, as a number that grows all the time."""
        ramp_s = min(after_s, self.over_s)
        growth = 0.0 if self.over_s == 0 else (self.last - self.first) / self.over_s
        in_ramp = self.first * ramp_s + growth * ramp_s**2 / 2
        return in_ramp + self.last * max(0.0, after_s - self.over_s)

    def __str__(self) -> str:
        """As an author writes it."""
        if self.over_s == 0:
            return format_rate(self.first)
        ends = f"from: {format_rate(self.first)}, to: {format_rate(self.last)}"
        return f"{{{ends}, over: {format_duration(self.over_s)}}}"


def parse_pace(value: object) -> Pace:
    """`1/s`, or `{from: 1/s, to: 20/s, over: 30s}`.

    Raises: ValueError when it is neither.
    """
    if isinstance(value, Pace):
        return value
    if not isinstance(value, Mapping):
        rate = parse_rate(value)
        return Pace(rate, rate)
    if set(value) != {"from", "to", "over"}:
        raise ValueError("expected a rate such as 1/s, or {from: 1/s, to: 20/s, over: 30s}")
    over_s = parse_duration(value["over"])
    if over_s == 0:
        raise ValueError("expected a ramp over some time")
    return Pace(parse_rate(value["from"]), parse_rate(value["to"]), over_s)
