"""How long a breaker stays open: always the same, or longer each time its trial fails."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol


class Wait(Protocol):
    """How long a breaker stays open."""

    def wait_s(self, times: int) -> float:
        """Seconds from its opening to its first trial; `times` counts openings since it was last
        closed, from 1.
        """
        ...


@dataclass(frozen=True, slots=True)
class Constant:
    """The same wait each time."""

    seconds: float

    def wait_s(self, times: int) -> float:
        """The wait."""
        return self.seconds


@dataclass(frozen=True, slots=True)
class Growing:
    """A wait that grows by a factor with each opening in turn, up to a longest one."""

    first_s: float
    factor: float = 2.0
    """Over 1."""
    most_s: float = math.inf

    def wait_s(self, times: int) -> float:
        """The wait after that many openings in turn."""
        return float(min(self.most_s, self.first_s * self.factor ** (times - 1)))


@dataclass(frozen=True, slots=True)
class Multiplied:
    """The first wait times how often it has opened in turn, up to a longest one (Envoy's)."""

    first_s: float
    most_s: float = math.inf

    def wait_s(self, times: int) -> float:
        """The wait after that many openings in turn."""
        return min(self.most_s, self.first_s * times)
