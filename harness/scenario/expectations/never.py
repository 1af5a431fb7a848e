"""`never: {...}`: what no request may meet, at any time."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import Field, model_validator

from harness.scenario.expectations.base import Selecting
from harness.scenario.expectations.values import Statuses
from harness.scenario.fields import (
    ANY_TEXT,
    LatencyField,
    Misfit,
    Part,
    StreamName,
    at_least_one,
    texts,
)


class Forbidden(Part):
    """What no request may meet; each of these is forbidden by itself."""

    rules: ClassVar[tuple[dict[str, Any], ...]] = (
        at_least_one("status", "latency", "json", "body"),
        {"if": {"required": ["except"]}, "then": {"required": ["status"]}},
    )

    status: Statuses | None = Field(None, description="an answer with one of these statuses")
    except_: Statuses | None = Field(
        None, alias="except", description="statuses that are allowed all the same"
    )
    latency: LatencyField | None = Field(None, description="an answer that took so long")
    json_: dict[str, Any] | None = Field(
        None, alias="json", description="fields of an answer", examples=[{"charged": True}]
    )
    body: Annotated[str, texts("a text", "Traceback", pattern=ANY_TEXT)] | None = Field(
        None, description="a text in the body, such as Traceback"
    )

    @model_validator(mode="after")
    def _says_something(self) -> Forbidden:
        if self.except_ is not None and self.status is None:
            raise Misfit("`except` needs a `status` to be an exception from", key="except")
        said: tuple[object, ...] = (self.status, self.latency, self.json_, self.body)
        if all(value is None for value in said):
            raise ValueError("expected at least one of status, latency, json, body")
        return self


class ExpectNever(Selecting):
    """No request at all (or none of a stream) meets this."""

    under_each_fault: ClassVar[bool] = True

    never: Forbidden = Field(
        description="what no request may meet", examples=[{"status": "5xx", "except": 503}]
    )
    traffic: StreamName | None = Field(
        None, description="only requests of this stream", examples=["chat"]
    )

    @property
    def about(self) -> str:
        """What may not be."""
        return "never"
