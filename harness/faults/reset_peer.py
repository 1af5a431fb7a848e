"""reset_peer: the first bytes are lost and the connection is reset."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import ClassVar

from harness.faults.toxic import Attribute, Chunk, Outcome, Step, Toxic


@dataclass(frozen=True, slots=True, kw_only=True)
class ResetPeer(Toxic):
    """Waits for the first chunk or end of its direction, drops it, and closes after `timeout_ms`.

    The close is an RST on both sides for connections opened while the toxic was there, and a plain
    close for older ones. An idle connection is never reset, and the wait can't be cut short.
    Source: Toxiproxy 2.12 `reset_peer`.
    """

    timeout_ms: int = 0

    TYPE: ClassVar[str] = "reset_peer"
    GO_NAME: ClassVar[str] = "ResetToxic"
    ATTRIBUTES: ClassVar[tuple[Attribute, ...]] = (
        Attribute(
            name="timeout", field="timeout_ms", unit="ms", doc="wait between first bytes and reset"
        ),
    )
    RESETS: ClassVar[bool] = True

    def on_chunk(self, at_s: float, chunk: Chunk, state: object, rng: random.Random) -> Outcome:
        """Drops the chunk and resets after the wait."""
        return self.on_eof(at_s, state, rng)

    def on_eof(self, at_s: float, state: object, rng: random.Random) -> Outcome:
        """An end counts as first bytes do."""
        wait = Step(max(self.timeout_ms, 0) / 1000, None)
        return Outcome((wait,), closes=True, interruptible=False)
