"""What each attempt is to a breaker with given rules, and which attempts it isn't asked about.

How attempts end is named as `policy.counting` names it, by its status, or by a fault that it met.
"""

from __future__ import annotations

import math
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property, lru_cache
from itertools import accumulate, pairwise
from operator import attrgetter
from typing import cast

from harness.policy.counting import Counted, Result
from harness.policy.rules import UnderWay
from harness.wire.attempts import Attempt
from harness.wire.policy import Policy

_OPPOSITES = frozenset({Result.SUCCESS, Result.FAILURE})
_EDGE_S = 0.1
"""What took so nearly as long as a slow one may count as either."""
_DEADLINE_S = 0.1
"""Nearer than this to its deadline an attempt ended there."""
_end_s = attrgetter("end_s")


class Outcomes:
    """The attempts of one upstream as a breaker with certain rules counts them.

    `calls`: the attempts of each call, in order, as far as they could be told; needed by rules that
    count calls, or don't ask again before a retry. `met`: the kinds of fault that an attempt met.
    `tries`: how many attempts a call makes, if none succeeds. `beside`: what may have been under
    way as an attempt ended; None where nobody knows.
    """

    def __init__(
        self,
        policy: Policy,
        timeout_s: float,
        calls: Sequence[Sequence[Attempt]] = (),
        met: Callable[[Attempt], Iterable[str]] = lambda attempt: (),
        *,
        tries: int = 1,
        beside: Callable[[Attempt], UnderWay | None] = lambda attempt: None,
    ) -> None:
        self.policy = policy
        self._timeout_s = timeout_s
        self._met = met
        self._calls = calls
        self._tries = tries
        self.beside = beside
        """What may have been under way as an attempt ended."""
        counting = policy.counting
        self.plain = not (counting.otherwise or counting.by_call) and counting.slow_s == math.inf
        """Whether each attempt counts as what it was, as it does by all such rules."""
        self._known: dict[int, frozenset[Counted]] = {}

    @cached_property
    def _retries(self) -> frozenset[int]:
        return frozenset(attempt.id for call in self._calls for attempt in call[1:])

    @cached_property
    def _next(self) -> dict[int, int]:
        return {one.id: other.id for call in self._calls for one, other in pairwise(call)}

    @cached_property
    def _unfinished(self) -> frozenset[int]:
        """The last attempts of calls that would have made another one: whether these failed may
        never be told, as the breaker was asked again and turned them away (B6).
        """
        if not (self.policy.rechecks and self.policy.counting.by_call):
            return frozenset()
        return frozenset(call[-1].id for call in self._calls if 0 < len(call) < self._tries)

    @cached_property
    def _began_s(self) -> dict[int, float]:
        """When each call began that the breaker guards as a whole, by its last attempt."""
        if self.policy.rechecks or not self.policy.counting.by_call:
            return {}
        return {call[-1].id: call[0].start_s for call in self._calls if call}

    def unasked(self, attempt: Attempt) -> bool:
        """Whether it is made without asking: on a route that goes past the breaker, or a retry,
        where only calls are asked about.
        """
        if attempt.route in self.policy.past:
            return True
        return not self.policy.rechecks and attempt.id in self._retries

    def goes_on_with(self, attempt: Attempt) -> int | None:
        """The attempt that goes on with a call of which only the end counts, without asking."""
        whole = self.policy.counting.by_call and not self.policy.rechecks
        return self._next.get(attempt.id) if whole else None

    def results(self, attempt: Attempt) -> frozenset[Counted]:
        """All that it may count as."""
        if self.plain:
            return cast(frozenset[Counted], attempt.results)
        if attempt.id not in self._known:
            self._known[attempt.id] = self._results(attempt)
        return self._known[attempt.id]

    def each(self, attempt: Attempt) -> tuple[Counted, ...]:
        """The same one by one, in an order that hangs on nothing but what they are: of ways that
        explain as much the first is told.
        """
        return _in_order(self.results(attempt))

    def sticks(self, attempt: Attempt, result: Counted) -> bool:
        """Whether a probe that ended so is never heard of."""
        lost = self.policy.sticks
        return bool(lost) and any(
            ending in lost
            for given in attempt.results
            if given is result
            for ending in self._endings(attempt, given)
        )

    def as_probe(self, attempt: Attempt, result: Counted) -> Counted:
        """What a probe is that counts so as any other attempt."""
        if result is None and attempt.id in self._unfinished:
            return Result.FAILURE  # a trial that fails isn't tried again
        if not self.policy.probed:
            return result
        otherwise = dict(self.policy.probed)
        for given in attempt.results:
            if given is result:
                for ending in self._endings(attempt, given):
                    result = otherwise.get(ending, result)
        return result

    def _results(self, attempt: Attempt) -> frozenset[Counted]:
        if self.policy.counting.by_call and attempt.id in self._next:
            return frozenset({None})
        took_s = attempt.end_s - self._began_s.get(attempt.id, attempt.start_s)
        edges_s = (0.0,) if self.policy.counting.slow_s == math.inf else (-_EDGE_S, _EDGE_S)
        found = frozenset(
            self.policy.counting.counted(result, took_s + edge_s, self._endings(attempt, result))
            for result in attempt.results
            for edge_s in edges_s
        )
        untold = Result.FAILURE in attempt.results and attempt.id in self._unfinished
        return found | {None} if untold else found

    def _endings(self, attempt: Attempt, result: Result) -> Iterator[str]:
        """All names of how an attempt ended, if this was its result."""
        status = attempt.status
        if result is Result.NEUTRAL:
            yield "limit"
        elif result is Result.SUCCESS:
            refused = status is not None and 400 <= status < 500
            yield "refusal" if refused else "nonsense" if attempt.altered else "answer"
        else:
            yield from self._failures(attempt)
            yield from self._met(attempt)
            yield attempt.route
        if status is not None:
            yield str(status)

    def _failures(self, attempt: Attempt) -> Iterator[str]:
        took_s = attempt.end_s - attempt.start_s
        if attempt.status is not None and attempt.status >= 500:
            yield "error"
        elif took_s >= self._timeout_s - _DEADLINE_S:
            yield "silence"
        elif attempt.status is not None:
            yield "broken"
        else:
            yield "hang-up" if attempt.path else "refused"


