"""Lines of text on one scale of time: what is broken, which breaker is open, what is answered.

              0s        10s       20s
blackhole mail###########             a fault
mail breaker  ..OOOOOOOOOOOO?....     a breaker: O open, ? either, . closed
check         4444444444444444222     the first digit of what is answered, x no answer, ? either

What is predicted (`harness/contract/picture.py`) and what was observed (`harness/report/scene/`)
are drawn by the same hand, so that they can lie below each other.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from harness.frozen import Frozen
from harness.units import Range, format_duration

_STEPS_S = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400)
_WORST_LAST = " 12345x?"
_JUST_BEFORE_S = 1e-6


class Lane(Frozen, kw_only=True):
    """One line of a picture: a label and a mark for each column of time."""

    label: str
    kind: str
    """`axis`, `head`, `fault`, `breaker` or `answers`."""
    marks: str


class Scale(Frozen):
    """Columns of equal lengths of time, from 0s or a later instant on."""

    duration_s: float
    columns: int
    start_s: float = 0.0

    def axis(self) -> Lane:
        """Labels of round seconds, far enough apart to be read."""
        per_column_s = self.duration_s / self.columns
        step_s = next((s for s in _STEPS_S if s / per_column_s >= 9), _STEPS_S[-1])
        line = ""
        first = math.ceil(self.start_s / step_s)
        for k in range(first, math.ceil((self.start_s + self.duration_s) / step_s)):
            label = format_duration(k * step_s)
            at = self._column(k * step_s)
            if at + len(label) <= self.columns:
                line = line.ljust(at) + label
        return Lane(label="", kind="axis", marks=line.ljust(self.columns))

    def fault(self, label: str, *spells: tuple[float, float]) -> Lane:
        """A fault in force from one instant up to another, each time of one column at least."""
        marks = [" "] * self.columns
        for start_s, end_s in spells:
            first = self._column(start_s)
            last = max(first, self._column(end_s - _JUST_BEFORE_S))
            marks[first : last + 1] = "#" * (last - first + 1)
        return Lane(label=label, kind="fault", marks="".join(marks))

    def head(self, label: str, at_s: float) -> Lane:
        """Where a clock stands."""
        return Lane(label=label, kind="head", marks=" " * self._column(at_s) + "▼")

    def breaker(self, label: str, spells: Iterable[tuple[Range, Range]]) -> Lane:
        """A breaker that isn't closed in these spells, whose ends are known as ranges."""
        marks = ["."] * self.columns
        for begin, end in spells:
            for column in range(self.columns):
                at_s = self.start_s + (column + 0.5) * self.duration_s / self.columns
                if begin.high <= at_s < end.low:
                    marks[column] = "O"
                elif begin.low <= at_s < end.high and marks[column] != "O":
                    marks[column] = "?"
        return Lane(label=label, kind="breaker", marks="".join(marks))

    def answers(self, label: str, answers: Iterable[tuple[float, str]]) -> Lane:
        """Requests by instant, each with its mark; of several in a column the worst is shown."""
        marks = [" "] * self.columns
        for at_s, mark in answers:
            column = self._column(at_s)
            marks[column] = max(marks[column], mark, key=_WORST_LAST.index)
        return Lane(label=label, kind="answers", marks="".join(_filled(marks)))

    def _column(self, at_s: float) -> int:
        """The column of an instant; the first and the last one for all before and after."""
        column = math.floor((at_s - self.start_s) * self.columns / self.duration_s)
        return min(self.columns - 1, max(0, column))


def _filled(marks: list[str]) -> Iterator[str]:
    """Columns between two requests get a dot, so that a slow stream reads as one."""
    present = [index for index, mark in enumerate(marks) if mark != " "]
    for index, mark in enumerate(marks):
        inside = present and present[0] < index < present[-1]
        yield "·" if mark == " " and inside else mark
