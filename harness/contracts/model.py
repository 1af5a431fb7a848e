"""The model of a contract file: upstreams with policies, routes with their calls, users, claims.

A contract says what a gateway promises, as data. Nothing here knows which gateway: the document's
own contract is `document.yaml` beside this module, one file among others.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema, field_validator

from harness.contracts.templates import pattern_of
from harness.scenario.fields import (
    Claim,
    Duration,
    HeaderFields,
    HeaderText,
    Line,
    Number,
    Part,
    Route,
    Whole,
)
from harness.settings import ServiceSettings

Status = Annotated[int, Field(strict=True, ge=200, le=599)]


def _status_key(value: object) -> int:
    if isinstance(value, int) or (isinstance(value, str) and value.isdecimal()):
        return int(value)
    raise ValueError("expected a status, such as 404")


StatusKey = Annotated[
    int,
    BeforeValidator(_status_key),
    Field(ge=200, le=599),
]
"""A status where a key stands: keys of a file are texts."""


class User(Part):
    """A user whom the stubs know; fields left out keep the default user's."""

    bearer: HeaderText | None = None
    email: str | None = None
    password: str | None = None
    role: str | None = None
    owns: tuple[str, ...] | None = Field(None, description="what stands for {project}: the first")
    balance: Number | None = None


class InARow(Part):
    """A breaker that opens when so many attempts (or calls) in a row have failed."""

    rule: Literal["in a row"] = "in a row"
    threshold: Whole = Field(5, ge=1, description="N: failures in a row that open it")
    wait: Duration = Field(60.0, description="W: from the trip to the one probe")


BreakerRule = InARow
"""How a breaker is opened and closed; a further rule is one more class, told apart by `rule`."""


class Policy(Part):
    """How calls at one upstream are protected."""

    attempts: Whole = Field(1, ge=1, description="n: attempts of a call, the first included")
    timeout: Duration = Field(5.0, gt=0, description="T: deadline of one attempt, as a whole")
    backoff: Duration | tuple[Duration, ...] = Field(
        1.0, description="between attempts, in turn; beyond the last each twice the one before"
    )
    by: Literal["attempt", "call"] = Field(
        "attempt", description="whether each failed attempt counts, or one failure a call"
    )
    breaker: BreakerRule = Field(default_factory=InARow)

    @field_validator("backoff")
    @classmethod
    def _some(cls, value: float | tuple[float, ...]) -> float | tuple[float, ...]:
        if value == ():
            raise ValueError("expected at least one duration, such as [200ms, 400ms]")
        return value

    @property
    def settings(self) -> ServiceSettings:
        """n, T, N and W, as the arithmetic takes them."""
        return ServiceSettings(
            attempts=self.attempts,
            timeout_s=self.timeout,
            threshold=self.breaker.threshold,
            wait_s=self.breaker.wait,
            per_call=self.by == "call",
            backoffs_s=self.backoff if isinstance(self.backoff, tuple) else (self.backoff,),
        )


class Upstream(Policy):
    """An upstream: in which variable a target is given its address, and its policy."""

    variable: str | None = Field(None, description="the environment variable of its address")


class Adjustment(Part):
    """What another reading says of an upstream's policy; the rest stays."""

    attempts: Whole | None = Field(None, ge=1)
    timeout: Duration | None = Field(None, gt=0)
    threshold: Whole | None = Field(None, ge=1)
    wait: Duration | None = None
    by: Literal["attempt", "call"] | None = None

    def adjusted(self, policy: Policy) -> Policy:
        """The policy, as this reading has it."""
        said: dict[str, Any] = self.model_dump(exclude_none=True)
        of_breaker = BreakerRule.model_fields
        breaker = {key: said.pop(key) for key in tuple(said) if key in of_breaker}
        return policy.model_copy(
            update={**said, "breaker": policy.breaker.model_copy(update=breaker)}
        )


