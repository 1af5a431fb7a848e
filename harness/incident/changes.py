"""From many samples to the few instants at which the share of bad ones changed.

Neighbours are joined as long as that costs less than telling them apart is worth: from the bottom
up, the cheapest pair first. What two stretches cost is how much worse one share explains both than
a share for each does (the likelihood of what was counted); what a change is worth is the penalty
of Schwarz's criterion. Samples of equal shares join for nothing, so that an edge between all good
and all bad stays where it is.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence

from harness.frozen import Frozen


class Stretch(Frozen):
    """Samples `first` up to, not including, `stop`, that one share explains."""

    first: int
    stop: int
    bad: float
    calls: float

    @property
    def share(self) -> float:
        """The share of bad ones."""
        return self.bad / self.calls


def stretches(bad: Sequence[float], calls: Sequence[float]) -> list[Stretch]:
    """The stretches of samples with a share of their own, in order.

    `bad` of `calls` (above 0) went wrong in each sample. Takes time as the number of samples times
    its logarithm.
    """
    many = len(bad)
    if not many:
        return []
    stop, left = list(range(1, many + 1)), list(range(-1, many - 1))
    sums, counts = list(bad), list(calls)
    age = [0] * many  # how often a stretch has grown since its price was worked out

    def price(first: int) -> tuple[float, int, int, int, int] | None:
        after = stop[first]
        if after >= many:
            return None
        cost = _apart(sums[first], counts[first], sums[after], counts[after])
        return (cost, first, age[first], after, age[after])

    offers = [offer for first in range(many) if (offer := price(first)) is not None]
    heapq.heapify(offers)
    worth = 2 * math.log(many) + 4
    gone = [False] * many
    while offers:
        cost, first, its_age, after, after_age = heapq.heappop(offers)
        if cost > worth:
            break
        if gone[first] or gone[after] or (age[first], age[after]) != (its_age, after_age):
            continue
        if stop[first] != after:
            continue
        gone[after] = True
        stop[first] = stop[after]
        sums[first] += sums[after]
        counts[first] += counts[after]
        age[first] += 1
        if stop[first] < many:
            left[stop[first]] = first
        for place in (left[first], first):
            if place >= 0 and (offer := price(place)) is not None:
                heapq.heappush(offers, offer)
    return [
        Stretch(first, stop[first], sums[first], counts[first])
        for first in range(many)
        if not gone[first]
    ]


def _apart(bad: float, calls: float, other_bad: float, other_calls: float) -> float:
    """What one share for both costs beside a share for each, in units of likelihood."""
    together = _surprise(bad + other_bad, calls + other_calls)
    return together - _surprise(bad, calls) - _surprise(other_bad, other_calls)


def _surprise(bad: float, calls: float) -> float:
    good = calls - bad
    surprise = 0.0
    if bad > 0:
        surprise -= bad * math.log(bad / calls)
    if good > 0:
        surprise -= good * math.log(good / calls)
    return surprise
