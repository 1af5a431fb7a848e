"""timeout: nothing arrives, and after a silence the connection is closed."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from typing import ClassVar

from harness.faults.toxic import Attribute, Chunk, Outcome, Toxic


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeout(Toxic):
    """Drops all data from the start; closes after `timeout_ms` without a chunk.

    Each chunk starts the wait anew, so a talkative sender never trips it. 0 or less drops for
    ever (fault kind `blackhole`). The end of the stream passes at once. Removal closes every
    connection that the toxic was on, even those that its toxicity spared. Source: Toxiproxy 2.12.
    """

    timeout_ms: int = 0

    TYPE: ClassVar[str] = "timeout"
    GO_NAME: ClassVar[str] = "TimeoutToxic"
    ATTRIBUTES: ClassVar[tuple[Attribute, ...]] = (
        Attribute(
            name="timeout", field="timeout_ms", unit="ms", doc="silence before the close; 0: never"
        ),
    )
    CLOSES_ON_REMOVAL: ClassVar[bool] = True

    def on_open(self, at_s: float, state: object, rng: random.Random) -> Outcome:
        """Starts to count the silence."""
        return Outcome(silence_s=self.timeout_ms / 1000 if self.timeout_ms > 0 else math.inf)

    def on_chunk(self, at_s: float, chunk: Chunk, state: object, rng: random.Random) -> Outcome:
        """Drops the chunk and counts from here."""
        return self.on_open(at_s, state, rng)
