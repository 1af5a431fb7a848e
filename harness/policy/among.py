"""Breakers that open by so many failures among the last calls or seconds, however many succeed.

A rule as `rules` has them: failsafe's, and home-grown ones.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from msgspec.structs import replace

from harness.policy.counting import Told
from harness.policy.rules import Rival, Rule, failures_in_words
from harness.policy.shares import KEPT_S, in_buckets
from harness.policy.thresholds import InARow, InTotal, Never
from harness.units import format_duration

_Seen = tuple[tuple[float, bool], ...]


class Among(Rule):
    """So many failures among the last results, none of them older than so long.

    `calls` and `within_s` may be infinite, but not both.
    """

    threshold: int
    """At least 1."""
    calls: float
    """How many results are looked at."""
    within_s: float
    """How old a failure may be and still count, in seconds."""
    bucket_s: float = 0.0
    """Results leave that time together by buckets of this length; 0: each by itself."""

    @property
    def failures(self) -> int:
        """The threshold."""
        return self.threshold

    @property
    def heavy(self) -> bool:
        """It keeps all results of a window of calls; of seconds only failures, of which few do."""
        return not math.isinf(self.calls)

    @property
    def begin(self) -> _Seen:
        """No result yet."""
        return ()

    def after(self, state: _Seen, failed: Told, at_s: float) -> _Seen:
        """The results that still count at an instant, the newest last.

        Where calls are not counted, successes needn't be remembered.
        """
        oldest_s = at_s - self.within_s - self.bucket_s - KEPT_S
        told = (*(one for one in state if one[0] > oldest_s), (at_s, bool(failed)))
        if math.isinf(self.calls):
            return (*(one for one in told[:-1] if one[1]), told[-1])
        return told[-int(self.calls) :]

    def opens(self, state: _Seen) -> bool:
        """Whether the newest result is the last failure that it takes."""
        if not state or not state[-1][1]:
            return False
        now_s = state[-1][0]
        return sum(failed and self._counts(at_s, now_s) for at_s, failed in state) >= self.threshold

    def _counts(self, at_s: float, now_s: float) -> bool:
        if not self.bucket_s:
            return now_s - at_s <= self.within_s
        return in_buckets(at_s, now_s, self.within_s, self.bucket_s)

    def may_open(self, state: _Seen, slack_s: float) -> frozenset[bool]:
        """Failures near to the window's edge may count or not."""
        if not state or not state[-1][1]:
            return frozenset({False})
        ages_s = [state[-1][0] - at_s for at_s, failed in state if failed]
        edge_s = slack_s + self.bucket_s
        sure = sum(age_s < self.within_s - edge_s for age_s in ages_s)
        most = sum(age_s <= self.within_s + edge_s for age_s in ages_s)
        return frozenset(count >= self.threshold for count in (sure, most))

    def rests(self, state: _Seen) -> bool:
        """Where no failure is in the window: no success moves one out of it."""
        return not any(failed for _, failed in state)

    @property
    def reach(self) -> tuple[int | None, float | None]:
        """Its results and its seconds, as far as either is finite."""
        calls = None if math.isinf(self.calls) else int(self.calls)
        return calls, None if math.isinf(self.within_s) else self.within_s

    @property
    def says(self) -> str:
        """`7 failures among the last 20 results, within 30s`."""
        failures = failures_in_words(self.threshold)
        if math.isinf(self.calls):
            return f"{failures} within {format_duration(self.within_s)}, whatever succeeds"
        within = "" if math.isinf(self.within_s) else f", within {format_duration(self.within_s)}"
        return f"{failures} among the last {int(self.calls)} results{within}"

    def rivals(self, attempts: int) -> Iterator[Rival]:
        """Other thresholds and windows, failures in a row or in all instead, and none."""
        n = self.threshold
        numbers = (n + 1, n - 1, *range(1, 2 * n + 1))
        others: list[Rule] = [replace(self, threshold=one) for one in numbers if one not in (0, n)]
        if not math.isinf(self.calls):
            others += [replace(self, calls=calls) for calls in (2 * self.calls, self.calls // 2)]
        if not math.isinf(self.within_s):
            spans_s = (2 * self.within_s, self.within_s / 2)
            others += [replace(self, within_s=span_s) for span_s in spans_s]
        others += [InARow(n), InTotal(n)]
        for other in dict.fromkeys(others):
            yield f"opens at {other.says}, not at {self.says}", other
        yield "never opens", Never()
