"""slow_close: the connection stays open for a while after it should have closed."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import ClassVar

from harness.faults.toxic import Attribute, Outcome, Step, Toxic


@dataclass(frozen=True, slots=True, kw_only=True)
class SlowClose(Toxic):
    """Passes data untouched and the end of the stream late.

    A change of settings starts the wait anew; removal closes at once. Source: Toxiproxy 2.12.
    """

    delay_ms: int = 0

    TYPE: ClassVar[str] = "slow_close"
    GO_NAME: ClassVar[str] = "SlowCloseToxic"
    ATTRIBUTES: ClassVar[tuple[Attribute, ...]] = (
        Attribute(name="delay", field="delay_ms", unit="ms", doc="wait before the close"),
    )

    @property
    def passes_at_once(self) -> bool:
        """Only the end is late."""
        return True

    def on_eof(self, at_s: float, state: object, rng: random.Random) -> Outcome:
        """Closes after the delay; a negative one means zero."""
        return Outcome((Step(max(self.delay_ms, 0) / 1000, None),), closes=True)
