"""How many calls may have been under way at an upstream as another one ended.

A call is made for a request that isn't answered yet, whether anybody sees it or not: there are
never more than such requests. What counts for nothing when it is over counts as begun all the same,
for who counts so, and is taken to be under way for ever.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

from harness.history.requests import Request
from harness.policy.counting import Result
from harness.policy.rules import UnderWay
from harness.wire.attempts import Attempt
from harness.wire.demand import Demand


class Beside:
    """Asked for each attempt at one upstream."""

    def __init__(
        self,
        requests: Sequence[Request],
        demands: Sequence[Demand],
        calls: Iterable[Sequence[Attempt]],
        tie_s: Callable[[float], float],
    ) -> None:
        """`requests`: all of the run's. `tie_s`: how far the target's own order of events may be
        from the wire's.
        """
        self._tie_s = tie_s
        self._at_once = any(_at_once(one.attempts) for one in demands)
        self._begun_s = sorted(one.at_s for one in requests)
        self._over_s = sorted(one.end_s for one in requests if one.status is not None)
        self._end_s = {a.id: one.request.end_s for one in demands for a in one.attempts}
        made = [call for call in calls if call]
        self._longest_s = max((call[-1].end_s - call[0].start_s for call in made), default=0.0)
        self._neutral_s = sorted(
            one.end_s for call in made for one in call if Result.NEUTRAL in one.results
        )

    def __call__(self, attempt: Attempt) -> UnderWay | None:
        """The others as it ended; None where a request makes several calls at once."""
        if self._at_once:
            return None
        tie_s = self._tie_s(attempt.end_s)
        begun = bisect_right(self._begun_s, attempt.end_s + tie_s)
        over = bisect_left(self._over_s, attempt.ends_from_s - tie_s)
        neutral = bisect_right(self._neutral_s, attempt.end_s + tie_s)
        own = self._end_s.get(attempt.id, -math.inf) >= attempt.ends_from_s - tie_s
        return UnderWay(begun - over - own + neutral, self._longest_s)


def _at_once(attempts: Sequence[Attempt]) -> bool:
    in_turn = sorted(attempts, key=lambda one: one.start_s)
    return any(later.start_s < one.ends_from_s for one, later in pairwise(in_turn))
