"""A chain of toxics for one direction of one connection, driven from outside by bytes and times.

    source ─► intake ─► toxic ─► toxic ─► destination

The driver feeds what it reads, calls `advance` no later than `next_wake_s`, carries out the actions
it gets, and stops reading while `wants_data` is false. Nothing here knows a clock: a late driver
gets the same outcome as a punctual one, only later. Source: Toxiproxy 2.12 `link.go`.
"""

from __future__ import annotations

from harness.faults.chain import Action, Chain, Placed
from harness.faults.stage import NEVER, Stage
from harness.faults.toxic import Chunk

_INTAKE_CHUNKS = 2
"""One in the reader's hand, one in the hidden pass-through in front of every chain."""


class Link(Chain):
    """One direction of one connection.

    `at_s` is the time of the call in seconds on the driver's clock; it never runs backwards.
    `rng` decides toxicity, jitter and slices: the same seed and input give the same actions.
    """

    __slots__ = ()

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

    def _changed(self, at_s: float) -> None:
        """The chain is another one, or one of its toxics is."""
        self._look_over()
        self._pump(at_s)

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


def join(upstream: Link, downstream: Link) -> None:
    """Makes two links one connection: a reset in one direction is one in the other too."""
    upstream._meet(downstream)
    downstream._meet(upstream)
