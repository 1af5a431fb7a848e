"""A forecast as lines of text: what is broken, which breaker is open, what is answered, in time.

0s        10s       20s
auth      ###########             the fault
auth      ..OOOOOOOOOOOO?....     the breaker: O open, ? either, . closed
check     4444444444444444222     the first digit of what is answered, ? either
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from harness.contract.forecast import Forecast, Prediction
from harness.scenario.model import Scenario
from harness.units import format_duration

_STEPS_S = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """One line of the picture: a label and a mark for each column of time."""

    label: str
    kind: str
    """`axis`, `fault`, `breaker` or `answers`."""
    marks: str


def picture(scenario: Scenario, forecast: Forecast, *, columns: int) -> tuple[Lane, ...]:
    """All lanes, each `columns` wide: the axis, faults, breakers that open, streams."""
    scale = _Scale(scenario.duration, columns)
    return (
        Lane(label="", kind="axis", marks=scale.axis()),
        *_faults(scenario, scale),
        *(
            Lane(label=f"{name} breaker", kind="breaker", marks=_breaker(found, scale))
            for name, found in forecast.upstreams.items()
            if found.open_spells
        ),
        *_streams(forecast, scale),
    )


@dataclass(frozen=True, slots=True)
class _Scale:
    """Columns of equal lengths of time."""

    duration_s: float
    columns: int

    def middle_s(self, column: int) -> float:
        return (column + 0.5) * self.duration_s / self.columns

    def column(self, at_s: float) -> int:
        """The column of an instant, the last one for all that comes later."""
        return min(self.columns - 1, max(0, math.floor(at_s * self.columns / self.duration_s)))

    def axis(self) -> str:
        """Labels of round seconds, far enough apart to be read."""
        per_column_s = self.duration_s / self.columns
        step_s = next((s for s in _STEPS_S if s / per_column_s >= 9), _STEPS_S[-1])
        line = ""
        for k in range(math.ceil(self.duration_s / step_s)):
            label = format_duration(k * step_s)
            at = self.column(k * step_s)
            if at + len(label) <= self.columns:
                line = line.ljust(at) + label
        return line.ljust(self.columns)


def _faults(scenario: Scenario, scale: _Scale) -> Iterator[Lane]:
    for index, fault in enumerate(scenario.faults):
        first = scale.column(fault.from_)
        last = max(first, scale.column(scenario.fault_end_s(index) - 1e-6))
        marks = " " * first + "#" * (last - first + 1)
        name: str = fault.fault
        label = f"{name} {fault.subject}"
        yield Lane(label=label, kind="fault", marks=marks.ljust(scale.columns))


def _breaker(found: Prediction, scale: _Scale) -> str:
    marks = ["."] * scale.columns
    for begin, end in found.open_spells:
        for column in range(scale.columns):
            at_s = scale.middle_s(column)
            if begin.high <= at_s < end.low:
                marks[column] = "O"
            elif begin.low <= at_s < end.high and marks[column] != "O":
                marks[column] = "?"
    return "".join(marks)


def _streams(forecast: Forecast, scale: _Scale) -> Iterator[Lane]:
    for name, parts in forecast.answers.items():
        marks = [" "] * scale.columns
        for part in parts:
            kinds = {str(status)[0] for status in part.statuses}
            mark = kinds.pop() if len(kinds) == 1 else "?"
            between_s = (part.to_s - part.from_s) / max(1, part.last - part.first)
            for k in range(part.last - part.first + 1):
                marks[scale.column(part.from_s + k * between_s)] = mark
        yield Lane(label=name, kind="answers", marks="".join(_filled(marks)))


def _filled(marks: list[str]) -> Iterator[str]:
    """Columns between two requests get a dot, so that a slow stream reads as one."""
    present = [index for index, mark in enumerate(marks) if mark != " "]
    for index, mark in enumerate(marks):
        inside = present and present[0] < index < present[-1]
        yield "·" if mark == " " and inside else mark
