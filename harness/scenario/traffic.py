"""Traffic streams: which requests leave, when, and in whose name. Always open loop."""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, WithJsonSchema, model_validator

from harness.scenario.clients import Retry
from harness.scenario.fields import (
    ANY_TEXT,
    COUNTED,
    TIME,
    Duration,
    Misfit,
    PaceField,
    Part,
    Route,
    UserName,
    Whole,
    WindowField,
    at_least_one,
    exclusive,
    texts,
)
from harness.scenario.header_fields import HeaderFields
from harness.scenario.parsed import Parsed
from harness.units import Range, Window, parse_count, parse_duration

_BURST = re.compile(r"([0-9]{1,15}) at (.+)")
_EXACT_DIGITS = 6
"""Instants are exact to the microsecond, as a history keeps them."""
_JUST_BEFORE_S = 0.5e-6
"""Instants nearer than this are one: the rest is rounding."""


class Burst(Part):
    """`count` requests at one instant, in seconds after 0."""

    count: int = Field(..., ge=1, le=100_000)
    at_s: float


def _burst(value: object) -> object:
    if isinstance(value, Burst):
        return value
    if isinstance(value, str) and (match := _BURST.fullmatch(value.strip())):
        at_s = round(parse_duration(match[2]), _EXACT_DIGITS)
        return Burst(count=int(match[1]), at_s=at_s)
    raise ValueError("expected a number of requests and their instant, such as 50 at 70s")


BurstField = Annotated[
    Burst,
    Parsed(_burst),
    texts("requests at one instant", "50 at 70s", pattern=rf"^\s*[0-9]+ at {TIME}\s*$"),
]


def _healthy(value: object) -> Range:
    if isinstance(value, Range):
        return value
    try:
        statuses = parse_count(value)
    except ValueError:
        statuses = Range(0, 0)
    if not 100 <= statuses.low <= statuses.high <= 599:
        raise ValueError("expected a status such as 401, or 200..299")
    return statuses


HealthyField = Annotated[
    Range,
    Parsed(_healthy),
    WithJsonSchema(
        {
            "type": ["integer", "string"],
            "description": "statuses",
            "examples": [401, "200..299"],
            "pattern": rf"^\s*({COUNTED})\s*$",
            "minimum": 100,
            "maximum": 599,
        }
    ),
]


class Stream(Part):
    """One stream of equal requests.

    In `json`, `body`, `headers` and the path, `{email}`, `{password}`, `{user_id}` and `{project}`
    (the first that the user owns) stand for the stream's user, `{number}` for the request's number.
    """

    rules: ClassVar[tuple[dict[str, Any], ...]] = (
        at_least_one("rate", "count"),
        exclusive("json", "body"),
    )

    request: Route = Field(description="method and path at the gateway")
    json_: Any = Field(
        None, alias="json", description="the JSON body", examples=[{"message": "hello"}]
    )
    body: Annotated[str, texts("a body as it is", '{"message": ', pattern=ANY_TEXT)] | None = Field(
        None, description="a body as it is, such as malformed JSON"
    )
    headers: HeaderFields = Field(
        default_factory=dict,
        description="headers beside the usual ones",
        examples=[{"X-Request-Id": "{number}"}],
    )
    as_: UserName | tuple[UserName, ...] | None = Field(
        None,
        alias="as",
        description="a user of the target file, or several in turn",
        examples=["eve", ["eve", "sam"]],
    )
    with_: Literal["bearer", "cookie", "nothing"] = Field(
        "bearer", alias="with", description="how the user's token is sent"
    )
    rate: PaceField | None = Field(
        None,
        description="requests over a time: 1/s; or from one rate to another",
        examples=["1/s", {"from": "1/s", "to": "20/s", "over": "30s"}],
    )
    count: BurstField | tuple[BurstField, ...] | None = Field(
        None, description="bursts: 50 at 70s", examples=["50 at 70s", ["1 at 5s", "50 at 70s"]]
    )
    during: WindowField | None = Field(None, description="when the rate holds; all the time")
    addresses: Whole = Field(
        1, ge=1, le=250, examples=[4], description="client addresses used in turn (127.0.0.2, ...)"
    )
    hang_up: Duration | None = Field(
        None, gt=0, description="clients wait no longer than this for an answer", examples=["2s"]
    )
    retry: Retry | None = Field(
        None,
        description="clients try again",
        examples=[{"attempts": 3, "wait": "500ms", "on": 503}],
    )
    healthy: HealthyField = Field(
        Range(200, 299), description="the status of the steady state, before the outage"
    )

    @property
    def users(self) -> tuple[str | None, ...]:
        """The users in whose name the requests go, in turn; None for nobody's."""
        return (self.as_,) if isinstance(self.as_, str) or self.as_ is None else self.as_

    @property
    def bursts(self) -> tuple[Burst, ...]:
        """All bursts, in file order."""
        if self.count is None:
            return ()
        return (self.count,) if isinstance(self.count, Burst) else self.count

    def window(self, duration_s: float) -> Window:
        """When the rate holds, within a scenario of that length."""
        return self.during or Window(0.0, duration_s)

    def instants(self, duration_s: float) -> Iterator[float]:
        """When its requests leave, in order: from 0s up to, not including, the scenario's end."""
        bursts = [burst for burst in self.bursts if burst.at_s < duration_s]
        return heapq.merge(
            self._regular(duration_s), *(iter([burst.at_s] * burst.count) for burst in bursts)
        )

    def sends_within(self, start_s: float, end_s: float, duration_s: float) -> bool:
        """Whether a request leaves from one instant up to another, found without counting."""
        if any(start_s <= burst.at_s < min(end_s, duration_s) for burst in self.bursts):
            return True
        if self.rate is None:
            return False
        window = self.window(duration_s)
        first_s = window.start_s + self.rate.at(self.rate.before(start_s - window.start_s))
        return first_s < min(end_s, window.end_s, duration_s) - _JUST_BEFORE_S

    def planned(self, duration_s: float) -> int:
        """How many requests leave, counted without going through them."""
        bursts = sum(burst.count for burst in self.bursts if burst.at_s < duration_s)
        if self.rate is None:
            return bursts
        window = self.window(duration_s)
        lasts_s = min(window.end_s, duration_s) - window.start_s
        return bursts + self.rate.before(lasts_s - _JUST_BEFORE_S)

    def _regular(self, duration_s: float) -> Iterator[float]:
        if self.rate is None:
            return
        window = self.window(duration_s)
        end_s = min(window.end_s, duration_s)
        index = 0
        # Each from its number, not from the one before: a long stream does not drift by rounding.
        while (at_s := window.start_s + self.rate.at(index)) < end_s - _JUST_BEFORE_S:
            yield round(at_s, _EXACT_DIGITS)
            index += 1

    @model_validator(mode="after")
    def _consistent(self) -> Stream:
        if self.rate is None and self.count is None:
            raise ValueError("expected `rate` (1/s) or `count` (50 at 70s), or no request leaves")
        if self.json_ is not None and self.body is not None:
            raise Misfit("`json` and `body` exclude each other; keep one of them", key="body")
        return self
