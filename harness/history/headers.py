"""An answer's header fields: pairs of name and value, each as it came, in the order they came in.

Fields of one name stay apart, since `Set-Cookie` can't be joined without loss. What a cookie's text
is made of stands here once, for those who redact it and for those who judge it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

Pairs = tuple[tuple[str, str], ...]
"""Names in lower case."""

ATTRIBUTES = frozenset(
    {
        "domain",
        "expires",
        "httponly",
        "max-age",
        "partitioned",
        "path",
        "priority",
        "samesite",
        "secure",
    }
)
"""What may stand after a cookie's value; anything else there is part of a value."""

_START = re.compile(r"(?:^|,)\s*([^=;,\s]+)=")
"""Of a cookie. Dates have commas, too, but no `=` right after."""


def pairs(fields: Iterable[tuple[str, str]]) -> Pairs:
    """Fields with their names in lower case."""
    return tuple((name.lower(), value) for name, value in fields)


def value_of(headers: Pairs, name: str) -> str | None:
    """A field's value, of several joined by commas as HTTP says; None without one."""
    values = [value for each, value in headers if each == name]
    return ", ".join(values) if values else None


def set_cookies(headers: Pairs) -> Iterator[str]:
    """The text of each cookie set; some servers, and older histories, fold several into one."""
    for name, value in headers:
        if name == "set-cookie":
            yield from unfolded(value)


def unfolded(text: str) -> Iterator[str]:
    """The cookies of one `Set-Cookie`; what stands before the first name is one of its own."""
    text = text.strip()
    starts = [0, *(match.start(1) for match in _START.finditer(text) if match.start(1) > 0)]
    for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
        yield text[start:end].strip().rstrip(",").rstrip()
