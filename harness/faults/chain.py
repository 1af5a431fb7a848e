"""Toxics in a row, and how chunks move through them; what is in front of them, and what came out.

    intake ─► toxic ─► toxic ─► actions

Nothing here knows a clock: everything happens at its own time, however late the call.
Source: Toxiproxy 2.12 `link.go`.
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


class Chain:
    """The stages of one direction of one connection; `Link` is what a driver sees of it.

    `at_s` is the time of the call in seconds on the driver's clock; it never runs backwards.
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
        self._opposite: Chain | None = None
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

    @property
    def resets(self) -> bool:
        """Whether a close of this connection, by whomever, is an RST as far as this link goes."""
        return self._reset_latched or any(stage.resets for stage in self._stages)

    def _look_over(self) -> None:
        """Notes what the chain as a whole allows."""
        self._passing = all(stage.passes_at_once for stage in self._stages)
        minds = any(stage.toxic.minds_chunk_size for stage in self._stages)
        self.read_bytes = CHUNK_BYTES if minds else LARGE_CHUNK_BYTES

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

    def _meet(self, opposite: Chain) -> None:
        self._opposite = opposite
