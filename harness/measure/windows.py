"""Windows of calls that explain how many failures opened a breaker after which results."""

from __future__ import annotations

from collections.abc import Sequence

from harness.measure.doses import Tried

LARGEST = 400
"""The largest window of calls that is told from one without end."""


def windows_of(tried: Sequence[Tried], enough: int) -> dict[int, tuple[float, float]]:
    """Windows that explain all doses, each with the bounds of the share that it needs."""
    found = {}
    for window in range(1, LARGEST + 1):
        low, high = 0.0, 1.0
        for one in tried:
            high = min(high, share_of(one.before, one.high, window))
            if len(one.before) + one.low - 1 >= enough and one.low > 1:
                low = max(low, share_of(one.before, one.low - 1, window))
        if low < high:
            found[window] = (low, high)
    return found


def share_of(before: Sequence[bool], failures: int, window: int) -> float:
    """The share of failures, with so many more, among the last results."""
    last = [*before[-window:], *[True] * failures][-window:]
    return sum(last) / len(last)
