"""What a stub answers, as a target file says it: routes with one answer, or several in turn."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import Field, model_validator

from harness.scenario.fields import (
    ANY_TEXT,
    CallRoute,
    Duration,
    Misfit,
    Part,
    Whole,
    at_least_one,
    exclusive,
    texts,
)
from harness.scenario.header_fields import AnswerHeaders


class StubAnswer(Part):
    """One answer of a stub; its texts may hold places such as `{path.2}` and `{json.user.id}`."""

    rules: ClassVar[tuple[dict[str, Any], ...]] = (exclusive("json", "body"),)

    json_: Any = Field(
        None, alias="json", description="what it answers", examples=[{"valid": True}]
    )
    body: Annotated[str, texts("a text", "OK {path.2}", pattern=ANY_TEXT)] | None = Field(
        None, description="a text instead of `json`", examples=["<ok id='{path.2}'/>"]
    )
    status: Whole = Field(200, ge=200, le=599, description="with this status", examples=[200])
    headers: AnswerHeaders = Field(
        default_factory=dict, description="with these headers", examples=[{"X-Version": "2"}]
    )
    delay: Duration = Field(
        0.0, description="so long after the call, as a healthy service would", examples=["50ms"]
    )

    @model_validator(mode="after")
    def _one_body(self) -> StubAnswer:
        if self.body is not None and "json_" in self.model_fields_set:
            raise Misfit("`json` and `body` exclude each other; keep one of them", key="body")
        return self

    def told(self) -> dict[str, Any]:
        """As a stub is told it by `PUT /_stub/routes`."""
        return {
            "json": self.json_,
            "body": self.body,
            "status": self.status,
            "headers": self.headers,
            "delay_s": self.delay,
        }


_OWN = ("json_", "body", "status", "headers", "delay")


class StubRoute(StubAnswer):
    """A route that a stub answers."""

    rules: ClassVar[tuple[dict[str, Any], ...]] = tuple(
        exclusive("answers", key.rstrip("_")) for key in _OWN
    )

    route: CallRoute = Field(description="which calls")
    answers: tuple[StubAnswer, ...] = Field(
        (),
        description="several answers instead of one, call by call; the last for all further calls",
        examples=[[{"status": 503}, {"json": {"paid": True}}]],
    )
    cycle: bool = Field(
        False, description="whether the first answer comes again after the last", examples=[True]
    )

    @model_validator(mode="after")
    def _in_turn(self) -> StubRoute:
        if "answers" not in self.model_fields_set:
            if self.cycle:
                raise Misfit("`cycle` is for several `answers`; there is one here", key="cycle")
            return self
        if not self.answers:
            raise Misfit("expected at least one answer, such as [{status: 503}]", key="answers")
        own = next((key for key in _OWN if key in self.model_fields_set), None)
        if own is not None:
            name = own.rstrip("_")
            raise Misfit(f"`{name}` stands in each of the `answers`, not beside them", key=name)
        return self

    def told(self) -> dict[str, Any]:
        """As a stub is told it by `PUT /_stub/routes`."""
        if not self.answers:
            return {"route": self.route, **super().told()}
        answers = [answer.told() for answer in self.answers]
        return {"route": self.route, "answers": answers, "cycle": self.cycle}

    @property
    def each(self) -> tuple[StubAnswer, ...]:
        """Its answers, in turn."""
        return self.answers or (self,)


class Stub(Part):
    """A stub that an OpenAPI file describes, or routes, or both."""

    rules: ClassVar[tuple[dict[str, Any], ...]] = (at_least_one("openapi", "routes"),)

    openapi: Annotated[str, texts("a file", "payments.openapi.yaml")] | None = Field(
        None,
        description="an OpenAPI file relative to this one: its examples, or small values, are "
        "the answers",
        examples=["payments.openapi.yaml"],
    )
    routes: tuple[StubRoute, ...] = Field(
        (),
        description="routes that are answered as it says here, whatever the file says",
        examples=[[{"route": "POST /pay", "status": 402}]],
    )

    @model_validator(mode="after")
    def _something(self) -> Stub:
        if self.openapi is None and "routes" not in self.model_fields_set:
            raise ValueError("expected `openapi` (a file) or `routes`")
        return self
