"""What an author expects: five forms, told apart by the key that each begins with.

traffic: chat        what requests of a stream were answered: status, latency, json, cookie
breaker: auth        when the breaker opens, probes, closes; which request is rejected first
upstream: auth       what reached an upstream: calls
charges: ...         what billing's ledger shows
never: ...           what no request may meet, at any time
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag, WithJsonSchema, model_validator

from harness.scenario.fields import (
    Claim,
    CountField,
    Duration,
    LatencyField,
    Line,
    Misfit,
    Part,
    Route,
    Share,
    Whole,
    WindowField,
)
from harness.units import Around, Range, parse_around, parse_duration


class StatusSet(Part):
    """Statuses, as inclusive ranges; `error` stands for no HTTP answer at all."""

    ranges: tuple[tuple[int, int], ...]
    text: str
    error: bool = False

    def __contains__(self, status: int | None) -> bool:
        """Whether an answer's status belongs; None stands for no answer."""
        if status is None:
            return self.error
        return any(low <= status <= high for low, high in self.ranges)

    def meets(self, other: StatusSet) -> bool:
        """Whether an answer could belong to both."""
        return (self.error and other.error) or any(
            low <= high_too and low_too <= high
            for low, high in self.ranges
            for low_too, high_too in other.ranges
        )

    def __str__(self) -> str:
        """As an author writes it."""
        return self.text


def _statuses(value: object) -> object:
    if isinstance(value, StatusSet):
        return value
    ranges: list[tuple[int, int]] = []
    error = False
    items = value if isinstance(value, list | tuple) else [value]
    for item in items:
        if isinstance(item, int) and not isinstance(item, bool) and 100 <= item <= 599:
            ranges.append((item, item))
        elif isinstance(item, str) and re.fullmatch(r"[1-5](xx|[0-9]{2})", item):
            ranges.append((int(item.replace("x", "0")), int(item.replace("x", "9"))))
        elif item == "error":
            error = True
        else:
            raise ValueError("expected a status such as 401, 5xx, error (no answer), or a list")
    if not items:
        raise ValueError("expected at least one status")
    text = " or ".join(str(item) for item in items)
    return StatusSet(ranges=tuple(ranges), text=text, error=error)


_STATUS_SCHEMA: dict[str, Any] = {
    "type": ["integer", "string", "array"],
    "description": "statuses: 401, 5xx, error (no answer), or a list of them",
    "examples": [401, "5xx"],
}
Statuses = Annotated[StatusSet, BeforeValidator(_statuses), WithJsonSchema(_STATUS_SCHEMA)]


class Contract(Part):
    """An instant left to the contract's arithmetic, with a tolerance in seconds."""

    tolerance_s: float

    def __str__(self) -> str:
        """As an author writes it."""
        return f"contract ± {self.tolerance_s:g}s"


def _instant(value: object) -> object:
    if isinstance(value, Around | Contract):
        return value
    if isinstance(value, str) and value.strip().startswith("contract"):
        match = re.fullmatch(r"contract\s*(?:±|\+/-|\+-)\s*(.+)", value.strip())
        if match is None:
            raise ValueError("expected a tolerance too: contract ± 1s")
        return Contract(tolerance_s=parse_duration(match[1]))
    return parse_around(value)


_INSTANT_SCHEMA = WithJsonSchema(
    {
        "type": "string",
        "description": "an instant with its tolerance, or `contract ± 1s` to have it computed",
        "examples": ["9s ± 1s", "contract ± 1s"],
    }
)
Instant = Annotated[Around | Contract, BeforeValidator(_instant), _INSTANT_SCHEMA]


class While(Part):
    """A window named by a breaker's state instead of by seconds: `auth is open`."""

    upstream: str
    state: Literal["open", "closed", "recovered"]

    def __str__(self) -> str:
        """As an author writes it."""
        return f"{self.upstream} is {self.state}"


def _while(value: object) -> object:
    if isinstance(value, While):
        return value
    if isinstance(value, str):
        match = re.fullmatch(r"(\w+) (?:is (open|closed|recovered)|has (recovered))", value.strip())
        if match:
            return While(upstream=match[1], state=match[2] or match[3])
    raise ValueError("expected a breaker's state, such as: auth is open, or auth has recovered")


WhileField = Annotated[
    While,
    BeforeValidator(_while),
    WithJsonSchema(
        {
            "type": "string",
            "description": "while a breaker is in a state: open, closed (before it first opens), "
            "recovered (from its last closing on)",
            "examples": ["auth is open", "auth has recovered"],
        }
    ),
]


class ExpectationBase(Part):
    """What every expectation may carry."""

    claims: tuple[Claim, ...] = Field((), description="the scenario's if none are given")
    because: Line | None = Field(None, description="why, for whoever reads a failure")


