"""`percentiles: {p99: "< 2s"}`: how fast a stream's requests were answered, taken together."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator, Field, WithJsonSchema

from harness.scenario.expectations.base import Selecting
from harness.scenario.fields import LATENCY, LatencyField, StreamName
from harness.units import Range

_NAME = re.compile(r"p([0-9]{1,2}(\.[0-9]{1,3})?)")


def share_of(name: str) -> float:
    """The share of requests that a percentile leaves below it: `p99` is 0.99."""
    return round(float(name.removeprefix("p")) / 100, 5)


def _named(bounds: dict[str, Range]) -> dict[str, Range]:
    if not bounds:
        raise ValueError("expected at least one, such as p99")
    for name in bounds:
        if not _NAME.fullmatch(name) or share_of(name) == 0:
            raise ValueError(f"{name} is no percentile; expected such as p50, p95 or p99.9")
    return bounds


_SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "bounds by percentile",
    "examples": [{"p50": "< 100ms", "p99": "< 2s"}],
    "minProperties": 1,
    "additionalProperties": False,
    "patternProperties": {rf"^{_NAME.pattern}$": LATENCY.json_schema},
}
Bounds = Annotated[dict[str, LatencyField], AfterValidator(_named), WithJsonSchema(_SCHEMA)]


class ExpectPercentiles(Selecting):
    """So fast were all selected requests together; latency counts from the planned instant."""

    traffic: StreamName = Field(description="the stream that is answered", examples=["chat"])
    percentiles: Bounds = Field(
        description="bounds by percentile", examples=[{"p50": "< 100ms", "p99": "< 2s"}]
    )

    @property
    def about(self) -> str:
        """The latencies of the stream."""
        return f"latencies of {self.traffic}"
