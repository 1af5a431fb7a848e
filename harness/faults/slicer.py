"""slicer: what was sent in one piece arrives in many small ones."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import ClassVar

from harness.faults.toxic import Attribute, Chunk, Outcome, Step, Toxic


@dataclass(frozen=True, slots=True, kw_only=True)
class Slicer(Toxic):
    """Halves a chunk again and again until the pieces are about `average_size_bytes` long.

    True sizes lie between (average + variation) / 2 and average + variation. One write a piece,
    and the delay after each, the last included. An average of 0 or less slices nothing, and cuts
    stay inside their piece (difference `slicer-crash`). Source: Toxiproxy 2.12 `slicer`.
    """

    average_size_bytes: int = 0
    size_variation_bytes: int = 0
    delay_us: int = 0

    TYPE: ClassVar[str] = "slicer"
    GO_NAME: ClassVar[str] = "SlicerToxic"
    ATTRIBUTES: ClassVar[tuple[Attribute, ...]] = (
        Attribute(
            name="average_size",
            field="average_size_bytes",
            unit="B",
            doc="size of a piece; 0 slices nothing",
            wire_type="int",
        ),
        Attribute(
            name="size_variation",
            field="size_variation_bytes",
            unit="B",
            doc="sizes vary by up to this; less than average_size",
            wire_type="int",
        ),
        Attribute(
            name="delay", field="delay_us", unit="µs", doc="wait after each piece", wire_type="int"
        ),
    )

    @property
    def minds_chunk_size(self) -> bool:
        """It halves what was read."""
        return True

    def on_chunk(self, at_s: float, chunk: Chunk, state: object, rng: random.Random) -> Outcome:
        """The pieces, with a wait after each."""
        pause_s = max(self.delay_us, 0) / 1_000_000
        data, stamp_s = chunk
        steps = []
        wait_s = 0.0
        for start, end in self._cuts(len(data), rng):
            steps.append(Step(wait_s, Chunk(data[start:end], stamp_s)))
            wait_s = pause_s
        steps.append(Step(wait_s, None))
        return Outcome(tuple(steps))

    def _cuts(self, size: int, rng: random.Random) -> list[tuple[int, int]]:
        """Where to cut, left to right; the draws come in Toxiproxy's order (left half first)."""
        average, variation = self.average_size_bytes, self.size_variation_bytes
        pieces = []
        waiting = [(0, size)]
        while waiting:
            start, end = waiting.pop()
            if average <= 0 or end - start <= max(average + variation, 1):
                pieces.append((start, end))
                continue
            middle = start + (end - start) // 2
            if variation > 0:
                middle += rng.randrange(2 * variation) - variation
            # A variation above the average could cut outside the piece, and never come to an end.
            middle = min(max(middle, start + 1), end - 1)
            waiting.append((middle, end))
            waiting.append((start, middle))
        return pieces
