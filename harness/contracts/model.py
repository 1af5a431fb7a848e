"""The model of a contract file: upstreams with policies, routes with their calls, users, claims.

A contract says what a gateway promises, as data. Nothing here knows which gateway: the document's
own contract is `document.yaml` beside this module, one file among others.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema, field_validator, model_validator

from harness.contracts.templates import pattern_of, starred
from harness.policy import rules
from harness.policy.backoffs import Listed
from harness.policy.breaker import Rules
from harness.policy.counting import Counting
from harness.policy.waits import Constant
from harness.routes import route_matches
from harness.scenario.fields import (
    ANY_TEXT,
    Claim,
    Duration,
    HeaderFields,
    HeaderText,
    Line,
    Misfit,
    Number,
    Part,
    Route,
    UserName,
    Whole,
    exclusive,
    texts,
)
from harness.settings import ServiceSettings

Status = Annotated[int, Field(strict=True, ge=200, le=599, examples=[503])]


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


class InARow(Part):
    """A breaker that opens when so many attempts (or calls) in a row have failed."""

    rule: Literal["in a row"] = Field("in a row", description="what opens it")
    threshold: Whole = Field(5, ge=1, description="N: failures in a row that open it", examples=[5])
    wait: Duration = Field(60.0, description="W: from the trip to the one probe")


BreakerRule = InARow
"""How a breaker is opened and closed; a further rule is one more class, told apart by `rule`."""


class Policy(Part):
    """How calls at one upstream are protected."""

    attempts: Whole = Field(
        1, ge=1, description="n: attempts of a call, the first included", examples=[2]
    )
    timeout: Duration = Field(5.0, gt=0, description="T: deadline of one attempt, as a whole")
    backoff: Duration | tuple[Duration, ...] = Field(
        1.0,
        description="between attempts, in turn; beyond the last each twice the one before",
        examples=["1s", ["200ms", "400ms"]],
    )
    by: Literal["attempt", "call"] = Field(
        "attempt", description="whether each failed attempt counts, or one failure a call"
    )
    breaker: BreakerRule = Field(
        default_factory=InARow,
        description="when it opens, and for how long",
        examples=[{"rule": "in a row", "threshold": 5, "wait": "60s"}],
    )

    @field_validator("backoff")
    @classmethod
    def _some(cls, value: float | tuple[float, ...]) -> float | tuple[float, ...]:
        if value == ():
            raise ValueError("expected at least one duration, such as [200ms, 400ms]")
        return value

    @property
    def settings(self) -> ServiceSettings:
        """n, T, N and W, as the arithmetic takes them."""
        waits_s = self.backoff if isinstance(self.backoff, tuple) else (self.backoff,)
        return ServiceSettings(
            attempts=self.attempts,
            timeout_s=self.timeout,
            breaker=Rules(
                opens=rules.InARow(self.breaker.threshold), wait=Constant(self.breaker.wait)
            ),
            counting=Counting(by_call=self.by == "call"),
            backoff=Listed(waits_s),
        )


class Upstream(Policy):
    """An upstream: in which variable a target is given its address, and its policy."""

    variable: Annotated[str, texts("a variable", "PAYMENTS_URL")] | None = Field(
        None, description="the environment variable of its address", examples=["PAYMENTS_URL"]
    )


class Adjustment(Part):
    """What another reading says of an upstream's policy; the rest stays."""

    attempts: Whole | None = Field(None, ge=1, description="n", examples=[4])
    timeout: Duration | None = Field(None, gt=0, description="T")
    threshold: Whole | None = Field(None, ge=1, description="N", examples=[5])
    wait: Duration | None = Field(None, description="W")
    by: Literal["attempt", "call"] | None = Field(None, description="what counts")

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
            "pattern": r"\S+\s+[A-Z]+\s+/",
        }
    ),
]


class Denial(Part):
    """What an upstream answers whom it refuses: a wrong token or password, a revoked user."""

    status: Status = Field(401, description="with this status")
    json_: Any = Field(None, alias="json", description="this JSON", examples=[{"valid": False}])


