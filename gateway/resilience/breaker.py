"""The circuit breaker: a state machine over the results of attempts (claims B1-B5)."""

from __future__ import annotations

import enum
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime


class State(enum.Enum):
    """What the breaker does with the next call."""

    CLOSED = "closed"
    """Lets it pass."""
    OPEN = "open"
    """Rejects it, until the wait is over."""
    HALF_OPEN = "half_open"
    """Rejects it while one probe is in flight."""


@dataclass(frozen=True, slots=True)
class Permit:
    """Leave to make one attempt, to be returned with its result.

    `generation` names the state that gave it: a result for an earlier one changes nothing (B5).
    """

    generation: int
    probe: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What the status route shows of a breaker; instants are wall clock, for people only."""

    state: State
    failure_count: int
    last_failure: datetime | None
    last_state_change: datetime | None


class CircuitBreaker:
    """Opens at the `threshold`-th consecutive failure; lets one probe through after `wait_s`.

    `clock` gives monotonic seconds. Nothing is waited for under the lock.
    """

    def __init__(
        self, *, threshold: int, wait_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.threshold = threshold
        self.wait_s = wait_s
        self._clock = clock
        self._lock = threading.Lock()
        self._state = State.CLOSED
        self._generation = 0
        self._failures = 0
        self._opened_s = 0.0
        self._probing = False
        self._last_failure: datetime | None = None
        self._last_change: datetime | None = None

    def admit(self) -> Permit | None:
        """Leave for one attempt; None rejects it (B3, B4)."""
        with self._lock:
            if self._state is State.CLOSED:
                return Permit(self._generation, probe=False)
            if self._state is State.OPEN:
                if self._clock() - self._opened_s < self.wait_s:
                    return None
                self._enter(State.HALF_OPEN)
            elif self._probing:
                return None
            self._probing = True
            return Permit(self._generation, probe=True)

    def succeeded(self, permit: Permit) -> bool:
        """The attempt succeeded; returns whether that closed the breaker."""
        with self._lock:
            if permit.generation != self._generation:
                return False
            self._failures = 0
            if self._state is not State.HALF_OPEN:
                return False
            self._enter(State.CLOSED)
            return True

    def failed(self, permit: Permit) -> bool:
        """The attempt failed; returns whether that opened the breaker (B2, B4)."""
        with self._lock:
            if permit.generation != self._generation:
                return False
            self._failures += 1
            self._last_failure = _now()
            if self._state is State.CLOSED and self._failures < self.threshold:
                return False
            self._opened_s = self._clock()
            self._enter(State.OPEN)
            return True

    def give_back(self, permit: Permit) -> None:
        """The attempt says nothing of the upstream's health: if it was the probe, the next is."""
        with self._lock:
            if permit.probe and permit.generation == self._generation:
                # The old permit must not count once its successor is out.
                self._generation += 1
                self._probing = False

    def snapshot(self) -> Snapshot:
        """Its state now (B12)."""
        with self._lock:
            return Snapshot(
                state=self._state,
                failure_count=self._failures,
                last_failure=self._last_failure,
                last_state_change=self._last_change,
            )

    def _enter(self, state: State) -> None:
        self._state = state
        self._generation += 1
        self._probing = False
        self._last_change = _now()


def _now() -> datetime:
    return datetime.now(UTC)
