"""What values of expectations may be: statuses, instants, and a breaker's state for a window."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import WithJsonSchema

from harness.frozen import Frozen
from harness.scenario.fields import PLUS_MINUS, TIME
from harness.scenario.parsed import Parsed
from harness.scenario.statuses import statuses_of
from harness.units import Around, parse_around, parse_duration


class StatusSet(Frozen, kw_only=True):
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
        if (found := statuses_of(item)) is not None:
            ranges.append(found)
        elif item == "error":
            error = True
        else:
            raise ValueError("expected a status such as 401, 5xx, error (no answer), or a list")
    if not items:
        raise ValueError("expected at least one status")
    text = " or ".join(str(item) for item in items)
    return StatusSet(ranges=tuple(ranges), text=text, error=error)


_ONE_STATUS: dict[str, Any] = {
    "type": ["integer", "string"],
    "minimum": 100,
    "maximum": 599,
    "pattern": "^([1-5](xx|[0-9]{2})|error)$",
}
_STATUS_SCHEMA: dict[str, Any] = {
    "anyOf": [_ONE_STATUS, {"type": "array", "items": _ONE_STATUS, "minItems": 1}],
    "description": "statuses: 401, 5xx, error (no answer), or a list of them",
    "examples": [401, "5xx"],
}
Statuses = Annotated[StatusSet, Parsed(_statuses), WithJsonSchema(_STATUS_SCHEMA)]


class Contract(Frozen, kw_only=True):
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
        "pattern": rf"^\s*({TIME}|contract){PLUS_MINUS}{TIME}\s*$",
    }
)
Instant = Annotated[Around | Contract, Parsed(_instant), _INSTANT_SCHEMA]


class While(Frozen, kw_only=True):
    """A window named by a breaker's state instead of by seconds: `mail is open`."""

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
            state: Any = match[2] or match[3]
            return While(upstream=match[1], state=state)
    raise ValueError("expected a breaker's state, such as: mail is open, or mail has recovered")


WhileField = Annotated[
    While,
    Parsed(_while),
    WithJsonSchema(
        {
            "type": "string",
            "description": "while a breaker is in a state: open, closed (before it first opens), "
            "recovered (from its last closing on)",
            "examples": ["mail is open", "mail has recovered"],
            "pattern": r"^\s*\w+ (is (open|closed|recovered)|has recovered)\s*$",
        }
    ),
]