class Step(Part):
    """One call that a route makes, and what becomes of the route if it fails.

    A call has failed that got no answer, none of 200..299, or one without what it `needs`.
    """

    call: CallText = Field(description="{user_id}, {project} and the like stand for the request's")
    else_: Status | Literal["go on"] = Field(
        ...,
        alias="else",
        description="what the route answers if it fails, or `go on`",
        examples=[503, "go on"],
    )
    refused: Status | dict[StatusKey, Status] | None = Field(
        None,
        description="what the route answers to a refusal of the upstream's, or to one of these "
        "statuses; as `else` if nothing is said",
        examples=[401, {"404": 404}],
    )
    passes_on: bool = Field(
        False,
        description="whether the upstream's own refusal (4xx) may be passed on as it is",
        examples=[True],
    )
    says: Any = Field(
        None,
        description="the JSON of a healthy answer, whose size may matter",
        examples=[{"paid": True}],
    )
    needs: dict[str, Any] = Field(
        default_factory=dict,
        description="fields that a good answer has: a value, `a number`, or `anything`",
        examples=[{"left": "a number"}],
    )
    stops: dict[StatusKey, Annotated[str, texts("a comparison", "left <= 0")]] = Field(
        default_factory=dict,
        description="what the route answers to a good answer with this: `410: left <= 0`",
        examples=[{"410": "left <= 0"}],
    )
    after: CallText | None = Field(
        None,
        description="an earlier call of the route without whose success it isn't made",
        examples=["stock GET /stock/{number}"],
    )
    vouches: Literal["token", "password", "owner"] | None = Field(
        None, description="what nobody may be let in without: the upstream's word on this"
    )
    denies: Denial = Field(
        default_factory=Denial,
        description="what whom it doesn't vouch for is answered",
        examples=[{"status": 401, "json": {"error": "unknown"}}],
    )
    once: bool = Field(
        False,
        description="an effect: it happens at most once, and only for a good answer",
        examples=[True],
    )
    shows: dict[str, bool] = Field(
        default_factory=dict,
        description="what the route's answer says when the call succeeded, else the opposite",
        examples=[{"paid": True}],
    )
    claims: tuple[Claim, ...] = Field((), description="claims about this call", examples=[["S1"]])

    @property
    def upstream(self) -> str:
        """The upstream that is called."""
        return self.call.split(None, 1)[0]

    @property
    def route(self) -> str:
        """Method and path, as a template."""
        return self.call.split(None, 1)[1]

    @property
    def stem(self) -> str:
        """Method and path up to what differs between requests: it covers all such calls."""
        return self.route.partition("{")[0].rstrip("/")

    @property
    def acknowledged_by(self) -> str | None:
        """The field of the route's answer that is true when the call succeeded."""
        return next((field for field, value in self.shows.items() if value), None)


class Limit(Part):
    """So many requests from one client address within a time; more are answered 429."""

    count: Whole = Field(..., ge=1, description="how many", examples=[5])
    within: Duration = Field(..., gt=0, description="within which time")


class ContractRoute(Part):
    """A route of the gateway: the calls that it makes, in order, and its healthy answer."""

    request: Route = Field(description="`*` is one segment of the path, `**` at its end any")
    calls: tuple[Step, ...] = Field(
        (), description="in order", examples=[[{"call": "payments POST /pay", "else": 503}]]
    )
    status: Status = Field(200, description="of a healthy answer")
    limit: Limit | None = Field(
        None,
        description="how many requests one client address has within a time",
        examples=[{"count": 5, "within": "1min"}],
    )
    malformed: Status | None = Field(None, description="what a body that is no object is answered")
    own: Annotated[str, texts("a field", "sources")] | None = Field(
        None,
        description="a list in the answer that names nothing of another {project}",
        examples=["sources"],
    )
    own_claims: tuple[Claim, ...] = Field(
        (), description="claims about that list", examples=[["S1"]]
    )
    claims: tuple[Claim, ...] = Field(
        (), description="claims about what it answers", examples=[["S1"]]
    )

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


