"""What each attempt is to a breaker with given rules, and which attempts it isn't asked about.

Attempts end in one of these ways: `answer`, `refusal` (4xx), `limit` (429), `error` (5xx),
`nonsense` (an answer that a fault may have replaced), `silence` (the deadline), `refused` (no
connection), `hang-up` (closed without an answer), `broken` (an answer that can't be read to its
end); more exactly by its status, or by a fault that it met.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from harness.wire.attempts import Attempt, Result
from harness.wire.policy import Counted, Policy

_DEADLINE_S = 0.1
"""Nearer than this to its deadline an attempt ended there."""


class Outcomes:
    """The attempts of one upstream as a breaker with certain rules counts them.

    `calls`: the attempts of each call, in order, as far as they could be told; needed by rules that
    count calls, or don't ask again before a retry. `met`: the kinds of fault that an attempt met.
    """

    def __init__(
        self,
        policy: Policy,
        timeout_s: float,
        calls: Iterable[Sequence[Attempt]] = (),
        met: Callable[[Attempt], Iterable[str]] = lambda attempt: (),
    ) -> None:
        self.policy = policy
        self._timeout_s = timeout_s
        self._met = met
        self._retries: set[int] = set()
        self._unfinished: set[int] = set()
        for call in calls:
            self._retries |= {attempt.id for attempt in call[1:]}
            self._unfinished |= {attempt.id for attempt in call[:-1]}
        self._known: dict[int, frozenset[Counted]] = {}

    def unasked(self, attempt: Attempt) -> bool:
        """Whether it is made without asking: a retry, where only calls are asked about."""
        return not self.policy.rechecks and attempt.id in self._retries

    def results(self, attempt: Attempt) -> frozenset[Counted]:
        """All that it may count as."""
        if attempt.id not in self._known:
            self._known[attempt.id] = self._results(attempt)
        return self._known[attempt.id]

    def sticks(self, attempt: Attempt, result: Counted) -> bool:
        """Whether a probe that ended so is never heard of."""
        lost = self.policy.sticks
        return bool(lost) and any(
            ending in lost
            for given in attempt.results
            if given is result
            for ending in self._endings(attempt, given)
        )

    def _results(self, attempt: Attempt) -> frozenset[Counted]:
        if self.policy.by_call and attempt.id in self._unfinished:
            return frozenset({None})
        return frozenset(self._as(attempt, result) for result in attempt.results)

    def _as(self, attempt: Attempt, result: Result) -> Counted:
        slow = attempt.end_s - attempt.start_s > self.policy.slow_s
        if slow and result is Result.SUCCESS:
            return Result.FAILURE
        if self.policy.counts:
            otherwise = dict(self.policy.counts)
            for ending in self._endings(attempt, result):
                if ending in otherwise:
                    return otherwise[ending]
        return result

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
