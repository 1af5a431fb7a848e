"""`rate: "<= 10/s"`: how many calls an upstream got in any stretch of time."""

from __future__ import annotations

from pydantic import Field

from harness.scenario.expectations.called import OfCalls
from harness.scenario.fields import AtMostField


class ExpectRate(OfCalls):
    """No stretch so long, wherever it begins, holds more calls."""

    rate: AtMostField = Field(
        description="no more calls in any stretch so long", examples=["<= 10/s", "<= 30/10s"]
    )

    @property
    def about(self) -> str:
        """The rate of calls at the upstream."""
        return f"rate of calls at {self.upstream}"