def _call(value: object) -> object:
    if isinstance(value, str) and len(value.split(None, 2)) == 3:
        return value
    raise ValueError("expected an upstream, a method and a path, such as payments POST /pay")


CallText = Annotated[
    str,
    BeforeValidator(_call),
    WithJsonSchema(
        {
            "type": "string",
            "description": "an upstream and one of its routes",
            "examples": ["payments POST /pay"],
        }
    ),
]


class Denial(Part):
    """What an upstream answers whom it refuses: a wrong token or password, a revoked user."""

    status: Status = 401
    json_: Any = Field(None, alias="json")


class Step(Part):
    """One call that a route makes, and what becomes of the route if it fails.

    A call has failed that got no answer, none of 200..299, or one without what it `needs`.
    """

    call: CallText = Field(description="{user_id}, {project} and the like stand for the request's")
    else_: Status | Literal["go on"] = Field(
        ..., alias="else", description="what the route answers if it fails, or `go on`"
    )
    refused: Status | dict[StatusKey, Status] | None = Field(
        None,
        description="what the route answers to a refusal of the upstream's, or to one of these "
        "statuses; as `else` if nothing is said",
    )
    passes_on: bool = Field(
        False, description="whether the upstream's own refusal (4xx) may be passed on as it is"
    )
    says: Any = Field(None, description="the JSON of a healthy answer, whose size may matter")
    needs: dict[str, Any] = Field(
        default_factory=dict,
        description="fields that a good answer has: a value, `a number`, or `anything`",
    )
    stops: dict[StatusKey, str] = Field(
        default_factory=dict,
        description="what the route answers to a good answer with this: `402: balance <= 0`",
    )
    after: CallText | None = Field(
        None, description="an earlier call of the route without whose success it isn't made"
    )
    vouches: Literal["token", "password", "owner"] | None = Field(
        None, description="what nobody may be let in without: the upstream's word on this"
    )
    denies: Denial = Field(
        default_factory=Denial, description="what whom it doesn't vouch for is answered"
    )
    once: bool = Field(
        False, description="an effect: it happens at most once, and only for a good answer"
    )
    shows: dict[str, bool] = Field(
        default_factory=dict,
        description="what the route's answer says when the call succeeded, else the opposite",
    )
    claims: tuple[Claim, ...] = Field((), description="claims about this call")

    @property
    def upstream(self) -> str:
        """The upstream that is called."""
        return self.call.split(None, 1)[0]

    @property
    def route(self) -> str:
        """Method and path, as a template."""
        return self.call.split(None, 1)[1]


class Limit(Part):
    """So many requests from one client address within a time; more are answered 429."""

    count: Whole = Field(..., ge=1)
    within: Duration = Field(..., gt=0)


class ContractRoute(Part):
    """A route of the gateway: the calls that it makes, in order, and its healthy answer."""

    request: Route = Field(description="`*` is one segment of the path, `**` at its end any")
    calls: tuple[Step, ...] = ()
    status: Status = Field(200, description="of a healthy answer")
    limit: Limit | None = None
    malformed: Status | None = Field(None, description="what a body that is no object is answered")
    own: str | None = Field(
        None, description="a list in the answer that names nothing of another {project}"
    )
    claims: tuple[Claim, ...] = Field((), description="claims about what it answers")

    def of_upstream(self, name: str) -> Iterator[Step]:
        """Its calls at one upstream."""
        return (step for step in self.calls if step.upstream == name)

    @property
    def vouching(self) -> tuple[Step, ...]:
        """The calls without whose success nobody is let in."""
        return tuple(step for step in self.calls if step.vouches is not None)

    @property
    def effect(self) -> Step | None:
        """The call whose effect happens at most once."""
        return next((step for step in self.calls if step.once), None)


