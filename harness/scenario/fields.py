"""Field types of scenario and target files: how each quantity is read and described."""

from __future__ import annotations

import re
from typing import Annotated, Any, ClassVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    WithJsonSchema,
)

from harness.scenario.pace import Pace, parse_pace
from harness.scenario.parsed import Parsed
from harness.scenario.route_spelling import METHODS, meant_route, unmatchable
from harness.units import (
    Around,
    AtMost,
    Range,
    Window,
    parse_around,
    parse_at_most,
    parse_at_once,
    parse_count,
    parse_duration,
    parse_duration_range,
    parse_load,
    parse_ratio,
    parse_share,
    parse_size,
    parse_step,
    parse_throughput,
    parse_window,
)


class Part(BaseModel):
    """Base of everything in a file: frozen, and unknown keys are errors."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        arbitrary_types_allowed=True,
        populate_by_name=True,
        # Built once, as part of the whole file's model: a third of a command's start otherwise.
        defer_build=True,
        json_schema_extra=lambda schema, model: _tell_rules(schema, model),
    )

    rules: ClassVar[tuple[dict[str, Any], ...]] = ()
    """What a model's own validators demand of its keys together, as JSON Schema says it."""


def _tell_rules(schema: dict[str, Any], model: type[Any]) -> None:
    """Put the rules of a model, and of those that it inherits from, into its schema."""
    told = [rule for kind in model.__mro__ for rule in kind.__dict__.get("rules", ())]
    if told:
        schema["allOf"] = told


def exclusive(*keys: str) -> dict[str, Any]:
    """The rule that two keys don't stand together."""
    return {"not": {"required": list(keys)}}


def at_least_one(*keys: str) -> dict[str, Any]:
    """The rule that one of these keys has to be there."""
    return {"anyOf": [{"required": [key]} for key in keys]}


class Misfit(ValueError):
    """Keys of one mapping that don't fit together; `key` is the one whose line is to be shown.

    `lacks`: what is wrong is that another key isn't there.
    """

    def __init__(self, message: str, *, key: str, lacks: bool = False) -> None:
        super().__init__(message)
        self.key = key
        self.lacks = lacks


Whole = Annotated[int, Field(strict=True)]
"""A whole number; neither `true` nor "3" is taken for one."""
Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]


def _text(
    description: str, example: str, *, pattern: str | None = None, **numbers: Any
) -> WithJsonSchema:
    """What an editor is told: of a text, and of numbers where `numbers` says which."""
    schema: dict[str, Any] = {"type": "string", "description": description, "examples": [example]}
    if numbers:
        schema |= {"type": ["string", "number"], **numbers}
    if pattern is not None:
        schema["pattern"] = rf"^\s*({pattern})\s*$"
    return WithJsonSchema(schema)


_DIGITS = r"[0-9]+(\.[0-9]+)?"
_ABOVE_0 = rf"(?=[0.]*[1-9]){_DIGITS}"
TIME = rf"(0|{_DIGITS}\s*(ms|s|min|m|h)(\s*{_DIGITS}\s*(ms|s|min|m|h))*)"
"""A duration, as a pattern for editors."""
DURATION = rf"^\s*({TIME})\s*$"
"""The whole pattern of a field that holds one."""
PLUS_MINUS = r"\s*(±|\+/-|\+-)\s*"
POSITIVE = r"(?=.*[1-9])"
"""In front of a pattern: something in it is above 0."""
COUNTED = r"((<=|>=|<|>)\s*[0-9]+|#?[0-9]+(\s*\.\.\s*(#?[0-9]+)?)?)"
_WINDOW = rf"{TIME}?\s*\.\.\s*({TIME}|end)?"
_PERCENT = r"0*(100(\.0+)?|[0-9]{1,2}(\.[0-9]+)?)\s*%"
_SIZED = rf"{_DIGITS}\s*(B|KB|MB)"
ANY_TEXT = r"^[\s\S]*$"
"""The pattern of a text that may be anything, empty too."""
SOME_TEXT = r"\S"
"""The pattern of a text that says something."""


def texts(description: str, *examples: str, pattern: str = SOME_TEXT) -> WithJsonSchema:
    """What an editor is told of a text that is free but for a pattern."""
    schema = {"type": "string", "description": description, "examples": list(examples)}
    return WithJsonSchema({**schema, "pattern": pattern})


def _unless_parsed(parse: Any, done: type) -> Parsed:
    return Parsed(lambda value: value if isinstance(value, done) else parse(value))


def _duration(value: object) -> float:
    return value if type(value) is float else parse_duration(value)


