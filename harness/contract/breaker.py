"""The contract's breaker as a state machine: claims B1 to B6, nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum


class Outcome(Enum):
    """What an attempt is to a breaker (B1)."""

    SUCCESS = "success"
    FAILURE = "failure"
    NEUTRAL = "neutral"


@dataclass(frozen=True, slots=True)
class Ticket:
    """Leave to make one attempt; `era` tells results of an earlier state apart (B5)."""

    era: int
    probe: bool


@dataclass(slots=True)
class Breaker:
    """One breaker: closed until `threshold` failures in a row, then open for `wait_s` seconds."""

    threshold: int
    wait_s: float
    failures: int = 0
    reopens_s: float | None = None
    """When an open breaker lets its probe through; None while closed."""
    probing: bool = False
    era: int = 0
    trips: list[float] = field(default_factory=list)
    closings: list[float] = field(default_factory=list)

    @property
    def quiet(self) -> bool:
        """Whether a success would change nothing."""
        return self.reopens_s is None and self.failures == 0

    def ask(self, now_s: float) -> Ticket | None:
        """Leave for an attempt; None is a rejection (B3, B4)."""
        if self.reopens_s is None:
            return Ticket(self.era, probe=False)
        if self.probing or now_s < self.reopens_s:
            return None
        self.probing = True
        return Ticket(self.era, probe=True)

    def tell(self, ticket: Ticket, outcome: Outcome, now_s: float, wait_s: float) -> None:
        """How an attempt ended; `wait_s` is the recovery wait if that opens the breaker.

        Only what left in the present state counts (B5).
        """
        if ticket.era != self.era:
            return
        if outcome is Outcome.NEUTRAL:
            self.probing = False
        elif outcome is Outcome.SUCCESS:
            self._succeed(ticket, now_s)
        else:
            self._fail(ticket, now_s, wait_s)

    def _succeed(self, ticket: Ticket, now_s: float) -> None:
        self.failures = 0
        if ticket.probe:
            self.reopens_s, self.probing = None, False
            self.era += 1
            self.closings.append(now_s)

    def _fail(self, ticket: Ticket, now_s: float, wait_s: float) -> None:
        self.failures += 1
        if ticket.probe or self.failures >= self.threshold:
            self.failures, self.probing = 0, False
            self.reopens_s = now_s + wait_s
            self.era += 1
            self.trips.append(now_s)