class Windowed(ExpectationBase):
    """An expectation about a window: by seconds, or by a breaker's state; the whole run if none."""

    during: WindowField | None = None
    while_: WhileField | None = Field(None, alias="while")

    @model_validator(mode="after")
    def _one_window(self) -> Windowed:
        if self.during is not None and self.while_ is not None:
            raise Misfit("`during` and `while` exclude each other; keep one", key="while")
        return self


class Cookie(Part):
    """A cookie that must be set, with its flags."""

    name: str
    flags: tuple[Literal["HttpOnly", "Secure", "SameSite=Lax", "SameSite=Strict"], ...] = ()


class ExpectTraffic(Windowed):
    """Every selected request was answered like this; selection is by planned instant."""

    traffic: str
    requests: CountField | None = Field(None, description="only these numbers, from 1: 1..3")
    status: Statuses | None = None
    latency: LatencyField | None = None
    json_: dict[str, Any] | None = Field(None, alias="json", description="fields of the answer")
    headers: tuple[str, ...] = Field((), description="headers that the answer must have")
    cookie: Cookie | Literal["none"] | None = Field(None, description="a cookie set, or `none`")
    at_least: Share = Field(1.0, description="the share of selected requests that must comply")

    @model_validator(mode="after")
    def _says_something(self) -> ExpectTraffic:
        said = (self.status, self.latency, self.json_, self.cookie)
        if all(value is None for value in said) and not self.headers:
            raise ValueError("expected at least one of status, latency, json, headers, cookie")
        return self


class ExpectBreaker(ExpectationBase):
    """The breaker in front of an upstream changes state when the contract says."""

    breaker: str
    opens: Instant | Literal["never"] | None = None
    first_rejection: CountField | Literal["contract"] | None = Field(
        None, description="number of the first request that is rejected fast: #10..#11"
    )
    traffic: str | None = Field(None, description="the stream that `first_rejection` counts")
    attempts: CountField | Literal["contract"] | None = Field(
        None, description="attempts at the upstream until it opens: 12..14"
    )
    probes: Instant | tuple[Instant, ...] | None = Field(
        None, description="instants of the probes, exactly these and one attempt each"
    )
    closes: Instant | Literal["never"] | None = None

    @model_validator(mode="after")
    def _says_something(self) -> ExpectBreaker:
        said = (self.opens, self.first_rejection, self.attempts, self.probes, self.closes)
        if all(value is None for value in said):
            raise ValueError(
                "expected at least one of opens, first_rejection, attempts, probes, closes"
            )
        return self


class ExpectCalls(Windowed):
    """How many calls an upstream got."""

    upstream: str
    calls: CountField
    on: Route | None = Field(None, description="only calls of this route of the upstream")


class ExpectCharges(Windowed):
    """What billing's ledger shows, at the end or for charges made in a window."""

    charges: CountField | Literal["once per charged answer"] = Field(
        description="number of charges, or `once per charged answer`"
    )
    duplicates: Whole | None = Field(
        None, ge=0, description="charges beyond the chats answered 200 and charged"
    )


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


class ExpectNever(Windowed):
    """No request at all (or none of a stream) meets this."""

    never: Forbidden
    traffic: str | None = None


FORMS: dict[str, type[ExpectationBase]] = {
    "never": ExpectNever,
    "breaker": ExpectBreaker,
    "charges": ExpectCharges,
    "upstream": ExpectCalls,
    "traffic": ExpectTraffic,
}
"""The forms by their telling keys; where several of these keys stand together the first tells."""


def _form(value: object) -> str | None:
    """The form of an expectation, by its telling key."""
    keys = value if isinstance(value, dict) else getattr(value, "model_fields_set", ())
    for key in FORMS:
        if key in keys:
            return key
    return None


Expectation = Annotated[
    Annotated[ExpectNever, Tag("never")]
    | Annotated[ExpectBreaker, Tag("breaker")]
    | Annotated[ExpectCharges, Tag("charges")]
    | Annotated[ExpectCalls, Tag("upstream")]
    | Annotated[ExpectTraffic, Tag("traffic")],
    Discriminator(
        _form,
        custom_error_type="expectation_form",
        custom_error_message="expected one of the keys traffic, breaker, upstream, charges, never",
    ),
]

__all__ = [
    "FORMS",
    "Contract",
    "Cookie",
    "Duration",
    "ExpectBreaker",
    "ExpectCalls",
    "ExpectCharges",
    "ExpectNever",
    "ExpectTraffic",
    "Expectation",
    "ExpectationBase",
    "Forbidden",
    "Instant",
    "Range",
    "StatusSet",
    "While",
    "Windowed",
]
