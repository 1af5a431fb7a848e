"""The virtual clock, in the shape of the `time` module.

Methods of one object rather than functions: a function that a target keeps in a class body would
become a method there, and a bound method doesn't.
"""

from __future__ import annotations

import time

from .scheduler import KERNEL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from time import struct_time
    from typing import Any

_real_localtime = time.localtime
_real_gmtime = time.gmtime
_real_ctime = time.ctime
_real_asctime = time.asctime
_real_strftime = time.strftime
_MONOTONIC_IDS = {
    getattr(time, name)
    for name in (
        "CLOCK_MONOTONIC",
        "CLOCK_MONOTONIC_RAW",
        "CLOCK_BOOTTIME",
        "CLOCK_PROCESS_CPUTIME_ID",
        "CLOCK_THREAD_CPUTIME_ID",
    )
    if hasattr(time, name)
}


class Clock:
    """All of `time`'s clocks, on the scheduler's time. CPU clocks read as the monotonic one."""

    def sleep(self, seconds: float, /) -> None:
        """Let virtual time pass.

        Raises: ValueError for a negative time.
        """
        if seconds < 0:
            raise ValueError("sleep length must be non-negative")
        KERNEL.sleep(float(seconds))

    def monotonic(self) -> float:
        """Seconds since some start; a switch point."""
        task = KERNEL.current
        if task is not None:
            KERNEL.count_read(task)
            if KERNEL.points:
                KERNEL.switch_point()
        return KERNEL.now_s

    def monotonic_ns(self) -> int:
        """`monotonic` in nanoseconds."""
        return round(self.monotonic() * 1e9)

    def time(self) -> float:
        """Seconds since 1970; the wall clock, which a scenario may step."""
        return self.monotonic() + KERNEL.wall_offset_s

    def time_ns(self) -> int:
        """`time` in nanoseconds."""
        return round(self.time() * 1e9)

    def clock_gettime(self, clock: int, /) -> float:
        """One of the clocks by number."""
        return self.monotonic() if clock in _MONOTONIC_IDS else self.time()

    def clock_gettime_ns(self, clock: int, /) -> int:
        """`clock_gettime` in nanoseconds."""
        return round(self.clock_gettime(clock) * 1e9)

    def localtime(self, seconds: float | None = None, /) -> struct_time:
        """Local time, now by default."""
        return _real_localtime(self.time() if seconds is None else seconds)

    def gmtime(self, seconds: float | None = None, /) -> struct_time:
        """UTC, now by default."""
        return _real_gmtime(self.time() if seconds is None else seconds)

    def ctime(self, seconds: float | None = None, /) -> str:
        """Local time as text, now by default."""
        return _real_ctime(self.time() if seconds is None else seconds)

    def asctime(self, when: Any = None, /) -> str:
        """A time as text, now by default."""
        return _real_asctime(self.localtime() if when is None else when)

    def strftime(self, format: str, when: Any = None, /) -> str:
        """A time as text in a format, now by default."""
        return _real_strftime(format, self.localtime() if when is None else when)


CLOCK = Clock()
REPLACEMENTS = {
    "sleep": CLOCK.sleep,
    "monotonic": CLOCK.monotonic,
    "monotonic_ns": CLOCK.monotonic_ns,
    "perf_counter": CLOCK.monotonic,
    "perf_counter_ns": CLOCK.monotonic_ns,
    "process_time": CLOCK.monotonic,
    "process_time_ns": CLOCK.monotonic_ns,
    "thread_time": CLOCK.monotonic,
    "thread_time_ns": CLOCK.monotonic_ns,
    "time": CLOCK.time,
    "time_ns": CLOCK.time_ns,
    "clock_gettime": CLOCK.clock_gettime,
    "clock_gettime_ns": CLOCK.clock_gettime_ns,
    "localtime": CLOCK.localtime,
    "gmtime": CLOCK.gmtime,
    "ctime": CLOCK.ctime,
    "asctime": CLOCK.asctime,
    "strftime": CLOCK.strftime,
}
"""What stands in for each name of the `time` module."""
