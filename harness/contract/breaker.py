"""The contract's breaker as a state machine: claims B1 to B6, nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from harness.policy.rules import Rule


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
    """One breaker: closed until its rule opens it, then open for `wait_s` seconds."""

    opens: Rule
    wait_s: float
    trials: int = 1
    """How many may be under way while it is half open."""
    reopens_s: float | None = None
    """When an open breaker lets its probe through; None while closed."""
    probing: int = 0
    """How many trials are under way."""
    era: int = 0
    trips: list[float] = field(default_factory=list)
    closings: list[float] = field(default_factory=list)
    _seen: Any = None

    def __post_init__(self) -> None:
        self._seen = self.opens.begin

    @property
    def quiet(self) -> bool:
        """Whether a success would change nothing."""
        begin = self.opens.begin
        unmoved = self._seen == begin and self.opens.after(begin, False, 0.0) == begin
        return self.reopens_s is None and unmoved

    def ask(self, now_s: float) -> Ticket | None:
        """Leave for an attempt; None is a rejection (B3, B4)."""
        if self.reopens_s is None:
            return Ticket(self.era, probe=False)
        if self.probing >= self.trials or now_s < self.reopens_s:
            return None
        self.probing += 1
        return Ticket(self.era, probe=True)

    def tell(self, ticket: Ticket, outcome: Outcome, now_s: float, wait_s: float) -> None:
        """How an attempt ended; `wait_s` is the recovery wait if that opens the breaker.

        Only what left in the present state counts (B5).
        """
        if ticket.era != self.era:
            return
        if outcome is Outcome.NEUTRAL:
            self.probing = max(0, self.probing - 1)
            return
        failed = outcome is Outcome.FAILURE
        if not ticket.probe:
            self._seen = self.opens.after(self._seen, failed, now_s)
            if self.opens.opens(self._seen):
                self._open(now_s, wait_s)
        elif failed:
            self._open(now_s, wait_s)
        else:
            self._begin_anew(None)
            self.closings.append(now_s)

    def _open(self, now_s: float, wait_s: float) -> None:
        self._begin_anew(now_s + wait_s)
        self.trips.append(now_s)

    def _begin_anew(self, reopens_s: float | None) -> None:
        self._seen, self.probing = self.opens.begin, 0
        self.reopens_s = reopens_s
        self.era += 1
