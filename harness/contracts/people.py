"""Whom the stubs of a contract know, and the requests that are sent in their names."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from harness.contracts.routes import Status
from harness.scenario.fields import (
    ANY_TEXT,
    Misfit,
    Number,
    Part,
    Route,
    UserName,
    Whole,
    exclusive,
    texts,
)
from harness.scenario.header_fields import HeaderFields, HeaderText


class User(Part):
    """A user whom the stubs know; fields left out keep the default user's."""

    bearer: HeaderText | None = Field(None, description="the token that is valid")
    email: Annotated[str, texts("an address", "eve@example.com", pattern=ANY_TEXT)] | None = Field(
        None, description="what is logged in with", examples=["eve@example.com"]
    )
    password: Annotated[str, texts("a password", "s3cret", pattern=ANY_TEXT)] | None = Field(
        None, description="what is logged in with, too", examples=["s3cret"]
    )
    role: Annotated[str, texts("a role", "admin", pattern=ANY_TEXT)] | None = Field(
        None, description="what is said of this user", examples=["admin"]
    )
    owns: tuple[Annotated[str, texts("a project", "p1", pattern=ANY_TEXT)], ...] | None = Field(
        None, description="projects of this user", examples=[["p1"]]
    )
    balance: Number | None = Field(
        None, description="what there is to spend at 0s", examples=[1000]
    )


class Sample(Part):
    """A request that the gateway answers, as exploration, `measure` and `new` send it.

    One stream, without its rate.
    """

    rules: ClassVar[tuple[dict[str, Any], ...]] = (exclusive("json", "body"),)

    request: Route = Field(description="method and path at the gateway")
    json_: Any = Field(None, alias="json", description="the JSON body", examples=[{"left": 1}])
    body: Annotated[str, texts("a body as it is", "{", pattern=ANY_TEXT)] | None = Field(
        None, description="a body as it is, such as malformed JSON", examples=["{"]
    )
    headers: HeaderFields = Field(
        default_factory=dict,
        description="headers beside the usual ones",
        examples=[{"X-Version": "2"}],
    )
    as_: UserName | None = Field(None, alias="as", description="in whose name it goes")
    with_: Literal["bearer", "cookie", "nothing"] = Field(
        "bearer", alias="with", description="how the user's token is sent"
    )
    addresses: Whole = Field(
        1, ge=1, le=250, description="client addresses used in turn", examples=[4]
    )
    healthy: Status = Field(200, description="what it is answered when all is well")

    @model_validator(mode="after")
    def _consistent(self) -> Sample:
        if self.json_ is not None and self.body is not None:
            raise Misfit("`json` and `body` exclude each other; keep one of them", key="body")
        return self

    @property
    def raw(self) -> dict[str, Any]:
        """As in a scenario file."""
        return self.model_dump(by_alias=True, exclude_unset=True)
