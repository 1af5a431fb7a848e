"""The routes of a contract file: which calls each makes, and what it answers when one fails."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag, WithJsonSchema

from harness.scenario.fields import Claim, Duration, Part, Route, Whole, texts
from harness.scenario.spelling import did_you_mean
from harness.scenario.statuses import statuses_of

Status = Annotated[int, Field(strict=True, ge=200, le=599, examples=[503])]
Statuses = tuple[int | str, ...]
"""Any of these is right: statuses, and classes such as `5xx`."""
GO_ON = "go on"


def _statuses(value: object) -> Statuses:
    if value == GO_ON:
        return ()
    said = value if isinstance(value, list | tuple) else (value,)
    if not said or not all(map(_is_status, said)):
        hint = did_you_mean(str(value), (GO_ON,))
        raise ValueError(f"expected a status such as 503, 5xx, a list of them, or `{GO_ON}`{hint}")
    return tuple(said)


def _is_status(one: object) -> bool:
    found = statuses_of(one)
    if found is None or found[0] < 200:
        return False
    return isinstance(one, int) or found[0] < found[1]  # a status as text is none here


_ONE = {"type": ["integer", "string"], "minimum": 200, "maximum": 599, "pattern": "^[2-5]xx$"}
Else = Annotated[
    Statuses,
    BeforeValidator(_statuses),
    WithJsonSchema(
        {"anyOf": [_ONE, {"const": GO_ON}, {"type": "array", "items": _ONE, "minItems": 1}]}
    ),
]
"""What stands in place of a good answer, empty for `go on`."""


def covered(statuses: Statuses) -> frozenset[int]:
    """All statuses that belong to some, those of a class each by itself."""
    spans = (statuses_of(one) if isinstance(one, str) else (one, one) for one in statuses)
    return frozenset(status for span in spans if span for status in range(span[0], span[1] + 1))


def written(statuses: Iterable[int | str]) -> str:
    """As a scenario has them after `status:`."""
    texts_ = [str(status) for status in statuses]
    return texts_[0] if len(texts_) == 1 else f"[{', '.join(texts_)}]"


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


RefusedText = Annotated[
    Annotated[Else, Tag("plain")] | Annotated[dict[StatusKey, Else], Tag("keys")],
    Discriminator(lambda said: "keys" if isinstance(said, dict) else "plain"),
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
    else_: Else = Field(
        ...,
        alias="else",
        description="what the route answers if it fails, any of these where several are right, or "
        "`go on`",
        examples=[503, [502, 504], GO_ON],
    )
    refused: RefusedText | None = Field(
        None,
        description="what the route answers to a refusal of the upstream's, or to one of these "
        "statuses, likewise; as `else` if nothing is said",
        examples=[401, {"404": 404}, {"404": GO_ON}],
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
    def refusals(self) -> frozenset[int]:
        """What the route answers to the upstream's own refusals, as far as that is said."""
        said = self.refused.values() if isinstance(self.refused, dict) else (self.refused or (),)
        return frozenset(chain.from_iterable(map(covered, said)))

    def to_refusal(self, status: int | None) -> Statuses:
        """What the route answers where the upstream refuses with a status, nothing where it goes
        on; None: it answers well, and not what is needed.
        """
        own = self.refused
        if isinstance(own, dict):
            own = None if status is None else own.get(status)
        elif status == 429:
            own = None  # it says nothing of what was asked; a word for it stands by itself
        return self.else_ if own is None else own

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
