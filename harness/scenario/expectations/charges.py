"""`charges: ...`: what the ledger of effects shows that happen at most once."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from harness.scenario.expectations.base import Windowed
from harness.scenario.fields import CountField, Whole


class ExpectCharges(Windowed):
    """What the ledger of charges shows, at the end or for charges made in a window."""

    of_effects: ClassVar[bool] = True

    charges: CountField | Literal["once per charged answer"] = Field(
        description="number of charges, or `once per charged answer`",
        examples=["once per charged answer", "12..14"],
    )
    duplicates: Whole | None = Field(
        None,
        ge=0,
        description="charges that no request can own; one whose answer was lost is none",
        examples=[0],
    )

    @property
    def about(self) -> str:
        """The charges."""
        return "charges"
