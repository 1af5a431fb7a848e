"""latency: everything arrives later, give or take a jitter."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import ClassVar

from harness.faults.toxic import Attribute, Chunk, Outcome, Step, Toxic


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency(Toxic):
    """Holds each chunk until it is `latency_ms` old, so a burst is late once, not once a chunk.

    Order is kept, so a late chunk holds up its successors. The end of the stream gets no delay of
    its own. Source: Toxiproxy 2.12 `latency`; its jitter is a whole number in [-jitter, jitter).
    """

    latency_ms: int = 0
    jitter_ms: int = 0

    TYPE: ClassVar[str] = "latency"
    GO_NAME: ClassVar[str] = "LatencyToxic"
    ATTRIBUTES: ClassVar[tuple[Attribute, ...]] = (
        Attribute(name="latency", field="latency_ms", unit="ms", doc="added delay"),
        Attribute(name="jitter", field="jitter_ms", unit="ms", doc="delay varies by up to this"),
    )
    QUEUE_CHUNKS: ClassVar[int] = 1024

    @property
    def passes_at_once(self) -> bool:
        """With nothing to wait for."""
        return self.latency_ms <= 0 and self.jitter_ms <= 0

    def on_chunk(self, at_s: float, chunk: Chunk, state: object, rng: random.Random) -> Outcome:
        """The chunk goes out when it is old enough, at once if it already is."""
        delay_ms = self.latency_ms
        if self.jitter_ms > 0:
            delay_ms += rng.randrange(2 * self.jitter_ms) - self.jitter_ms
        wait_s = chunk.stamp_s + delay_ms / 1000 - at_s
        # The stamp moves by the wait even where that is negative: a second latency then adds up.
        moved = Chunk(chunk.data, chunk.stamp_s + wait_s)
        return Outcome((Step(wait_s if wait_s > 0.0 else 0.0, moved),))
