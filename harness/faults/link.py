"""A chain of toxics for one direction of one connection, driven from outside by bytes and times.

    source ─► intake ─► toxic ─► toxic ─► destination

The driver feeds what it reads, calls `advance` no later than `next_wake_s`, carries out the actions
it gets, and stops reading while `wants_data` is false. Nothing here knows a clock: a late driver
gets the same outcome as a punctual one, only later. Source: Toxiproxy 2.12 `link.go`.
"""

from __future__ import annotations

import enum
import math
import random
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from harness.faults.stage import NEVER, Stage
from harness.faults.toxic import Chunk, Toxic

CHUNK_BYTES = 32768
"""The largest chunk where size matters (source: Go's copy buffer; one read is one chunk)."""
LARGE_CHUNK_BYTES = 65536
"""The largest chunk where it doesn't; larger ones leave the processor's cache, and are slower."""
_INTAKE_CHUNKS = 2
"""One in the reader's hand, one in the hidden pass-through in front of every chain."""


class End(enum.Enum):
    """How a link ends: always its whole destination, in both directions; there is no half-close."""

    CLOSE = "close"
    """Close the destination the ordinary way."""
    RESET = "reset"
    """Close it with RST."""


Action = bytes | End
"""Bytes to write to the destination, or the end of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A toxic in the chain of a proxy's direction."""

    name: str
    toxic: Toxic
    toxicity: float = 1.0
    """Share of connections that it is drawn for; outside 0..1 means never or always."""


