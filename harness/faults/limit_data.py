"""limit_data: after so many bytes the connection is closed."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import ClassVar

from harness.faults.toxic import Attribute, Chunk, Outcome, Step, Toxic


class _Passed:
    """How many bytes have passed on one connection."""

    __slots__ = ("count_bytes",)

    def __init__(self) -> None:
        self.count_bytes = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitData(Toxic):
    """Cuts the chunk that reaches the limit, drops the rest and closes, even at exactly the limit.

    With 0 the first chunk closes the connection and nothing is sent. The count survives a change
    of settings; a limit below it closes at the next chunk. Source: Toxiproxy 2.12 `limit_data`.
    """

    limit_bytes: int = 0

    TYPE: ClassVar[str] = "limit_data"
    GO_NAME: ClassVar[str] = "LimitDataToxic"
    ATTRIBUTES: ClassVar[tuple[Attribute, ...]] = (
        Attribute(name="bytes", field="limit_bytes", unit="B", doc="bytes that may pass"),
    )

    def new_state(self) -> object:
        """Nothing has passed yet."""
        return _Passed()

    def on_chunk(self, at_s: float, chunk: Chunk, state: object, rng: random.Random) -> Outcome:
        """As much as the limit leaves."""
        assert isinstance(state, _Passed)
        left = max(self.limit_bytes - state.count_bytes, 0)
        data = chunk.data[:left] if left < len(chunk.data) else chunk.data
        state.count_bytes += len(data)
        steps = (Step(0.0, Chunk(data, chunk.stamp_s)),) if data else ()
        return Outcome(steps, closes=state.count_bytes >= self.limit_bytes)