class ClaimText(Part):
    """A claim in words: `says`, or the cells of its row in a table."""

    says: Line | None = Field(None, description="all of it, where it is no row")
    route: Line | None = Field(None, description="which route")
    outage: Line | None = Field(None, description="which outage")
    opens: Line | None = Field(None, description="when the breaker opens")
    attempts: Line | None = Field(None, description="attempts until then")
    first_rejection: Line | None = Field(None, description="who is turned away first")
    healthy: Line | None = Field(None, description="what is answered when all is well")
    down: Line | None = Field(None, description="what is answered while the service is down")
    later: Line | None = Field(None, description="what comes after")
    closes: Line | None = Field(None, description="when the breaker closes")
    apart: Line | None = Field(
        None, description="why no scenario asserts it, or no known defect breaks it"
    )
    source: Line | None = Field(None, description="where it is said")


class Contract(Part):
    """One contract file."""

    name: Line = Field(description="what it is called", examples=["shop"])
    source: Line | None = Field(None, description="the document whose promises these are")
    users: dict[str, User] = Field(
        default_factory=dict,
        description="whom the stubs know",
        examples=[{"eve": {"bearer": "token-eve"}}],
    )
    upstreams: dict[str, Upstream] = Field(
        default_factory=dict,
        description="the services that the gateway depends on",
        examples=[{"payments": {"variable": "PAYMENTS_URL", "timeout": "2s"}}],
    )
    others: Policy = Field(
        default_factory=Policy,
        description="the policy of an upstream that isn't listed",
        examples=[{"timeout": "5s"}],
    )
    profiles: dict[str, dict[str, Adjustment]] = Field(
        default_factory=dict,
        description="readings, the first by default: what each changes by upstream; `*` is all",
        examples=[{"strict": {}, "patient": {"*": {"attempts": 4}}}],
    )
    routes: dict[str, ContractRoute] = Field(
        default_factory=dict,
        description="the gateway's routes, by names of yours",
        examples=[{"order": {"request": "POST /orders/{number}"}}],
    )
    idle: tuple[Route, ...] = Field(
        (), description="routes that call nobody", examples=[["GET /health"]]
    )
    traffic: dict[str, Sample] = Field(
        default_factory=dict,
        description="requests that exploration sends, the plainest first",
        examples=[{"order": {"request": "POST /orders/7"}}],
    )
    claims: dict[Claim, ClaimText] = Field(
        default_factory=dict,
        description="the claims that scenarios assert",
        examples=[{"S1": {"says": "An order is paid once."}}],
    )
    file: str = Field("", exclude=True)
    told: str = Field("", exclude=True)
    """Its file's text, as a history keeps it; empty for the bundled contract."""

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

    def step_of(self, upstream: str, called: str) -> Step | None:
        """The first call of any route that a call as it was made is one of."""
        path = called.partition(" ")[2]
        steps = (step for route in self.routes.values() for step in route.of_upstream(upstream))
        return next((s for s in steps if route_matches(starred(s.route), called, path)), None)

    def while_down(self, request: str, upstream: str) -> int | None:
        """What a request is answered while an upstream is down; None where nobody says."""
        route = self.route_of(request)
        steps = () if route is None else tuple(route.of_upstream(upstream))
        if route is None or not steps:
            return None
        ends = (step.else_ for step in steps if isinstance(step.else_, int))
        return next(ends, route.status)

    def vouching(self, what: str) -> Step | None:
        """The first call of any route that vouches for a token, a password or an owner."""
        steps = (step for route in self.routes.values() for step in route.vouching)
        return next((step for step in steps if step.vouches == what), None)

    def needed_by(self, effect: Step) -> Step | None:
        """The call without whose success another isn't made."""
        steps = (step for route in self.routes.values() for step in route.calls)
        return next((step for step in steps if step.call == effect.after), None)

    @property
    def effect(self) -> Step | None:
        """The first call whose effect happens at most once."""
        effects = (route.effect for route in self.routes.values())
        return next((step for step in effects if step is not None), None)

    @property
    def ledgers(self) -> tuple[str, ...]:
        """The upstreams with an effect that happens at most once."""
        effects = (route.effect for route in self.routes.values())
        return tuple(dict.fromkeys(step.upstream for step in effects if step is not None))
