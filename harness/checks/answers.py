"""What an answer has: JSON fields, headers, cookies. Pure questions, no verdicts."""

from __future__ import annotations

import json
import re
from typing import Any

from harness.history.events import Answered
from harness.history.view import Request

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


def cut_off(answer: Answered) -> bool:
    """Whether the history kept only the beginning of a JSON body, so that nothing can be said."""
    return (
        isinstance(answer.body, str)
        and len(answer.body) >= _KEPT_BODY
        and "json" in answer.headers.get("content-type", "")
    )


def body_text(request: Request) -> str:
    """An answer's body as text, JSON on one line."""
    body = None if request.answered is None else request.answered.body
    if body is None or isinstance(body, str):
        return body or ""
    return json.dumps(body, ensure_ascii=False)


_COOKIE = re.compile(r"(?:^|,)\s*([^=;,\s]+)=")


def cookies(request: Request) -> dict[str, frozenset[str]]:
    """The cookies that an answer sets: each name with its flags in lower case, no values.

    Several `Set-Cookie` headers are kept as one, separated by commas; dates have commas too, but
    no `=` right after.
    """
    header = "" if request.answered is None else request.answered.headers.get("set-cookie", "")
    starts = list(_COOKIE.finditer(header))
    found: dict[str, frozenset[str]] = {}
    for index, match in enumerate(starts):
        end = starts[index + 1].start() if index + 1 < len(starts) else len(header)
        _, *flags = header[match.start(1) : end].split(";")
        found[match[1]] = frozenset(flag.strip().lower() for flag in flags)
    return found
