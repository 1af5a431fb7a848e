"""What each attempt is to a breaker with given rules, and which attempts it isn't asked about."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from harness.wire.attempts import Attempt, Result
from harness.wire.policy import Policy

Counted = frozenset[Result | None]
"""None stands for an attempt that isn't counted."""
_DEADLINE_S = 0.1
"""Nearer than this to its deadline an attempt ended there."""


class Outcomes:
    """The attempts of one upstream as a breaker with certain rules counts them.

    `calls`: the attempts of each call, in order, as far as they could be told; needed by rules that
    count calls, or don't ask again before a retry.
    """

    def __init__(
        self,
        policy: Policy,
        timeout_s: float,
        calls: Iterable[Sequence[Attempt]] = (),
    ) -> None:
        self.policy = policy
        self._timeout_s = timeout_s
        self._retries: set[int] = set()
        self._unfinished: set[int] = set()
        for call in calls:
            self._retries |= {attempt.id for attempt in call[1:]}
            self._unfinished |= {attempt.id for attempt in call[:-1]}
        self._known: dict[int, Counted] = {}

    def unasked(self, attempt: Attempt) -> bool:
        """Whether it is made without asking: a retry, where only calls are asked about."""
        return not self.policy.rechecks and attempt.id in self._retries

    def results(self, attempt: Attempt) -> Counted:
        """All that it may count as."""
        if attempt.id not in self._known:
            self._known[attempt.id] = self._results(attempt)
        return self._known[attempt.id]

    def _results(self, attempt: Attempt) -> Counted:
        if self.policy.by_call and attempt.id in self._unfinished:
            return frozenset({None})
        return frozenset(self._as(attempt, result) for result in attempt.results)

    def _as(self, attempt: Attempt, result: Result) -> Result | None:
        rules, status = self.policy, attempt.status
        if result is Result.NEUTRAL:
            if rules.limits_count:
                return Result.FAILURE
            return Result.SUCCESS if rules.limits_succeed else Result.NEUTRAL
        if result is Result.SUCCESS:
            refused = status is not None and 400 <= status < 500
            counts = rules.refusals_count if refused else attempt.altered and rules.nonsense_counts
            return Result.FAILURE if counts else Result.SUCCESS
        if status is not None and status >= 500:
            return Result.FAILURE if rules.errors_count else Result.SUCCESS
        late = attempt.end_s - attempt.start_s >= self._timeout_s - _DEADLINE_S
        counts = rules.silence_counts if late else rules.cuts_count
        return Result.FAILURE if counts else None
