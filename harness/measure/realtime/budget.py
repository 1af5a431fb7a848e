"""How long measuring in real time may take: three recovery waits and a minute."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from msgspec import Struct, field

from harness.units import format_duration

_WAITS = 3
_MORE_S = 60.0
LONGEST_WAIT_S = 60.0
"""The longest wait that is looked for, unless a user says otherwise."""
SIDE_BY_SIDE = 2
"""So many upstreams are measured at once: each takes about twenty worlds."""


class Budget(Struct, kw_only=True):
    """The time for one group of upstreams, on the monotonic clock, which is the loop's."""

    longest_s: float
    """The longest wait that is looked for."""
    began_s: float = field(default_factory=time.monotonic)
    waits_s: dict[str, float] = field(default_factory=dict)
    """What has been found so far, by upstream: how long each stays open at the most."""
    upstreams: int = 1
    busy: float = 1.0
    """How many there were for each processor as it began: so much longer takes what is no wait."""
    _limits: set[asyncio.Timeout] = field(default_factory=set)

    def note_wait(self, upstream: str, wait_s: float) -> None:
        """What one of them was found to wait; the deadline may come nearer by that."""
        self.waits_s[upstream] = wait_s
        for limit in self._limits:
            if not limit.expired():
                limit.reschedule(self.deadline_s)

    @asynccontextmanager
    async def in_time(self, late: Callable[[], None]) -> AsyncIterator[None]:
        """What isn't over by the deadline is broken off, and `late` called."""
        try:
            async with asyncio.timeout_at(self.deadline_s) as limit:
                self._limits.add(limit)
                try:
                    yield
                finally:
                    self._limits.discard(limit)
        except TimeoutError:
            if not limit.expired():
                raise
            late()

    @property
    def deadline_s(self) -> float:
        """When whatever is still unknown stays so."""
        known = len(self.waits_s) == self.upstreams
        wait_s = max(self.waits_s.values()) if known else self.longest_s
        planned_s = allowed_s(wait_s) + (self.busy - 1) * _MORE_S
        return self.began_s + min(planned_s, allowed_s(self.longest_s))

    @property
    def is_over(self) -> str:
        """Why something isn't known, once it is over."""
        took_s = time.monotonic() - self.began_s
        return (
            f"there was no time left for it after {took_s:.0f} s; a machine with less beside it "
            "gets further"
        )

    @property
    def left_s(self) -> float:
        """From now; never below zero."""
        return max(0.0, self.deadline_s - time.monotonic())


def allowed_s(wait_s: float) -> float:
    """How long measuring may take where a breaker stays open for so long."""
    return _WAITS * wait_s + _MORE_S


def announcement(upstreams: int, longest_s: float) -> str:
    """What is said before it begins."""
    groups = -(-upstreams // SIDE_BY_SIDE)
    most = format_duration(groups * allowed_s(longest_s))
    one = format_duration(longest_s)
    each = f", {SIDE_BY_SIDE} of {upstreams} upstreams at a time" if groups > 1 else ""
    return (
        f"measuring in real time: at most {most} (three times the longest wait that is looked for, "
        f"{one}, and a minute{each}); sooner where breakers wait less"
    )
