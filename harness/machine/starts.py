"""Makes room for plays: few worlds start at a time, and none plays before the machine keeps up.

Before a play begins, a heartbeat must keep time for a moment. While it doesn't, others play to
their end first; where hardly anyone plays, the load is somebody else's and may never end: then the
run waits for a bounded time in all, says so, and goes on with few plays beside each other.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable

from harness.errors import TargetError

STARTS_AT_ONCE = 4
"""Worlds that may be starting at the same time; more only slow each other down."""
SPACING_S = 0.117
"""Between the plays of two worlds, all of it a heartbeat: else all their whole seconds would fall
on the same instant."""
BEAT_S = 0.013
KEEPS_UP_S = 0.03
"""A machine keeps up while no beat comes later than this."""
PATIENCE_S = 30.0
"""How long a run waits in all while only few play."""
_SAY_AFTER_S = 1.0

Tell = Callable[[str], None]
"""Takes what a play waits for, in words."""
Gate = Callable[[], Awaitable[None]]
Pulse = Callable[[float], Awaitable[float]]
"""Beats for so many seconds, and gives by how much the worst beat came late."""


async def pulse(for_s: float) -> float:
    """Beat in the running loop."""
    loop = asyncio.get_running_loop()
    end_s, worst_s = loop.time() + for_s, 0.0
    while (now_s := loop.time()) < end_s:
        due_s = min(now_s + BEAT_S, end_s)
        await asyncio.sleep(due_s - now_s)
        worst_s = max(worst_s, loop.time() - due_s)
    return worst_s


class Starts:
    """Lets few worlds start at a time, nobody play while any does, and plays begin apart."""

    def __init__(self, *, pulse: Pulse = pulse, few: int | None = None) -> None:
        self._pulse = pulse
        self._few = few or max(2, os.cpu_count() or 1)
        self._coming = 0
        """Worlds that wait for a slot or have one."""
        self._starting = 0
        """Worlds that are really started now."""
        self._playing = 0
        self._patience_s = PATIENCE_S
        self._quiet = asyncio.Event()
        self._slots = asyncio.Semaphore(STARTS_AT_ONCE)
        self._turn = asyncio.Lock()
        self.came_up = False
        """Whether any world did."""
        self.refused: TargetError | None = None
        """Why the target of the first world that failed for it could not be started."""

    @property
    def hopeless(self) -> bool:
        """Whether the target could not be started, and never was: no need to try it again."""
        return self.refused is not None and not self.came_up

    @contextlib.asynccontextmanager
    async def one(self, tell: Tell) -> AsyncIterator[Gate]:
        """The right to start a world, and a gate that is passed when it is up.

        The gate opens when its play may begin; the play ends with the block.

        Raises: TargetError when the target has turned out not to start at all.
        """
        self._coming += 1
        self._quiet.clear()
        coming, holds_slot, starts, playing = True, False, False, False

        def arrive() -> None:
            nonlocal holds_slot, coming, starts
            if holds_slot:
                self._slots.release()
            self._starting -= starts
            if coming:
                self._coming -= 1
                if self._coming == 0:
                    self._quiet.set()
            holds_slot = coming = starts = False

        async def gate() -> None:
            nonlocal playing
            self.came_up = True
            arrive()
            await self._may_play(tell)
            self._playing += 1
            playing = True

        try:
            holds_slot = await self._slots.acquire()
            while self.hopeless and self._starting:
                await asyncio.sleep(SPACING_S)  # those that are starting may still come up
            if self.refused is not None and self.hopeless:
                raise self.refused
            starts = True
            self._starting += 1
            yield gate
        finally:
            arrive()
            self._playing -= playing

    async def _may_play(self, tell: Tell) -> None:
        """Wait until no world is starting and the machine keeps up, each play in its turn."""
        async with self._turn:
            waited_s = 0.0
            while True:
                await self._quiet.wait()
                late_s = await self._pulse(SPACING_S)
                if self._quiet.is_set() and (late_s <= KEEPS_UP_S or self._goes_on(tell)):
                    return
                waited_s += SPACING_S
                if waited_s > _SAY_AFTER_S:
                    tell("waiting until this machine keeps up")

    def _goes_on(self, tell: Tell) -> bool:
        """Whether a play begins although the machine doesn't keep up."""
        if self._playing >= self._few:
            return False
        self._patience_s -= SPACING_S
        if self._patience_s > 0:
            return False
        tell("playing although this machine does not keep up")
        return True
