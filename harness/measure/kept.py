"""How long failures are kept that a success does not make good: which of them opened a breaker.

Shared by the simulation and real time. Where failures lay when the last of them opened it bounds
the window in which they count: those that it took lie in it, those before them did not.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from harness.frozen import Frozen
from harness.measure.findings import Findings, Span
from harness.units import plural

COUNTING = ("in a row", "in all", "among")
"""Rules by a number of failures."""
KEEPING = ("in all", "among")
"""Rules to which a success makes nothing good, or only by its time or number."""
_BUCKETED = 0.25
"""By up to such a part of it bounds may cross: how old a failure of a bucket may be depends on
where in it that lies."""


class Failures(Frozen, kw_only=True):
    """Where the failures lay by which a breaker opened, in order, in seconds or in results."""

    at: Sequence[float]
    before: int
    """How many of them came before what was put between them."""
    first: int
    """Which of them opened it, counted from 1, at the earliest; the last of them at the latest."""

    def kept(self, threshold: int) -> bool:
        """Whether all of them counted."""
        return self.first <= threshold <= len(self.at)

    def forgot(self, threshold: int) -> bool:
        """Whether only those after what was put between counted."""
        return self.first <= self.before + threshold <= len(self.at)

    def window(self, threshold: int) -> tuple[float, float]:
        """How far the window reaches back: at the least, and less than."""
        spans = [
            self.at[index] - self.at[index - threshold + 1]
            for index in range(threshold - 1, len(self.at))
        ]
        sure = spans[: max(0, self.first - threshold)]
        return min(spans[len(sure) :], default=0.0), min(sure, default=math.inf)


def successes_for(threshold: int) -> int:
    """So many successes before failures change nothing where only their number counts; a share that
    needs as many results is reached by fewer failures then.
    """
    return max(1, threshold // 2)


def bounded(low: float, high: float) -> Span | None:
    """A window between two bounds; None where they contradict each other."""
    if low <= high:
        return Span(low_s=low, high_s=high)
    return Span(low_s=high, high_s=low) if low - high < _BUCKETED * low else None


def note_kept(
    found: Findings, rule: str, threshold: int, *, seconds: Span | None = None,
    calls: Span | None = None,
) -> None:  # fmt: skip
    """A rule by the number of failures, and in which window."""
    own = found.breaker
    own.rule, own.threshold = rule, threshold
    own.window_s, own.window_calls = seconds, calls
    found.unknown.pop("breaker.threshold", None)
    reaches = [] if seconds is None else [f"{seconds.low_s:.3g} to {seconds.high_s:.3g} s"]
    reaches += [] if calls is None else [f"{calls.low_s:.0f} to {calls.high_s:.0f} results"]
    within = f", of those within {' and '.join(reaches)}" if reaches else ""
    made_good = {"in a row": "a success", "in all": "no success by itself"}.get(rule, "no success")
    found.saw(f"{plural(threshold, 'failure')} open it{within}; {made_good} makes them good")
