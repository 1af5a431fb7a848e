"""The interface of a toxic: bytes and the time go in, timed outcomes come out.

A toxic knows neither sockets nor clocks. `Link` asks it what happens to a chunk, to the end of the
stream, or to silence, and carries the answer out; the embedded proxy and the simulation drive the
same `Link`. `noop.py` is the template for a new one.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from typing import ClassVar, NamedTuple


class Chunk(NamedTuple):
    """Bytes that travel together: what one read returned, or a slice of it."""

    data: bytes
    stamp_s: float
    """When the bytes came in, in seconds; a latency moves it on (source: Toxiproxy)."""


class Step(NamedTuple):
    """One thing that a toxic does after another: wait, then hand a chunk on."""

    wait_s: float
    """Seconds since the step before; never negative, infinite means until interrupted."""
    chunk: Chunk | None
    """What to hand on after the wait; None hands on nothing."""


class Outcome(NamedTuple):
    """What becomes of a chunk, of the stream's end, or of an open connection.

    While steps are left the toxic takes no further chunk. When it is interrupted in between
    (by a change of the chain), all chunks still held go out at once, in one piece.
    """

    steps: tuple[Step, ...] = ()
    closes: bool = False
    """Whether the link ends after the steps: its destination is closed."""
    silence_s: float = math.inf
    """The link also ends when no chunk follows for so long, counted from the last step."""
    interruptible: bool = True
    """False: nothing, not even the toxic's removal, cuts the steps short."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """One setting of a toxic, as its users and the wire know it."""

    name: str
    field: str
    """The dataclass field that holds it; it carries the unit."""
    unit: str
    doc: str
    default: int = 0
    wire_type: str = "int64"
    """The Go type, as it appears in Toxiproxy's error messages."""


PASS = Outcome()
"""Nothing happens."""

CLOSE = Outcome(closes=True)
"""The link ends now."""


class Toxic:
    """Passes everything on; a toxic overrides what it changes.

    Instances are frozen dataclasses of settings, in Toxiproxy's own units because they are echoed
    as given. What a toxic remembers of one connection lives in the state that `new_state` makes.
    """

    __slots__ = ()

    TYPE: ClassVar[str]
    GO_NAME: ClassVar[str]
    """The Go struct's name, as it appears in Toxiproxy's error messages."""
    ATTRIBUTES: ClassVar[tuple[Attribute, ...]] = ()
    QUEUE_CHUNKS: ClassVar[int] = 0
    """How many chunks wait in front of it before back pressure reaches the sender."""
    CLOSES_ON_REMOVAL: ClassVar[bool] = False
    """Whether taking it out of a chain ends the connections that it was on."""
    RESETS: ClassVar[bool] = False
    """Whether the connections that it was on from their start end with RST instead of FIN."""

    @property
    def minds_chunk_size(self) -> bool:
        """Whether larger reads than Toxiproxy's would show in what it does."""
        return False

    @property
    def passes_at_once(self) -> bool:
        """Whether any chunk just goes on as it is, at once, and nothing needs to be remembered."""
        return False

    def new_state(self) -> object:
        """What is remembered of one connection; kept when the toxic's settings change."""
        return None

    def on_open(self, at_s: float, state: object, rng: random.Random) -> Outcome:
        """The toxic starts on a connection, or starts again because the chain changed."""
        return PASS

    def on_chunk(self, at_s: float, chunk: Chunk, state: object, rng: random.Random) -> Outcome:
        """A chunk has arrived, and the one before is done with."""
        return Outcome((Step(0.0, chunk),))

    def on_eof(self, at_s: float, state: object, rng: random.Random) -> Outcome:
        """The stream has ended, and all chunks are done with."""
        return CLOSE
