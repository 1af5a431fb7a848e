"""How many spans of time touch another: counted without looking at each of them.

A check that asks this of every request would otherwise look at every pair of requests.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable


class Spans:
    """Spans of time, ends included; an end may be infinite."""

    def __init__(self, spans: Iterable[tuple[float, float]]) -> None:
        given = list(spans)
        self._starts = sorted(start_s for start_s, _ in given)
        self._ends = sorted(end_s for _, end_s in given)

    def touching(self, start_s: float, end_s: float) -> int:
        """How many have an instant in common with that one."""
        return bisect_right(self._starts, end_s) - bisect_left(self._ends, start_s)
