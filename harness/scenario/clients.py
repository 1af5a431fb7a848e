"""What clients do that don't just wait: those that hang up, and those that try again."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from harness.scenario.expectations.values import Statuses, StatusSet
from harness.scenario.fields import Duration, Part, Whole

_BROKEN = StatusSet(ranges=((500, 599),), text="5xx or error", error=True)


def _some(waits: float | tuple[float, ...]) -> float | tuple[float, ...]:
    if waits == ():
        raise ValueError("expected at least one wait, such as 500ms")
    return waits


class Retry(Part):
    """A client that sends its request again where the answer is one of some."""

    attempts: Whole = Field(..., ge=2, le=20, description="in all, with the first", examples=[3])
    wait: Annotated[Duration | tuple[Duration, ...], AfterValidator(_some)] = Field(
        description="before each further one; of a list the last holds for all that follow",
        examples=["500ms", ["1s", "2s", "4s"]],
    )
    on: Statuses = Field(
        _BROKEN,
        description="answers after which it tries again; error: none, or it hung up",
        examples=[503, ["5xx", "error"]],
    )
    retry_after: bool = Field(
        False,
        description="it waits for as long as a Retry-After says, where there is one",
        examples=[True],
    )

    @property
    def waits_s(self) -> tuple[float, ...]:
        """Before each further try."""
        waits = self.wait if isinstance(self.wait, tuple) else (self.wait,)
        return tuple(waits[min(k, len(waits) - 1)] for k in range(self.attempts - 1))
