"""Requests and replies as the services see them: plain values, no bytes on a wire, no clock."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from stub_services.bounds import BadRequest, legal_json, text_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One whole request; header names are in lower case."""

    method: str
    target: str
    """Path and query string, as sent."""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def path(self) -> str:
        """The path, without its query string, still percent-encoded."""
        return urlsplit(self.target).path

    @property
    def segments(self) -> tuple[str, ...]:
        """The path's segments, decoded; empty ones are left out."""
        return tuple(unquote(part) for part in self.path.split("/") if part)

    @property
    def query(self) -> dict[str, str]:
        """Query parameters; of a repeated one the last."""
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))

    def json_object(self) -> dict[str, Any]:
        """The body as a JSON object; fractions are Decimal, so that money stays exact.

        Raises: BadRequest for anything else.
        """
        value = legal_json(self.body, fraction=Decimal)
        if not isinstance(value, dict):
            raise BadRequest("the body is not a JSON object")
        return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer: `json` is its body unless it is None, then there is no body."""

    status: int = 200
    json: Any = None
    headers: tuple[tuple[str, str], ...] = ()
    raw: bytes | None = None
    """The body as it is, instead of `json`: for bodies that aren't JSON."""
    delay_s: float = 0.0
    """How long after its work was done it begins to leave."""

    @property
    def body(self) -> bytes:
        """The body in bytes."""
        if self.raw is not None:
            return self.raw
        return b"" if self.json is None else json.dumps(self.json, default=float).encode()


def refusal(status: int, error: str) -> Reply:
    """An answer that says what is wrong."""
    return Reply(status=status, json={"error": error})


def text_field(body: Mapping[str, Any], name: str) -> str:
    """A field of a JSON object that must be text.

    Raises: BadRequest.
    """
    value = body.get(name)
    if not isinstance(value, str):
        raise BadRequest(f"'{name}' is missing or not text")
    return text_of(value, f"'{name}'")