Duration = Annotated[
    float,
    Parsed(_duration),
    _text("a duration with its unit", "50s", pattern=TIME, minimum=0, maximum=0),
]
Length = Annotated[
    float,
    Parsed(_duration),
    _text("a duration with its unit, above 0", "50s", pattern=f"{POSITIVE}{TIME}"),
]
"""A duration of a field that has `gt=0`, where its schema doesn't get to know."""
Step = Annotated[
    float,
    Parsed(lambda value: value if type(value) is float else parse_step(value)),
    _text("a duration with its sign", "-1h", pattern=rf"[+-]?\s*{TIME}"),
]
_RATE: dict[str, Any] = {
    "type": "string",
    "description": "requests over a time",
    "examples": ["1/s"],
    "pattern": rf"^\s*({_ABOVE_0}\s*/\s*({_ABOVE_0})?\s*(ms|s|min|m|h))\s*$",
}
PaceField = Annotated[
    Pace,
    Parsed(parse_pace),
    WithJsonSchema(
        {
            "anyOf": [
                _RATE,
                {
                    "type": "object",
                    "properties": {
                        "from": {**_RATE, "description": "the rate at the beginning"},
                        "to": {**_RATE, "description": "the rate in the end"},
                        "over": {
                            "type": "string",
                            "description": "how long it takes",
                            "examples": ["30s"],
                            "pattern": rf"^\s*({TIME})\s*$",
                        },
                    },
                    "required": ["from", "to", "over"],
                    "additionalProperties": False,
                },
            ],
            "description": "requests over a time, or a ramp of it",
            "examples": ["1/s", {"from": "1/s", "to": "20/s", "over": "30s"}],
        }
    ),
]
Share = Annotated[
    float,
    Parsed(parse_share),
    _text("a share", "30%", pattern=_PERCENT, minimum=0, maximum=1),
]
Size = Annotated[int, Parsed(parse_size), _text("bytes with a unit", "100B", pattern=_SIZED)]
Throughput = Annotated[
    int,
    Parsed(parse_throughput),
    _text("bytes a second", "10KB/s", pattern=rf"{_SIZED}/s"),
]
WindowField = Annotated[
    Window,
    _unless_parsed(parse_window, Window),
    _text("a window", "10s..68s", pattern=_WINDOW),
]
AroundField = Annotated[
    Around,
    _unless_parsed(parse_around, Around),
    _text("an instant and its tolerance", "9s ± 1s", pattern=f"{TIME}{PLUS_MINUS}{TIME}"),
]
CountField = Annotated[
    Range,
    _unless_parsed(parse_count, Range),
    _text("a count", "12..14", pattern=COUNTED, minimum=0),
]
LATENCY = _text("bounds of a latency", "< 100ms", pattern=rf"(<=|>=|<|>)\s*{TIME}|{_WINDOW}")
LatencyField = Annotated[Range, _unless_parsed(parse_duration_range, Range), LATENCY]

AtMostField = Annotated[
    AtMost,
    _unless_parsed(parse_at_most, AtMost),
    _text(
        "no more than so many over any such time",
        "<= 10/s",
        pattern=rf"(<=|<)\s*[0-9]+\s*/\s*({_DIGITS})?\s*(ms|s|min|m|h)",
    ),
]
LoadField = Annotated[
    AtMost,
    _unless_parsed(parse_load, AtMost),
    _text("calls over a time", "10/s", pattern=r"[0-9]+\s*/\s*[0-9.]*\s*(ms|s|min|m|h)"),
]
AtOnceField = Annotated[
    int,
    Parsed(parse_at_once),
    _text("calls at once", "10 at once", pattern=r"[0-9]+(\s+at\s+once)?", minimum=0),
]
RatioField = Annotated[
    Range,
    _unless_parsed(parse_ratio, Range),
    _text(
        "bounds of a ratio",
        "<= 1.5",
        pattern=rf"(<=|>=)\s*{_DIGITS}|{_DIGITS}\s*\.\.\s*{_DIGITS}",
    ),
]

_ROUTE = re.compile(rf"({'|'.join(METHODS)}) (/\S*)")


def _check_route(text: str) -> str:
    if not _ROUTE.fullmatch(text):
        raise ValueError(
            "expected a method and a path, such as GET /stock or POST /orders" + meant_route(text)
        )
    return text


def _check_call_route(text: str) -> str:
    if problem := unmatchable(_check_route(text)):
        raise ValueError(problem)
    if not text.endswith("/**"):
        return text
    return text.removesuffix("**") if text.endswith(" /**") else text.removesuffix("/**")


Route = Annotated[
    str,
    AfterValidator(_check_route),
    _text("a method and a path", "POST /orders", pattern=rf"{_ROUTE.pattern}"),
]
CallRoute = Annotated[
    str,
    AfterValidator(_check_call_route),
    _text("a method and a path", "GET /stock", pattern=rf"{_ROUTE.pattern}"),
]
"""A route that calls are held against: `*` stands for one segment, and paths below it count too,
whether `**` at its end says so or not."""


def _line(text: str) -> str:
    line = " ".join(text.split())
    if not line:
        raise ValueError("expected a text, not nothing")
    if not line.replace("\u200d", "").isprintable():  # the joiner in emoji
        raise ValueError("expected printable text, without control characters")
    return line


Line = Annotated[str, AfterValidator(_line), texts("a line of text", "five failures open it")]
"""A text for a person: one line, since terminals and reports show it as it is."""

UpstreamName = Annotated[str, texts("an upstream", "mail", "stock")]
StreamName = Annotated[
    str, texts("a stream of `traffic`", "chat", pattern=r"^[A-Za-z_][A-Za-z0-9_-]{0,60}$")
]
UserName = Annotated[str, texts("a user of the target", "eve", "sam")]

CLAIM = re.compile(r"[A-Z][A-Z0-9]*-?\d+")
"""What the id of a claim looks like; a contract says which there are."""


def _check_claim(text: str) -> str:
    if not CLAIM.fullmatch(text):
        raise ValueError("expected the id of a claim, such as S1 or PAY-12")
    return text


Claim = Annotated[
    str,
    AfterValidator(_check_claim),
    _text("the id of a claim", "S1", pattern=CLAIM.pattern),
]
