"""`never: {...}`: what no request may meet, at any time."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field, model_validator

from harness.scenario.expectations.base import Selecting
from harness.scenario.expectations.values import Statuses
from harness.scenario.fields import LatencyField, Misfit, Part


class Forbidden(Part):
    """What no request may meet; each of these is forbidden by itself."""

    status: Statuses | None = None
    except_: Statuses | None = Field(None, alias="except")
    latency: LatencyField | None = None
    json_: dict[str, Any] | None = Field(None, alias="json")
    body: str | None = Field(None, description="a text in the body, such as Traceback")

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

    never: Forbidden
    traffic: str | None = None

    @property
    def about(self) -> str:
        """What may not be."""
        return "never"
