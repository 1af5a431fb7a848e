"""`charges: ...`: what billing's ledger shows."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from harness.scenario.expectations.base import Windowed
from harness.scenario.fields import CountField, Whole


class ExpectCharges(Windowed):
    """What billing's ledger shows, at the end or for charges made in a window."""

    charges: CountField | Literal["once per charged answer"] = Field(
        description="number of charges, or `once per charged answer`",
        examples=["once per charged answer", "12..14"],
    )
    duplicates: Whole | None = Field(
        None,
        ge=0,
        description="charges that no chat can own; one whose answer was lost is none",
        examples=[0],
    )

    @property
    def about(self) -> str:
        """The charges."""
        return "charges"

    @property
    def upstreams(self) -> tuple[str, ...]:
        """The one that keeps the ledger, and the one whose breaker names the window."""
        return ("billing", *self.breakers)
