"""How long a breaker stays open: always the same, or longer each time its trial fails."""

from __future__ import annotations

import math
from abc import abstractmethod

from harness.frozen import Abstract, Frozen
from harness.units import format_duration

EITHER_S = 0.25
"""Around the end of the recovery wait either answer is right (B4), in seconds."""


class Wait(Frozen, metaclass=Abstract):
    """How long a breaker stays open."""

    @abstractmethod
    def wait_s(self, times: int) -> float:
        """Seconds from its opening to its first trial; `times` counts openings since it was last
        closed, from 1.
        """

    @abstractmethod
    def told_apart(self, times: int) -> int:
        """The smallest count of openings from which on it waits just the same."""

    @property
    def later_s(self) -> float:
        """By up to how much any of them may be longer, as nobody looks at the clock sooner: mostly
        it is over to the instant.
        """
        return 0.0

    @property
    @abstractmethod
    def says(self) -> str:
        """How long, in words: `60s`."""


class Constant(Wait):
    """The same wait each time."""

    seconds: float
    """Infinite for one that never tries again."""

    def wait_s(self, times: int) -> float:
        """The wait."""
        return self.seconds

    def told_apart(self, times: int) -> int:
        """It never changes."""
        return 1

    @property
    def says(self) -> str:
        """`60s`."""
        return format_duration(self.seconds) if math.isfinite(self.seconds) else "ever"


_MOST_TIMES = 60
"""So often in turn nothing opens: a day has not so many waits that double."""


class _Lengthening(Wait):
    """What waits have in common that grow up to a longest one."""

    @property
    @abstractmethod
    def most_s(self) -> float:
        """The longest wait, in seconds."""

    def told_apart(self, times: int) -> int:
        """Until it waits as long as it ever does."""
        while times > 1 and self.wait_s(times - 1) >= self.most_s:
            times -= 1
        return min(times, _MOST_TIMES)


class Growing(_Lengthening):
    """A wait that grows by a factor with each opening in turn, up to a longest one."""

    first_s: float
    factor: float = 2.0
    """Over 1."""
    most_s: float = math.inf

    def wait_s(self, times: int) -> float:
        """The wait after that many openings in turn."""
        exponent = min(times - 1, _MOST_TIMES)
        return float(min(self.most_s, self.first_s * self.factor**exponent))

    @property
    def says(self) -> str:
        """`2s, 3 times as long each time, up to 20s`."""
        most = "" if math.isinf(self.most_s) else f", up to {format_duration(self.most_s)}"
        return f"{format_duration(self.first_s)}, {self.factor:g} times as long each time{most}"


class Multiplied(_Lengthening):
    """The first wait times how often it has opened in turn, up to a longest one (Envoy's)."""

    first_s: float
    most_s: float = math.inf

    def wait_s(self, times: int) -> float:
        """The wait after that many openings in turn."""
        return min(self.most_s, self.first_s * times)

    @property
    def says(self) -> str:
        """`30s, as much longer each time, up to 300s`."""
        most = "" if math.isinf(self.most_s) else f", up to {format_duration(self.most_s)}"
        return f"{format_duration(self.first_s)}, as much longer each time{most}"


class Ticking(Wait):
    """A wait whose end is noticed as a clock ticks: nginx's of whole seconds, Envoy's rounds."""

    wait: Wait
    tick_s: float

    def wait_s(self, times: int) -> float:
        """The least that it is."""
        return self.wait.wait_s(times)

    def told_apart(self, times: int) -> int:
        """As the wait itself."""
        return self.wait.told_apart(times)

    @property
    def later_s(self) -> float:
        """One tick."""
        return self.tick_s

    @property
    def says(self) -> str:
        """`10s, or up to 1s longer`."""
        return f"{self.wait.says}, or up to {format_duration(self.tick_s)} longer"


class Afterwards(Wait):
    """One wait the first time, and another after a trial that failed: a known mistake."""

    first_s: float
    then_s: float

    def wait_s(self, times: int) -> float:
        """The wait after that many openings in turn."""
        return self.first_s if times == 1 else self.then_s

    def told_apart(self, times: int) -> int:
        """The first, or any later one."""
        return min(times, 2)

    @property
    def says(self) -> str:
        """`60s, 30s after a failed trial`."""
        return (
            f"{format_duration(self.first_s)}, {format_duration(self.then_s)} after a failed trial"
        )


def last_wait_s(wait: Wait, outage_s: float) -> float:
    """The longest wait, in seconds, that can be under way when an outage so long is over."""
    times, since_s = 1, wait.wait_s(1)
    while since_s < outage_s and times < _MOST_TIMES:
        times += 1
        since_s += wait.wait_s(times)
    return wait.wait_s(times) + wait.later_s
