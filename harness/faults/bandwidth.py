"""bandwidth: bytes pass no faster than a rate."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from typing import ClassVar

from harness.faults.toxic import Attribute, Chunk, Outcome, Step, Toxic

SLICE_S = 0.1
"""A chunk that takes longer than this goes out in slices this far apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bandwidth(Toxic):
    """Stores and forwards: a chunk goes out after the time that it takes at the rate.

    1 KB is 1000 bytes. Rate 0 holds all data, and the end behind it, until the toxic changes or
    goes (fault kind `stall`); a negative rate does the same (difference `negative-bandwidth`).
    Idle time earns no credit. Source: Toxiproxy 2.12 `bandwidth`.
    """

    rate_kb_per_s: int = 0

    TYPE: ClassVar[str] = "bandwidth"
    GO_NAME: ClassVar[str] = "BandwidthToxic"
    ATTRIBUTES: ClassVar[tuple[Attribute, ...]] = (
        Attribute(name="rate", field="rate_kb_per_s", unit="KB/s", doc="highest rate; 0 stops all"),
    )

    @property
    def minds_chunk_size(self) -> bool:
        """A chunk waits as a whole; below 100 MB/s that is more than 0.3 ms."""
        return self.rate_kb_per_s < 100_000

    def on_chunk(self, at_s: float, chunk: Chunk, state: object, rng: random.Random) -> Outcome:
        """The chunk after its time, large ones in slices of 100 ms."""
        if self.rate_kb_per_s <= 0:
            return Outcome((Step(math.inf, chunk),))
        data, stamp_s = chunk
        slice_bytes = self.rate_kb_per_s * 100
        steps = []
        start = 0
        while len(data) - start > slice_bytes:
            steps.append(Step(SLICE_S, Chunk(data[start : start + slice_bytes], stamp_s)))
            start += slice_bytes
        rest = data[start:] if start else data
        steps.append(Step(len(rest) / (self.rate_kb_per_s * 1000), Chunk(rest, stamp_s)))
        return Outcome(tuple(steps))
