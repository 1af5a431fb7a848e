"""Watches how late the machine makes a run: its processes from a thread, its loop by a heartbeat.

One watch serves all worlds of an engine. Four times a second, or less often where there are many,
it looks at each world's processes (`waits.py`, `stalls.py`) and tells the world's chronicle what
was worth telling. The harness's own lateness is told to all of them: how late its loop came,
through which all passes that it sends and records; what its other threads wait for delays nothing.
Where there is no /proc (macOS) that is all that can be told.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from heapq import nlargest
from typing import TypeVar

from harness.engines.chronicle import Chronicle
from harness.engines.stalls import FamilyStalls, Pressure, pressure
from harness.engines.waits import WORTH_TELLING_S, FamilyWaits, Found, StolenTime
from harness.history.events import LOOP_PASSES, Waited

LOOK_EVERY_S = 0.25
APART_S = 0.01
"""Between the looks at two worlds, on average at the least: looking must cost next to nothing."""
BEAT_S = 0.01
"""How often the loop's heart beats: nothing in it is later than what was measured and this."""
_ON_TIME_S = 0.002
"""A beat that comes no later than this is on time."""

T = TypeVar("T")

Processes = Callable[[], Mapping[str, Iterable[int]]]
"""The ids of a world's processes by whose they are; those that a fault has paused are left out.

Called from the watch's thread."""


class Watch:
    """Looks at worlds until it is closed. To be made in the loop that plays them."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._heart = Heartbeat(self._loop)
        self._machine = StolenTime()
        self._parties: list[_Party] = []
        self._looking = threading.Lock()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)
        self._thread.start()

    @contextlib.asynccontextmanager
    async def over(
        self, chronicle: Chronicle, processes: Processes
    ) -> AsyncIterator[Callable[[], Awaitable[None]]]:
        """Watch a world inside the block; what it waited just before its end is told, too.

        What the block is given looks at once: when it is over, all waits that have ended are told.
        """
        party = _Party(chronicle, processes)

        async def look() -> None:
            await asyncio.to_thread(self._look, (party,), all_threads=True)

        self._parties.append(party)
        try:
            yield look
            await look()
        finally:
            self._parties.remove(party)

    def _run(self) -> None:
        while not self._closing.wait(max(LOOK_EVERY_S, APART_S * len(self._parties))):
            self._look(tuple(self._parties))

    def _look(self, parties: Sequence[_Party], *, all_threads: bool = False) -> None:
        """Look at some worlds, and at what all of them share; from any thread.

        What one look found is on its way to the loop before the next one begins.
        """
        with self._looking:
            now_s = time.monotonic()
            common = [*self._machine.look(now_s), *self._heart.look()]
            by_now = pressure(now_s)
            own = {party: self._seen(party, by_now, all_threads=all_threads) for party in parties}
            told = [(party, [*common, *own.get(party, ())]) for party in [*self._parties]]
            self._in_loop(self._tell, told)

    def _seen(self, party: _Party, by_now: Pressure, *, all_threads: bool) -> list[Found]:
        """What one world's processes waited; whatever breaks there is told in that world alone."""
        try:
            return party.look(by_now, all_threads=all_threads)
        except Exception as error:
            self._in_loop(party.broke, error)
            return []

    def _in_loop(self, take: Callable[[T], None], what: T) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(take, what)

    def _tell(self, told: list[tuple[_Party, list[Found]]]) -> None:
        for party, found in told:
            if party in self._parties:
                party.tell(found)

    @property
    def alive(self) -> bool:
        """Whether it still looks."""
        return self._thread.is_alive()

    def close(self) -> None:
        """End the thread and the heartbeat."""
        self._closing.set()
        self._heart.stop()
        self._thread.join(2.0)


class Heartbeat:
    """Beats in a loop, and keeps by how much each beat came late."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._late: deque[tuple[float, float]] = deque()
        self._next: asyncio.TimerHandle
        self._await(loop.time() + BEAT_S)

    def _await(self, due_s: float) -> None:
        self._next = self._loop.call_at(due_s, self._beat, due_s)

    def _beat(self, due_s: float) -> None:
        now_s = self._loop.time()
        if now_s - due_s > _ON_TIME_S:
            self._late.append((due_s, now_s))
        self._await(now_s + BEAT_S)

    def look(self) -> list[Found]:
        """How late the worst beats since the last look came, each that is worth telling.

        What is sent or read meanwhile waits for a few turns of the loop, not for the sum of them.
        May be called from any thread. The loop's clock is the monotonic one.
        """
        late = [self._late.popleft() for _ in range(len(self._late))]
        worst = nlargest(LOOP_PASSES, ((at_s - due_s, due_s, at_s) for due_s, at_s in late))
        return [
            Found(who="harness", how="late", since_s=due_s, at_s=at_s, wait_s=wait_s)
            for wait_s, due_s, at_s in worst
            if wait_s >= WORTH_TELLING_S
        ]

    def stop(self) -> None:
        """Beat no more."""
        self._next.cancel()


class _Party:
    """One world that is watched."""

    def __init__(self, chronicle: Chronicle, processes: Processes) -> None:
        self._chronicle = chronicle
        self._processes = processes
        self._waits: dict[str, FamilyWaits] = {}
        self._stalls: dict[str, FamilyStalls] = {}
        self.broke = chronicle.broke

    def look(self, by_now: Pressure, *, all_threads: bool) -> list[Found]:
        """What its processes waited since the last look; from one thread at a time."""
        found = []
        for who, pids in self._processes().items():
            waits = self._waits.setdefault(who, FamilyWaits(who))
            found += waits.look(pids, time.monotonic(), all_threads=all_threads)
            stalls = self._stalls.setdefault(who, FamilyStalls(who))
            found += stalls.look(waits.family, by_now)
        return found

    def tell(self, found: Iterable[Found]) -> None:
        """Record it; in the loop's thread."""
        for each in found:
            self._chronicle.record(
                Waited(
                    at_s=self._chronicle.of(each.at_s),
                    by="engine",
                    who=each.who,
                    how=each.how,
                    since_s=self._chronicle.of(each.since_s),
                    wait_s=each.wait_s,
                )
            )
