"""`traffic: chat`: what requests of a stream were answered: status, latency, json, cookie."""

from __future__ import annotations

import math
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from harness.scenario.expectations.base import Selecting, Surroundings
from harness.scenario.expectations.values import Statuses
from harness.scenario.fields import (
    ANY_TEXT,
    CountField,
    LatencyField,
    Misfit,
    Part,
    Share,
    StreamName,
    Whole,
    at_least_one,
    exclusive,
    texts,
)
from harness.scenario.located import Path
from harness.scenario.names import Misfits


class Cookie(Part):
    """A cookie that must be set, with its flags."""

    name: Annotated[str, texts("a cookie's name", "token", pattern=ANY_TEXT)] = Field(
        description="its name", examples=["token"]
    )
    flags: tuple[Literal["HttpOnly", "Secure", "SameSite=Lax", "SameSite=Strict"], ...] = Field(
        (), description="flags that it must have", examples=[["HttpOnly", "SameSite=Lax"]]
    )


class ExpectTraffic(Selecting):
    """Every selected request was answered like this; selection is by planned instant."""

    rules: ClassVar[tuple[dict[str, Any], ...]] = (
        at_least_one("status", "latency", "json", "headers", "cookie"),
        exclusive("at_least", "at_most"),
    )

    traffic: StreamName = Field(description="the stream that is answered", examples=["chat"])
    requests: CountField | None = Field(None, description="only these numbers, from 1: 1..3")
    status: Statuses | None = None
    latency: LatencyField | None = None
    json_: dict[str, Any] | None = Field(
        None, alias="json", description="fields of the answer", examples=[{"charged": False}]
    )
    headers: tuple[Annotated[str, texts("a header", "Retry-After", pattern=ANY_TEXT)], ...] = Field(
        (), description="headers that the answer must have", examples=[["Retry-After"]]
    )
    cookie: Cookie | Literal["none"] | None = Field(
        None, description="a cookie set, or `none`", examples=["none", {"name": "token"}]
    )
    at_least: Share = Field(1.0, description="the share of selected requests that must comply")
    at_most: Whole | None = Field(
        None, ge=0, description="no more of the selected requests may comply", examples=[3]
    )

    @model_validator(mode="after")
    def _says_something(self) -> ExpectTraffic:
        said = (self.status, self.latency, self.json_, self.cookie)
        if all(value is None for value in said) and not self.headers:
            raise ValueError("expected at least one of status, latency, json, headers, cookie")
        if self.at_most is not None and "at_least" in self.model_fields_set:
            raise Misfit("`at_least` and `at_most` exclude each other; keep one", key="at_most")
        return self

    @property
    def about(self) -> str:
        """The stream."""
        return self.traffic

    def selected(self, at_s: list[float]) -> range:
        """Those of its window that have the numbers asked for."""
        chosen = super().selected(at_s)
        if self.requests is None:
            return chosen
        first = max(chosen.start, math.ceil(self.requests.low) - 1)
        last = min(chosen.stop, int(min(self.requests.high, len(at_s))))
        return range(first, max(first, last))

    @property
    def asked(self) -> tuple[str, str]:
        """By numbers where it has some, in its window."""
        if self.requests is None:
            return super().asked
        within = "" if self.during is None else f" in {self.during}"
        return "requests", f"with number {self.requests}{within}"

    def misfits(self, path: Path, around: Surroundings) -> Misfits:
        """What is wrong with its selection and its share."""
        yield from super().misfits(path, around)
        if self.at_least == 0:
            yield (*path, "at_least"), "0% would hold whatever happens; expected more than 0%"
