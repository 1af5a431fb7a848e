"""Connects that nobody answers: how often a target tries, and for how long, by its kernel's tables.

A proxy sees none of them. On Linux each is a socket that waits for its answer (`SYN_SENT`).
"""

from __future__ import annotations

import asyncio
import itertools
import math
from collections.abc import Callable, Iterator
from pathlib import Path

from msgspec import Struct

from harness.checks.noise import Noise
from harness.measure.findings import Span
from harness.measure.realtime.late import SLACK_S, late_s, put_off_s

_TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
_WAITING = "02"
_EVERY_S = 0.02


class _Socket(Struct, kw_only=True):
    """Between which instants one socket began to wait, and ceased to."""

    began: Span
    ceased: Span
    """Its end is infinite until a look doesn't see it."""


class Connects:
    """Watches who waits for a port of this machine to answer, from `start` to `stop`.

    A look takes its time, and comes late on a busy machine: a socket began to wait between the
    beginning of the last look that didn't see it and the end of the first that did.
    """

    def __init__(self, port: int, clock: Callable[[], float]) -> None:
        self._suffix = f":{port:04X}"
        self._clock = clock
        self._seen: dict[str, _Socket] = {}
        """By their own addresses."""
        self._ignored: frozenset[str] = frozenset()
        """Who waited before: the harness itself keeps the port full."""
        self._looked_s = -math.inf
        """When the last look began."""
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to watch."""
        self._looked_s = self._clock()
        self.ignore(_all_lines())
        self._task = asyncio.create_task(self._watch())

    def stop(self) -> None:
        """Watch no more."""
        if self._task is not None:
            self._task.cancel()
        self._look()

    async def _watch(self) -> None:
        while True:
            self._look()
            await asyncio.sleep(_EVERY_S)

    def _look(self) -> None:
        from_s = self._clock()
        self.note(_all_lines(), from_s, self._clock())

    def ignore(self, lines: list[str]) -> None:
        """Whoever waits now is none of the target's connects that are to come."""
        self._ignored = frozenset(self._waiting(lines))

    def note(self, lines: list[str], from_s: float, to_s: float) -> None:
        """What the tables said in a look from one instant to another."""
        there = set(self._waiting(lines)) - self._ignored
        for own in there:
            began = Span(low_s=self._looked_s, high_s=to_s)
            one = self._seen.setdefault(own, _Socket(began=began, ceased=began))
            one.ceased = Span(low_s=from_s, high_s=math.inf)
        for own, one in self._seen.items():
            if own not in there and math.isinf(one.ceased.high_s):
                one.ceased = Span(low_s=one.ceased.low_s, high_s=to_s)
        self._looked_s = from_s

    def _waiting(self, lines: list[str]) -> Iterator[str]:
        for line in lines:
            words = line.split(maxsplit=4)
            if len(words) > 3 and words[3] == _WAITING and words[2].endswith(self._suffix):
                yield words[1]

    @property
    def count(self) -> int:
        """How many there were."""
        return len(self._seen)

    def limit(self, noise: Noise, call_end_s: float) -> Span | None:
        """After which time each was given up, if that may have been the same for all of them.

        Some clients give their call up and leave the socket waiting (Node's `fetch`, for 10 s): the
        last of them was waited for until its call was over, if not less long; of those before it
        only such are taken as had ceased when the next one began.
        """
        sockets = sorted(self._seen.values(), key=lambda one: one.began.high_s)
        spans = [
            _limit(one, noise, one.ceased)
            for one, following in itertools.pairwise(sockets)
            if one.ceased.high_s <= following.began.high_s
        ]
        if sockets:
            last = sockets[-1].ceased
            over_s = call_end_s - late_s(noise, call_end_s) - SLACK_S
            until = Span(low_s=min(last.low_s, over_s), high_s=min(last.high_s, call_end_s))
            spans.append(_limit(sockets[-1], noise, until))
        low_s = max((span.low_s for span in spans), default=math.inf)
        high_s = min((span.high_s for span in spans), default=-math.inf)
        return Span(low_s=max(0.0, low_s), high_s=high_s) if low_s <= high_s else None

    @property
    def first_s(self) -> float:
        """When the first of them began to wait, at the latest; infinite where there was none."""
        return min((one.began.high_s for one in self._seen.values()), default=math.inf)

    @property
    def left_waiting(self) -> bool:
        """Whether one of them still waited when its call was over."""
        return any(math.isinf(one.ceased.high_s) for one in self._seen.values())


def _limit(one: _Socket, noise: Noise, until: Span) -> Span:
    """The clock of its client may have begun before it or after it, and have been heard late."""
    began_late_s = late_s(noise, one.began.low_s, one.began.high_s) + SLACK_S
    put_off = put_off_s(noise, one.began.low_s, one.began.high_s)
    until_late_s = late_s(noise, until.low_s, until.high_s) + SLACK_S
    return Span(
        low_s=until.low_s - one.began.high_s - put_off - until_late_s,
        high_s=until.high_s - one.began.low_s + began_late_s,
    )


def _all_lines() -> list[str]:
    there = (table for table in _TABLES if table.exists())
    return [line for table in there for line in table.read_text(encoding="ascii").splitlines()]
