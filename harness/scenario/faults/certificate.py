"""A certificate that no client may accept: for upstreams whose stubs speak TLS."""

from __future__ import annotations

from typing import Literal, get_args

from pydantic import Field

from harness.scenario.faults.base import FaultBase
from harness.scenario.faults.row import kind

Shown = Literal["expired", "wrong_name", "unknown"]
SHOWN: tuple[str, ...] = get_args(Shown)
"""What may be wrong with a certificate."""


@kind(
    "proxy",
    proxy="diverted",
    takes="call",
    running="cut",
    new="at once",
    cuts=True,
    spoils=True,
    hides="stub",
    engines=("local",),
    example={"is": "expired"},
)
class Certificate(FaultBase):
    """A certificate that is expired, another host's, or of an authority that nobody knows."""

    fault: Literal["certificate"]
    is_: Shown = Field(
        alias="is", description="what is wrong with it", examples=["expired", "wrong_name"]
    )

    @property
    def diverted(self) -> str:
        """To which listener of its stub the proxy leads."""
        return self.is_
