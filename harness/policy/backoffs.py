"""How long a call waits between its attempts: an interval, since many draw it by chance.

What the last answer said in its `Retry-After` may stand in place of it.
"""

from __future__ import annotations

import math
from typing import Protocol

from harness.frozen import Frozen
from harness.units import format_duration


class Backoff(Protocol):
    """How long a call waits between its attempts."""

    @property
    def heeds(self) -> bool:
        """Whether an answer's `Retry-After` is waited for instead."""
        ...

    def between_s(self, attempt: int) -> tuple[float, float]:
        """The least and the most between attempt number `attempt` (from 1) and the next."""
        ...

    @property
    def says(self) -> str:
        """In words: `1s, 2s, then doubled`."""
        ...


class Listed(Frozen):
    """Waits in turn; beyond the last each is twice the one before."""

    waits_s: tuple[float, ...] = (1.0,)
    heeds: bool = False

    def between_s(self, attempt: int) -> tuple[float, float]:
        """Exactly so long."""
        known = len(self.waits_s)
        if attempt <= known:
            wait_s = self.waits_s[attempt - 1]
        else:
            wait_s = float(self.waits_s[-1] * 2 ** (attempt - known))
        return wait_s, wait_s

    @property
    def says(self) -> str:
        """`200ms, 400ms, then doubled`."""
        return f"{', '.join(map(format_duration, self.waits_s))}, then doubled"


class Exponential(Frozen):
    """A wait that grows by a factor with each attempt, up to a longest one, give or take chance."""

    first_s: float
    factor: float = 2.0
    """1 for a constant one."""
    most_s: float = math.inf
    """Before chance has its say."""
    shorter: float = 0.0
    """By up to what share of it it may be shorter: 1 is what is called full jitter."""
    longer_s: float = 0.0
    """By up to how much it may be longer."""
    heeds: bool = False

    def between_s(self, attempt: int) -> tuple[float, float]:
        """All that chance may make of it."""
        wait_s = min(self.most_s, self.first_s * self.factor ** (attempt - 1))
        return wait_s * (1 - self.shorter), wait_s + self.longer_s

    @property
    def says(self) -> str:
        """`1s, 2 times as long each time, up to 30s, up to 50% shorter`."""
        parts = [format_duration(self.first_s)]
        if self.factor != 1:
            parts.append(f"{self.factor:g} times as long each time")
        if math.isfinite(self.most_s):
            parts.append(f"up to {format_duration(self.most_s)}")
        if self.shorter:
            parts.append(f"up to {self.shorter:.0%} shorter")
        if self.longer_s:
            parts.append(f"up to {format_duration(self.longer_s)} longer")
        return ", ".join(parts)
