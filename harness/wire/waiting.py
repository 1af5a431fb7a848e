"""How long a breaker waits that is open, or whose trials are under way."""

from __future__ import annotations

import math

from harness.wire.policy import Policy
from harness.wire.states import State, States


class Waiting:
    """When an open breaker tries again, by its rules. All instants in seconds since 0s."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy

    def due_s(self, state: State) -> float:
        """When an open one may probe at the earliest."""
        return state.from_s + self._wait_s(state) - self._policy.either_s

    def by_s(self, state: State) -> float:
        """When it is over at the latest that an open one doesn't probe."""
        own = self._policy
        return state.since_s + self._wait_s(state) + own.either_s + own.wait.later_s

    def shut_until_s(self, state: State) -> float:
        """Until when an open one may turn away whoever asks."""
        return max(self.by_s(state), state.freed_s)

    def all_shut_until_s(self, states: States) -> float:
        """Until when whoever surely asks is turned away, and changes nothing of it, in each of
        these states.
        """
        if self._policy.restarted_by_rejections or any(one.kind != "open" for one in states):
            return -math.inf
        return min(map(self.shut_until_s, states))

    def lapsed_s(self, state: State) -> float:
        """When the place of the last trial is free again, whatever has become of it."""
        return state.freed_s + self._policy.slot_s

    def _wait_s(self, state: State) -> float:
        return self._policy.wait.wait_s(max(1, state.openings))
