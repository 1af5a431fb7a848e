"""Real services in a stub's place, as a target file says where they are and what they speak."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from harness.scenario.fields import Part, texts

Address = Annotated[str, texts("host:port", "127.0.0.1:5432")]


class RealService(Part):
    """A real service, behind its proxy like a stub."""

    address: Address = Field(description="where it is", examples=["127.0.0.1:6379"])
    protocol: Literal["http", "tcp"] | None = Field(
        None,
        description="what it speaks: `tcp` for what isn't HTTP (a cache, a database, mail); found "
        "out by itself where it isn't said",
    )
