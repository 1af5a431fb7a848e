"""Faults in an upstream itself: it answers, but otherwise, late, or not to the end."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from harness.scenario.faults.base import FaultBase
from harness.scenario.faults.row import Deadlines, kind
from harness.scenario.fields import Duration, HeaderFields, Size, Whole


@kind(
    "stub",
    new="otherwise",
    in_stub=True,
    draws={
        "quick": ({"status": 503}, {"status": 500}),
        "odd": tuple({"status": status} for status in (404, 400, 429, 403, 422)),
    },
)
class Status(FaultBase):
    """The service answers with this status, its work not done."""

    fault: Literal["status"]
    status: Whole = Field(..., ge=200, le=599)

    @property
    def spoils(self) -> bool:
        """Below 300 the answer is one that a caller may well take for good."""
        return self.status >= 300


@kind(
    "stub",
    new="slow",
    in_stub=True,
    draws={
        "silent": ({"delay": Deadlines(1.5)},),
        "late": ({"delay": Deadlines(0.4)}, {"delay": Deadlines(0.8)}),
        "slow": tuple({"delay": Deadlines(share)} for share in (0.4, 0.1, 0.8)),
    },
)
class Delay(FaultBase):
    """The service answers correctly, but `delay` late."""

    fault: Literal["delay"]
    delay: Duration


@kind("stub", new="broken", spoils=True, in_stub=True, draws={"quick": ({},)})
class Truncate(FaultBase):
    """The body ends before its announced length."""

    fault: Literal["truncate"]
    after: Size | None = Field(None, description="bytes of the body before the end; half of it")


@kind(
    "stub",
    new="slow",
    in_stub=True,
    draws={
        "silent": tuple({"every": "1s", "part": part} for part in ("body", "chunked", "headers"))
    },
)
class Drip(FaultBase):
    """The answer comes a byte at a time."""

    fault: Literal["drip"]
    every: Duration = Field(1.0, description="time between two bytes")
    part: Literal["body", "chunked", "headers"] = Field("body", description="what drips")


@kind("stub", new="otherwise", spoils=True, opens=False, in_stub=True, draws={"odd": ({},)})
class Malformed(FaultBase):
    """200 with JSON that doesn't parse."""

    fault: Literal["malformed"]


@kind("stub", new="broken", in_stub=True, draws={"quick": ({},)})
class Undecodable(FaultBase):
    """A body whose Content-Encoding can't be undone."""

    fault: Literal["undecodable"]


@kind(
    "stub",
    new="otherwise",
    spoils=True,
    in_stub=True,
    draws={"odd": ({"json": {}}, {"json": []}, {"json": None}, {"json": "surprise"})},
)
class Json(FaultBase):
    """The service answers this JSON instead of its own, its work not done."""

    fault: Literal["json"]
    json_: Any = Field(..., alias="json")
    status: Whole = Field(200, ge=200, le=599)


@kind("stub", new="otherwise", in_stub=True)
class Headers(FaultBase):
    """The answer has these headers too, and this status if one is given."""

    fault: Literal["headers"]
    headers: HeaderFields
    status: Whole | None = Field(None, ge=200, le=599)


@kind("stub", new="otherwise", opens=False)
class Revoke(FaultBase):
    """The user's token is not valid any more (auth)."""

    fault: Literal["revoke"]
    user: str
