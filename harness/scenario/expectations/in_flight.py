"""`in_flight: "<= 20"`: how many calls at an upstream were under way at once."""

from __future__ import annotations

from pydantic import Field

from harness.scenario.expectations.base import Surroundings
from harness.scenario.expectations.called import OfCalls
from harness.scenario.fields import CountField
from harness.scenario.located import Path
from harness.scenario.names import Misfits


class ExpectInFlight(OfCalls):
    """At no instant more calls are under way."""

    in_flight: CountField = Field(
        description="no more calls under way at any instant", examples=["<= 20"]
    )

    @property
    def about(self) -> str:
        """The calls under way at the upstream."""
        return f"calls in flight at {self.upstream}"

    def misfits(self, path: Path, around: Surroundings) -> Misfits:
        """What is wrong with its bound, its upstream and its window."""
        if self.in_flight.low > 0:
            yield (*path, "in_flight"), f"expected an upper bound: <= {self.in_flight.low:g}"
        yield from super().misfits(path, around)
