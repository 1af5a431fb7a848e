"""An event loop whose timers are exact to a fraction of a millisecond, for any number of sockets.

asyncio's stock loop rounds time-outs up to whole milliseconds, because epoll takes those, and
its select loop stops at 1024 descriptors. An epoll descriptor can itself be selected on, and
select() takes microseconds: so short waits go through select() on that one descriptor.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import select
import selectors
from collections.abc import Coroutine
from typing import Any

_COARSE_S = 0.003
"""Longer waits are cut by this and left to epoll; the rest is then waited for exactly."""
_PR_SET_TIMERSLACK = 29


if hasattr(select, "epoll"):

    class ExactEpollSelector(selectors.EpollSelector):
        """`EpollSelector` without its rounding; like every selector it may also return early."""

        def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
            """Events that are ready, within `timeout` seconds; None waits for ever."""
            if timeout is None or timeout <= 0:
                return super().select(timeout)
            if timeout > _COARSE_S:
                return super().select(timeout - _COARSE_S)
            # A loop made when more than a thousand files were open already keeps the rounding.
            if self.fileno() < 1000:
                select.select([self.fileno()], [], [], timeout)
                return super().select(0)
            return super().select(timeout)


def new_event_loop() -> asyncio.AbstractEventLoop:
    """A new loop with exact timers where the system has epoll, else asyncio's own."""
    if not hasattr(select, "epoll"):
        return asyncio.new_event_loop()
    return asyncio.SelectorEventLoop(ExactEpollSelector())


def run(main: Coroutine[Any, Any, int]) -> int:
    """Runs `main` in this thread on an exact loop; returns its result."""
    _tighten_timer_slack()
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        return runner.run(main)


def _tighten_timer_slack() -> None:
    """Linux may otherwise delay this thread's wake-ups by 50 µs to batch them."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_TIMERSLACK, 1, 0, 0, 0)
