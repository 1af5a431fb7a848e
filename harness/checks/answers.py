"""What an answer has: JSON fields, headers, cookies. Pure questions, no verdicts."""

from __future__ import annotations

import json
from typing import Any

from harness.history.headers import set_cookies
from harness.history.requests import Request

_KEPT_BODY = 500
"""Longer JSON than an engine keeps whole is kept as its first characters."""


def has_fields(body: Any, wanted: dict[str, Any]) -> bool:
    """Whether JSON has these fields with these values; objects may have more, lists may not."""
    return isinstance(body, dict) and all(
        _same(body.get(name), value) for name, value in wanted.items()
    )


def _same(found: Any, wanted: Any) -> bool:
    if isinstance(wanted, dict):
        return has_fields(found, wanted)
    if isinstance(wanted, list):
        return (
            isinstance(found, list)
            and len(found) == len(wanted)
            and all(_same(f, w) for f, w in zip(found, wanted, strict=True))
        )
    # True == 1 in Python, not in JSON.
    return isinstance(found, bool) == isinstance(wanted, bool) and bool(found == wanted)


def cut_off(request: Request) -> bool:
    """Whether the history kept only the beginning of a JSON body, so that nothing can be said."""
    body = request.body
    return (
        isinstance(body, str)
        and len(body) >= _KEPT_BODY
        and "json" in (request.header("content-type") or "")
    )


def body_text(request: Request) -> str:
    """An answer's body as text, JSON on one line."""
    body = request.body
    if body is None or isinstance(body, str):
        return body or ""
    return json.dumps(body, ensure_ascii=False)


def cookies(request: Request) -> dict[str, frozenset[str]]:
    """The cookies that an answer sets: each name with its flags in lower case, no values."""
    found: dict[str, frozenset[str]] = {}
    for cookie in set_cookies(request.headers):
        pair, *flags = cookie.split(";")
        name, equals, _ = pair.partition("=")
        if equals:
            found[name.strip()] = frozenset(flag.strip().lower() for flag in flags)
    return found
