"""`amplification: "<= 2"`: how many attempts at an upstream came of each request of a client."""

from __future__ import annotations

from pydantic import Field

from harness.scenario.expectations.called import OfCalls
from harness.scenario.fields import RatioField


class ExpectAmplification(OfCalls):
    """So many attempts at an upstream for each request that needs it, over a window."""

    amplification: RatioField = Field(
        description="attempts for each request of a client that needs it", examples=["<= 2"]
    )

    @property
    def about(self) -> str:
        """The attempts at the upstream."""
        return f"attempts at {self.upstream} for each request"
