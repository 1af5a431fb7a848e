"""Connects that nobody answers: how often a target tries, and for how long, by its kernel's tables.

A proxy sees none of them. On Linux each is a socket that waits for its answer (`SYN_SENT`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

from harness.measure.findings import Span

_TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
_WAITING = "02"
_EVERY_S = 0.02


class Connects:
    """Watches who waits for a port of this machine to answer, from `start` to `stop`."""

    def __init__(self, port: int) -> None:
        self._suffix = f":{port:04X}"
        self._seen: dict[str, tuple[float, float]] = {}
        """When each socket, by its own address, was first and last seen waiting."""
        self._ignored: frozenset[str] = frozenset()
        """Who waited before: the harness itself keeps the port full."""
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to watch."""
        self.ignore(_all_lines())
        self._task = asyncio.create_task(self._watch())

    def stop(self) -> None:
        """Watch no more."""
        if self._task is not None:
            self._task.cancel()

    async def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            self.note(_all_lines(), loop.time())
            await asyncio.sleep(_EVERY_S)

    def ignore(self, lines: list[str]) -> None:
        """Whoever waits now is none of the target's connects that are to come."""
        self._ignored = frozenset(self._waiting(lines))

    def note(self, lines: list[str], at_s: float) -> None:
        """What the tables say at an instant."""
        for own in self._waiting(lines):
            if own not in self._ignored:
                first_s, _ = self._seen.get(own, (at_s, at_s))
                self._seen[own] = first_s, at_s

    def _waiting(self, lines: list[str]) -> Iterator[str]:
        for line in lines:
            words = line.split(maxsplit=4)
            if len(words) > 3 and words[3] == _WAITING and words[2].endswith(self._suffix):
                yield words[1]

    @property
    def count(self) -> int:
        """How many there were."""
        return len(self._seen)

    def lasted(self, late_s: float) -> Span | None:
        """How long each waited, if that may have been the same for all; `late_s`: how late the
        machine may have made a look, or the end of one.
        """
        lasted_s = [last_s - first_s for first_s, last_s in self._seen.values()]
        if not lasted_s:
            return None
        low_s, high_s = max(lasted_s) - late_s, min(lasted_s) + 2 * _EVERY_S + late_s
        return Span(low_s=max(0.0, low_s), high_s=high_s) if low_s <= high_s else None


def _all_lines() -> list[str]:
    there = (table for table in _TABLES if table.exists())
    return [line for table in there for line in table.read_text(encoding="ascii").splitlines()]
