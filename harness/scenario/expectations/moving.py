"""Windows that an event of the play begins or ends: `mail recovered..mail recovered + 2s`.

Events are a breaker's (`opened`: its first opening; `recovered`: its last closing), or of faults
(`applied`: the first is in force; `lifted`: the last is gone). An upstream before the word says
whose; without one it is that of the expectation itself, and of faults any.
"""

from __future__ import annotations

import math
import re
from typing import Annotated, Literal, cast

from msgspec.structs import replace
from pydantic import WithJsonSchema

from harness.frozen import Frozen
from harness.scenario.fields import TIME
from harness.scenario.parsed import Parsed
from harness.scenario.spelling import did_you_mean
from harness.units import Window, format_duration, parse_duration, parse_window

Event = Literal["opened", "recovered", "applied", "lifted"]
EVENTS: tuple[Event, ...] = ("opened", "recovered", "applied", "lifted")
OF_BREAKERS: tuple[Event, ...] = ("opened", "recovered")

_EVENT = rf"((\w+) )?({'|'.join(EVENTS)})(\s*([+-])\s*(.+))?"
_DOTS = re.compile(r"\s*\.\.\s*")


class Edge(Frozen):
    """An instant of a window: so many seconds after an event, or after 0s where there is none."""

    offset_s: float
    event: Event | None = None
    upstream: str | None = None
    """Whose breaker, or faults on whom; None: not said."""

    def __str__(self) -> str:
        """As an author writes it."""
        if self.event is None:
            return "end" if math.isinf(self.offset_s) else format_duration(self.offset_s)
        named = self.event if self.upstream is None else f"{self.upstream} {self.event}"
        if not self.offset_s:
            return named
        sign = "+" if self.offset_s > 0 else "-"
        return f"{named} {sign} {format_duration(abs(self.offset_s))}"


class Moving(Frozen):
    """A window of which at least one edge is known only when it has been played."""

    start: Edge
    end: Edge

    def __str__(self) -> str:
        """As an author writes it."""
        return f"{self.start}..{self.end}"

    @property
    def edges(self) -> tuple[Edge, Edge]:
        """Where it begins and where it ends."""
        return self.start, self.end

    def of(self, upstream: str | None) -> Moving:
        """The same with an upstream for the events that name none."""
        start, end = (_of(edge, upstream) for edge in self.edges)
        return Moving(start, end)

    @property
    def breakers(self) -> tuple[str, ...]:
        """The upstreams whose breakers it waits for."""
        return tuple(
            dict.fromkeys(
                edge.upstream
                for edge in self.edges
                if edge.event in OF_BREAKERS and edge.upstream is not None
            )
        )


def _of(edge: Edge, upstream: str | None) -> Edge:
    bare = edge.event is not None and edge.upstream is None
    return replace(edge, upstream=upstream) if bare else edge


def _edge(text: str, *, after: Edge | None) -> Edge:
    if text in ("", "end"):
        return Edge(0.0 if after is None else math.inf)
    if after is not None and after.event is not None and text.startswith("+"):
        return replace(after, offset_s=after.offset_s + parse_duration(text[1:].strip()))
    match = re.fullmatch(_EVENT, text)
    if match is None:
        return Edge(parse_duration(text))
    _, upstream, event, _, sign, offset = match.groups()
    offset_s = 0.0 if offset is None else parse_duration(offset)
    return Edge(-offset_s if sign == "-" else offset_s, cast(Event, event), upstream)


def parse_during(value: object) -> Window | Moving:
    """A window by seconds, or by events.

    Raises: ValueError when it is neither, or is surely empty.
    """
    if isinstance(value, Window | Moving):
        return value
    if not isinstance(value, str) or not re.search(rf"\b({'|'.join(EVENTS)})\b", value):
        return _by_seconds(value)
    halves = _DOTS.split(value.strip(), maxsplit=1)
    if len(halves) != 2:
        raise ValueError(f"expected two edges, such as {value.strip()}..{value.strip()} + 2s")
    try:
        start = _edge(halves[0], after=None)
        end = _edge(halves[1], after=start)
    except ValueError:
        raise ValueError(
            "expected an event and seconds after it, such as mail recovered..mail recovered + 2s"
            f" (events: {', '.join(EVENTS)})"
        ) from None
    same = (start.event, start.upstream) == (end.event, end.upstream)
    if same and end.offset_s <= start.offset_s:
        raise ValueError(f"the window {value.strip()} is empty")
    return Moving(start, end)


def _by_seconds(value: object) -> Window:
    try:
        return parse_window(value)
    except ValueError as error:
        words = re.findall(r"[a-z]{4,}", str(value))
        hints = (did_you_mean(word, EVENTS) for word in words)
        raise ValueError(f"{error}{next(filter(None, hints), '')}") from None


_MOMENT = rf"(({TIME}|(\w+ )?({'|'.join(EVENTS)})(\s*[+-]\s*{TIME})?)?)"
DuringField = Annotated[
    Window | Moving,
    Parsed(parse_during),
    WithJsonSchema(
        {
            "type": "string",
            "description": "a window: by seconds, or by events (a breaker's first opening, its "
            "last closing, the first fault in force, the last one lifted)",
            "examples": ["10s..68s", "mail recovered..mail recovered + 2s"],
            "pattern": rf"^\s*{_MOMENT}\s*\.\.\s*(end|\+\s*{TIME}|{_MOMENT})\s*$",
        }
    ),
]