class Link:
    """One direction of one connection.

    `at_s` is the time of the call in seconds on the driver's clock; it never runs backwards.
    `rng` decides toxicity, jitter and slices: the same seed and input give the same actions.
    """

    __slots__ = (
        "_actions",
        "_blocked",
        "_eof_in",
        "_intake",
        "_opposite",
        "_passing",
        "_reset_latched",
        "_rng",
        "_stages",
        "ended",
        "next_wake_s",
        "read_bytes",
    )

    def __init__(
        self, chain: Iterable[Placed] = (), *, rng: random.Random, at_s: float = 0.0
    ) -> None:
        self._rng = rng
        self._intake: deque[Chunk] = deque()
        self._actions: list[Action] = []
        self._blocked = False
        self._eof_in = False
        self._reset_latched = False
        self._opposite: Link | None = None
        self._passing = True  # whether every toxic in the chain passes chunks at once
        self.ended = False
        """Whether the destination's end has been given out as an action."""
        self.next_wake_s = NEVER
        """When to call `advance` at the latest; infinite while only input changes things."""
        self.read_bytes = LARGE_CHUNK_BYTES
        """How much one read from the source may take at most; a larger one would show."""
        self._stages = [
            Stage(p.name, p.toxic, p.toxicity, rng, at_s, since_open=True) for p in chain
        ]
        if self._stages:
            self._look_over()
            self._plan_wake(at_s)

    # What the driver asks

    @property
    def transparent(self) -> bool:
        """Whether bytes may skip `feed` and go straight to the destination."""
        # No toxic is in the middle of anything then: one that passes chunks at once holds them
        # only while the destination is blocked, or until a time that was set before it changed.
        return (
            self._passing
            and self.next_wake_s == NEVER
            and not (self._intake or self._blocked or self._eof_in or self._actions)
        )

    @property
    def wants_data(self) -> bool:
        """Whether to go on reading from the source."""
        return len(self._intake) < _INTAKE_CHUNKS and not self._eof_in

    @property
    def resets(self) -> bool:
        """Whether a close of this connection, by whomever, is an RST as far as this link goes."""
        return self._reset_latched or any(stage.resets for stage in self._stages)

    # What the driver tells

    def feed(self, at_s: float, data: bytes) -> None:
        """One read's bytes came from the source; a driver may overrun `wants_data`."""
        if self._stages:
            if self.next_wake_s <= at_s:
                self._catch_up(at_s)
            if self._intake or self._blocked or self._eof_in:
                self._intake.append(Chunk(data, at_s))
                self._pump(at_s)
            else:
                self._hurry(at_s, Chunk(data, at_s))
        elif self._blocked:
            self._intake.append(Chunk(data, at_s))
        elif not self.ended:
            self._actions.append(data)

    def eof(self, at_s: float) -> None:
        """The source ended, in whatever way. A second call does nothing."""
        if not self._eof_in:
            self._catch_up(at_s)
            self._eof_in = True
            self._pump(at_s)

    def block(self) -> None:
        """The destination takes no more for now; the write action given last is its last."""
        self._blocked = True

    def unblock(self, at_s: float) -> None:
        """The destination takes bytes again."""
        self._catch_up(at_s)
        self._blocked = False
        self._pump(at_s)

    def advance(self, at_s: float) -> list[Action]:
        """Everything due by `at_s`, in order; each action is given out once."""
        if self.next_wake_s <= at_s:
            self._catch_up(at_s)
        actions = self._actions
        if actions:
            self._actions = []
        return actions

    # Changes of the chain on a live connection

    def add(self, at_s: float, placed: Placed) -> None:
        """Appends a toxic. What the last one held goes out without meeting the new one."""
        self._catch_up(at_s)
        stage = Stage(placed.name, placed.toxic, placed.toxicity, self._rng, at_s)
        if not self._stages:
            if self._blocked and self._intake:  # held by the hidden pass-through
                self._actions.append(self._intake.popleft().data)
        else:
            last = self._stages[-1]
            if last.closed or not last.interruptible:
                stage.closed = True  # this link is ending: nothing will come this way any more
            else:
                self._release(len(self._stages) - 1)
                last.restart(at_s, self._rng)
        if self.ended:
            stage.closed = True
        self._stages.append(stage)
        self._changed(at_s)

    def update(self, at_s: float, placed: Placed, *, restart: bool = True) -> None:
        """Changes the settings of the toxic of that name; what it held goes on at once.

        Without `restart` the toxic just finds other settings at its next chunk (a rejected update
        whose valid attributes are in force already does that).
        """
        index = self._find(placed.name)
        if index is None:
            return
        self._catch_up(at_s)
        stage = self._stages[index]
        if restart and not stage.closed and stage.interruptible:
            self._release(index)
            stage.settle(placed.toxic, placed.toxicity)
            stage.restart(at_s, self._rng)
        else:
            stage.settle(placed.toxic, placed.toxicity)
        self._changed(at_s)

    def remove(self, at_s: float, name: str) -> None:
        """Takes a toxic out; what it held or had queued goes on at once, in order, undelayed."""
        index = self._find(name)
        if index is None:
            return
        self._catch_up(at_s)
        stage = self._stages[index]
        stage.name = ""  # whatever stays of it answers to no name
        if stage.closed or not stage.interruptible:
            return  # it has ended the link, or is about to
        self._release(index)
        if stage.toxic.CLOSES_ON_REMOVAL:
            self._close(index)
        elif not stage.closed:
            for chunk in stage.queue:
                self._pass_on(index, chunk)
            if index:
                self._unhook_before(at_s, index)
            ended = stage.eof
            del self._stages[index]
            if ended:
                self._end_input(index)
        self._changed(at_s)

    # How it works

    def _changed(self, at_s: float) -> None:
        """The chain is another one, or one of its toxics is."""
        self._look_over()
        self._pump(at_s)

    def _look_over(self) -> None:
        """Notes what the chain as a whole allows."""
        self._passing = all(stage.passes_at_once for stage in self._stages)
        minds = any(stage.toxic.minds_chunk_size for stage in self._stages)
        self.read_bytes = CHUNK_BYTES if minds else LARGE_CHUNK_BYTES

    def _find(self, name: str) -> int | None:
        for index, stage in enumerate(self._stages):
            if stage.name == name:
                return index
        return None

    def _unhook_before(self, at_s: float, index: int) -> None:
        """What the predecessor holds also passes the removed toxic; then it starts again."""
        before = self._stages[index - 1]
        if before.closed or not before.interruptible:
            return
        if (held := before.release()) is not None:
            self._pass_on(index, held)
        if before.closing:
            self._close(index - 1)
        else:
            before.restart(at_s, self._rng)

    def _release(self, index: int) -> None:
        """Interrupts a toxic: what it holds goes on, whether there is room or not."""
        stage = self._stages[index]
        if (held := stage.release()) is not None:
            self._pass_on(index, held)
        if stage.closing:
            self._close(index)

    def _pass_on(self, index: int, chunk: Chunk) -> None:
        """Hands a chunk from a stage to what follows it."""
        if index + 1 < len(self._stages):
            self._stages[index + 1].queue.append(chunk)
        elif not self.ended:
            self._actions.append(chunk.data)

    def _close(self, index: int) -> None:
        """A stage has ended the link; what comes before it has nowhere to go."""
        self._stages[index].closed = True
        self._end_input(index + 1)

    def _end_input(self, index: int) -> None:
        """Tells the stage at `index`, or the destination, that nothing follows."""
        while index < len(self._stages):
            if not self._stages[index].closed:
                self._stages[index].eof = True
                return
            index += 1
        if not self.ended:
            self.ended = True
            self._reset_latched = self.resets
            opposite = self._opposite
            resets = self._reset_latched or (opposite is not None and opposite.resets)
            self._actions.append(End.RESET if resets else End.CLOSE)

    def _catch_up(self, at_s: float) -> None:
        """Lets everything happen at its own time, up to now, so a late call changes no outcome."""
        while self.next_wake_s <= at_s:
            self._pump(self.next_wake_s)

    def _pump(self, at_s: float) -> None:
        """Moves everything that can move at this instant, the last stage first."""
        stages = self._stages
        if not stages:
            self._pump_bare()
            return
        moved = True
        while moved:
            moved = False
            for index in range(len(stages) - 1, -1, -1):
                if self._work(index, at_s):
                    moved = True
            first = stages[0]
            while self._intake and first.accepts:
                first.queue.append(self._intake.popleft())
                moved = True
            if self._eof_in and not self._intake and not first.eof and not first.closed:
                first.eof = True
                moved = True
        self._plan_wake(at_s)

    def _hurry(self, at_s: float, chunk: Chunk) -> None:
        """Takes a chunk through toxics that are idle and let it pass at once; same as `_pump`."""
        for stage in self._stages:
            if not stage.idle:
                if stage.accepts:
                    stage.queue.append(chunk)
                else:
                    self._hold_back(stage, chunk)
                self._pump(at_s)
                return
            passed = stage.pass_at_once(at_s, chunk, self._rng)
            if passed is None:
                self._pump(at_s)
                return
            chunk = passed
        if not self.ended:
            self._actions.append(chunk.data)

    def _hold_back(self, stage: Stage, chunk: Chunk) -> None:
        """There is no room in front of a stage: the chunk stays where it came from."""
        index = self._stages.index(stage)
        if index == 0:
            self._intake.append(chunk)
        else:
            self._stages[index - 1].hold(chunk)

    def _pump_bare(self) -> None:
        """A chain without toxics only waits for its destination."""
        self.next_wake_s = NEVER
        while self._intake and not self._blocked:
            self._actions.append(self._intake.popleft().data)
        if self._eof_in and not self._intake:
            self._end_input(0)

    def _work(self, index: int, at_s: float) -> bool:
        """Takes one stage as far as it goes at this instant; says whether anything happened."""
        stage = self._stages[index]
        worked = False
        while not stage.closed:
            if stage.steps:
                if stage.due_s > at_s:
                    break
                chunk = stage.steps[0].chunk
                if chunk is not None:
                    if not self._has_room_after(index):
                        break
                    self._pass_on(index, chunk)
                stage.step_done(at_s)
            elif stage.closing:
                self._close(index)
            elif not stage.take_next(at_s, self._rng):
                break
            worked = True
        return worked

    def _has_room_after(self, index: int) -> bool:
        if index + 1 < len(self._stages):
            return self._stages[index + 1].accepts
        return not self._blocked

    def _plan_wake(self, at_s: float) -> None:
        """The next instant at which a stage does something by itself."""
        wake_s = math.inf
        for stage in self._stages:
            due_s = stage.wake_s
            # Whatever is due but has not happened waits for room, not for time.
            if at_s < due_s < wake_s:
                wake_s = due_s
        self.next_wake_s = wake_s

    def _meet(self, opposite: Link) -> None:
        self._opposite = opposite


def join(upstream: Link, downstream: Link) -> None:
    """Makes two links one connection: a reset in one direction is one in the other too."""
    upstream._meet(downstream)
    downstream._meet(upstream)