@lru_cache
def _in_order(results: frozenset[Counted]) -> tuple[Counted, ...]:
    return tuple(result for result in (*Result, None) if result in results)


def mixed(
    attempts: Sequence[Attempt], outcomes: Outcomes, tie_s: Callable[[float], float]
) -> dict[int, int]:
    """For each attempt, how many of the opposite result ended too near to it to say which was
    first; what counts for nothing changes no order.

    Those of which there are none are left out.

    Counted by what attempts may be, of which there are a few kinds: not pair by pair.
    """
    ends = sorted(attempts, key=_end_s)
    known: dict[frozenset[Counted], int] = {}
    kinds = bytearray(known.setdefault(outcomes.results(each), len(known)) for each in ends)
    apart = [[one | other >= _OPPOSITES for other in known] for one in known]
    if not any(map(any, apart)):
        return {}  # nothing that could be exchanged
    before = [array("I", accumulate(map(own.__getitem__, kinds), initial=0)) for own in apart]
    """How many there are before each place that are apart from one of each kind."""
    steps: list[Counter[int]] = [Counter() for _ in known]
    """Where spans begin and end that reach back from one of each kind."""
    found: Counter[int] = Counter()
    first, first_s = 0, ends[0].end_s
    for index, attempt in enumerate(ends):
        from_s = attempt.ends_from_s - tie_s(attempt.end_s)
        while first_s < from_s and first < index:
            first += 1
            first_s = ends[first].end_s
        kind = kinds[index]
        near = before[kind][index] - before[kind][first]
        if near:
            found[attempt.id] = near
            steps[kind][first] += 1
            steps[kind][index] -= 1
    changes = sorted({place for step in steps for place in step})
    reach = [0] * len(steps)
    for place, until in pairwise(changes):
        for kind, step in enumerate(steps):
            reach[kind] += step[place]
        own = [(apart[kind], far) for kind, far in enumerate(reach) if far]
        for index in range(place, until) if own else ():
            more = sum(far for row, far in own if row[kinds[index]])
            if more:
                found[ends[index].id] += more
    return found
