"""Routes as data: a method and a path whose `*` stands for one segment, and who answers them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from stub_services.bounds import LONGEST_TEXT, MOST_HEADERS, BadRequest, at_most, text_of
from stub_services.messages import Reply, Request

_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_TEXT = re.compile(r"|[!-~\x80-\xff]([\t -~\x80-\xff]*[!-~\x80-\xff])?")
_FRAMING = {"content-length", "transfer-encoding"}
"""Which say where an answer ends: that is the stub's to know."""
Handler = Callable[["Visit"], Reply]


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A request that has found its route."""

    request: Request
    wild: tuple[str, ...]
    """What stood for each `*`."""
    at_s: float


@dataclass(frozen=True, slots=True)
class Pattern:
    """`GET /balance/*`: a method (or none, for all of them) and a path."""

    method: str
    segments: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> Pattern:
        """Read `METHOD /path` or `/path`.

        Raises: BadRequest.
        """
        at_most(LONGEST_TEXT, "a route's characters", text)
        method, _, path = text.strip().rpartition(" ")
        if not path.startswith("/") or (method and not method.isalpha()):
            raise BadRequest(f"route {text!r}: expected such as 'POST /deduct' or '/balance'")
        return cls(method.upper(), tuple(part for part in path.split("/") if part))

    def match(self, method: str, segments: tuple[str, ...], *, below: bool) -> bool:
        """Whether it covers a path; `below` also covers the paths below it."""
        if self.method and self.method != method:
            return False
        if len(segments) < len(self.segments) or (len(segments) > len(self.segments) and not below):
            return False
        pairs = zip(self.segments, segments, strict=False)
        return all(wanted in ("*", given) for wanted, given in pairs)

    @property
    def order(self) -> tuple[int, tuple[bool, ...]]:
        """Of several that cover a call the least wins: the longest, a word before a `*`."""
        return -len(self.segments), tuple(segment == "*" for segment in self.segments)

    def wild(self, segments: tuple[str, ...]) -> tuple[str, ...]:
        """What stood for each `*`."""
        pairs = zip(self.segments, segments, strict=False)
        return tuple(given for wanted, given in pairs if wanted == "*")

    def __str__(self) -> str:
        return f"{self.method} /{'/'.join(self.segments)}".strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A pattern and who answers it; `below` as in `Pattern.match`."""

    pattern: Pattern
    handler: Handler
    below: bool = False

    def covers(self, request: Request) -> bool:
        """Whether it answers this request."""
        return self.pattern.match(request.method, request.segments, below=self.below)


def status_of(value: Any) -> int:
    """A status given as data.

    Raises: BadRequest.
    """
    if isinstance(value, int) and not isinstance(value, bool) and 100 <= value <= 599:
        return value
    raise BadRequest(f"status {value!r}: expected a number from 100 to 599")


def headers_of(value: Any) -> tuple[tuple[str, str], ...]:
    """Headers given as a JSON object; None means none.

    Raises: BadRequest.
    """
    if value is None:
        return ()
    if not isinstance(value, dict):
        raise BadRequest("headers: expected an object of names and values")
    at_most(MOST_HEADERS, "headers", value)
    if framing := {name.lower() for name in value} & _FRAMING:
        raise BadRequest(f"header {min(framing)}: the stub frames its answers itself")
    return tuple((_field(name, _NAME), _field(text, _TEXT)) for name, text in value.items())


def _field(value: Any, allowed: re.Pattern[str]) -> str:
    text = text_of(value, "a header")
    if not allowed.fullmatch(text):
        raise BadRequest(f"header {text!r}: HTTP doesn't allow it here")
    return text