class Sample(Part):
    """A request that exploration and `outage new` send: one stream, without its rate."""

    request: Route
    json_: Any = Field(None, alias="json")
    body: str | None = None
    headers: HeaderFields = Field(default_factory=dict)
    as_: str | None = Field(None, alias="as")
    with_: Literal["bearer", "cookie", "nothing"] = Field("bearer", alias="with")
    addresses: Whole = Field(1, ge=1, le=250)
    healthy: Status = Field(200, description="what it is answered when all is well")

    @property
    def raw(self) -> dict[str, Any]:
        """As in a scenario file."""
        return self.model_dump(by_alias=True, exclude_unset=True)


class ClaimText(Part):
    """A claim in words: `says`, or the cells of its row in a table."""

    says: Line | None = None
    route: Line | None = None
    outage: Line | None = None
    opens: Line | None = None
    attempts: Line | None = None
    first_rejection: Line | None = None
    healthy: Line | None = None
    down: Line | None = None
    later: Line | None = None
    closes: Line | None = None
    apart: Line | None = Field(
        None, description="why no scenario asserts it, or no known defect breaks it"
    )
    source: Line | None = Field(None, description="where it is said")


class Contract(Part):
    """One contract file."""

    name: Line = Field(min_length=1)
    source: Line | None = Field(None, description="the document whose promises these are")
    users: dict[str, User] = Field(default_factory=dict, description="whom the stubs know")
    upstreams: dict[str, Upstream] = Field(default_factory=dict)
    others: Policy = Field(
        default_factory=Policy, description="the policy of an upstream that isn't listed"
    )
    profiles: dict[str, dict[str, Adjustment]] = Field(
        default_factory=dict,
        description="readings, the first by default: what each changes by upstream; `*` is all",
    )
    routes: dict[str, ContractRoute] = Field(default_factory=dict)
    idle: tuple[Route, ...] = Field((), description="routes that call nobody")
    traffic: dict[str, Sample] = Field(
        default_factory=dict, description="requests that exploration sends, the plainest first"
    )
    claims: dict[Claim, ClaimText] = Field(default_factory=dict)
    file: str = Field("", exclude=True)

    @cached_property
    def settings(self) -> dict[str, ServiceSettings]:
        """n, T, N and W of each upstream."""
        return {name: own.settings for name, own in self.upstreams.items()}

    def settings_of(self, upstream: str) -> ServiceSettings:
        """Of one upstream, known or not."""
        return self.settings.get(upstream) or self.others.settings

    def profile(self, name: str) -> dict[str, ServiceSettings]:
        """Settings by upstream in a reading.

        Raises: KeyError for one that isn't known.
        """
        said = self.profiles[name] if self.profiles else {}
        unchanged = Adjustment()
        return {
            upstream: said.get(upstream, said.get("*", unchanged)).adjusted(own).settings
            for upstream, own in self.upstreams.items()
        }

    @property
    def readings(self) -> tuple[str, ...]:
        """The names of its readings, the default one first."""
        return tuple(self.profiles) or (self.name,)

    @property
    def variables(self) -> dict[str, str]:
        """Which environment variable holds which upstream's address."""
        named = ((own.variable, name) for name, own in self.upstreams.items())
        return {variable: name for variable, name in named if variable is not None}

    @cached_property
    def _patterns(self) -> tuple[tuple[Any, str], ...]:
        return tuple((pattern_of(own.request), name) for name, own in self.routes.items())

    def route_of(self, request: str) -> ContractRoute | None:
        """The route of a request such as `POST /orders/7?x=1`; None for one it doesn't name."""
        path = request.partition("?")[0].rstrip("/")
        found = (name for pattern, name in self._patterns if pattern.fullmatch(path))
        name = next(found, None)
        return None if name is None else self.routes[name]

    def vouching(self, what: str) -> Step | None:
        """The first call of any route that vouches for a token, a password or an owner."""
        steps = (step for route in self.routes.values() for step in route.vouching)
        return next((step for step in steps if step.vouches == what), None)

    @property
    def ledgers(self) -> tuple[str, ...]:
        """The upstreams with an effect that happens at most once."""
        effects = (route.effect for route in self.routes.values())
        return tuple(dict.fromkeys(step.upstream for step in effects if step is not None))
