"""One toxic at work on one link: what it holds, what it waits for, what waits in front of it."""

from __future__ import annotations

import math
import random
from collections import deque

from harness.faults.noop import Noop
from harness.faults.toxic import Chunk, Outcome, Step, Toxic

NEVER = math.inf
_NOOP = Noop()
_NO_WAIT_S = 1e-7
"""Less than a clock can tell apart from now."""


class Stage:
    """A place in a chain. `Link` moves chunks between stages; a stage only knows its own.

    Whether the toxic acts is drawn when it starts, and drawn again each time it starts again: when
    it is updated, and when its successor comes or goes (source: Toxiproxy's `ToxicStub.Run`).
    """

    __slots__ = (
        "_acting",
        "_in_eof",
        "_silence_s",
        "_silent_since_s",
        "_state",
        "closed",
        "closing",
        "due_s",
        "eof",
        "interruptible",
        "name",
        "queue",
        "since_open",
        "steps",
        "toxic",
        "toxicity",
    )

    def __init__(
        self,
        name: str,
        toxic: Toxic,
        toxicity: float,
        rng: random.Random,
        at_s: float,
        *,
        since_open: bool = False,
    ) -> None:
        self.name = name
        self.toxic = toxic
        self.toxicity = toxicity
        self.since_open = since_open
        """Whether the connection was opened with this toxic in place."""
        self.queue: deque[Chunk] = deque()
        self.steps: deque[Step] = deque()
        self.due_s = NEVER
        """When the first of `steps` is due."""
        self.eof = False
        """Nothing follows what is queued."""
        self.closing = False
        """Ends the link once its steps are done."""
        self.closed = False
        self.interruptible = True
        self._state = toxic.new_state()
        self._in_eof = False
        self.restart(at_s, rng)

    @property
    def resets(self) -> bool:
        """Whether this stage makes the connection's closes into resets."""
        return self.since_open and self.toxic.RESETS and self._acting is self.toxic

    @property
    def accepts(self) -> bool:
        """Whether there is room for one more chunk."""
        if self.closed or self.eof:
            return False
        if self.queue:
            return len(self.queue) < self.toxic.QUEUE_CHUNKS
        return not (self.steps or self.closing) or self.toxic.QUEUE_CHUNKS > 0

    @property
    def passes_at_once(self) -> bool:
        """Whether chunks pass unchanged and at once, as things stand since the last start."""
        return self._acting.passes_at_once and not self.closed

    @property
    def idle(self) -> bool:
        """Whether it has nothing to do but wait for a chunk."""
        return not (self.steps or self.queue or self.closing or self.closed or self.eof)

    @property
    def wake_s(self) -> float:
        """When this stage does something without being told."""
        if self.closed:
            return NEVER
        return self.due_s if self.steps else self._silent_since_s + self._silence_s

    def restart(self, at_s: float, rng: random.Random) -> None:
        """Starts the toxic (again): a new draw, new timers, the same state."""
        hit = self.toxicity >= 1 or (self.toxicity > 0 and rng.random() < self.toxicity)
        self._acting: Toxic = self.toxic if hit else _NOOP
        self._silent_since_s = at_s
        self._silence_s = self._acting.on_open(at_s, self._state, rng).silence_s

    def settle(self, toxic: Toxic, toxicity: float) -> None:
        """New settings without a new start."""
        if self._acting is self.toxic:
            self._acting = toxic
        self.toxic, self.toxicity = toxic, toxicity

    def take_next(self, at_s: float, rng: random.Random) -> bool:
        """Turns to the next chunk, the end or the silence; False when there is none of them."""
        if self.queue:
            self._carry_out(
                self._acting.on_chunk(at_s, self.queue.popleft(), self._state, rng), at_s
            )
        elif self.eof:
            self._in_eof = True
            self._carry_out(self._acting.on_eof(at_s, self._state, rng), at_s)
        elif self._silent_since_s + self._silence_s <= at_s:
            self.closing = True
        else:
            return False
        return True

    def pass_at_once(self, at_s: float, chunk: Chunk, rng: random.Random) -> Chunk | None:
        """Meets a chunk while idle; returns what goes on now, or None when there is more to it."""
        acting = self._acting
        if acting is _NOOP:
            return chunk
        outcome = acting.on_chunk(at_s, chunk, self._state, rng)
        steps = outcome.steps
        if (
            len(steps) == 1
            and steps[0].wait_s < _NO_WAIT_S
            and not outcome.closes
            and outcome.silence_s == NEVER
        ):
            return steps[0].chunk
        self._carry_out(outcome, at_s)
        return None

    def hold(self, chunk: Chunk) -> None:
        """Takes a chunk back that found no room after it."""
        self.steps.append(Step(0.0, chunk))
        self.due_s = -math.inf

    def step_done(self, at_s: float) -> None:
        """The first step has happened at `at_s`; the wait of the next one counts from here."""
        self.steps.popleft()
        self.due_s = at_s + self.steps[0].wait_s if self.steps else NEVER
        self._silent_since_s = at_s

    def release(self) -> Chunk | None:
        """Stops what it is doing; returns what it still held, in one piece."""
        held = [step.chunk for step in self.steps if step.chunk is not None]
        self.steps.clear()
        self.due_s = NEVER
        if self._in_eof:
            self._in_eof = self.closing = False  # it will meet the end again when it starts again
        if not held:
            return None
        if len(held) == 1:
            return held[0]
        return Chunk(b"".join(chunk.data for chunk in held), held[0].stamp_s)

    def _carry_out(self, outcome: Outcome, at_s: float) -> None:
        steps, self.closing, self._silence_s, self.interruptible = outcome
        self._silent_since_s = at_s
        if steps:
            self.steps.extend(steps)
            self.due_s = at_s + steps[0].wait_s
