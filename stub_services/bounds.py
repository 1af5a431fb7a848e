"""What a stub takes at most, from its harness as from its callers: beyond that it answers 400.

A stub is one thread that others wait for, and remembers what it is told until its run is over.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sized
from typing import Any


class BadRequest(ValueError):
    """The request is not what was agreed; its text is the answer's `error`."""


MOST_SECONDS = 7 * 86_400.0
"""Of a delay, an interval or a behaviour."""
MOST_CALLS = 10**9
"""A behaviour may count to, or begin at."""
MOST_BEHAVIOURS = 1_000
"""At one service, and actions in one's sequence."""
MOST_ROUTES = 1_000
MOST_USERS = 10_000
MOST_HEADERS = 100
LONGEST_TEXT = 8_000
"""Characters of a name, a header or a path."""
_DEEPEST = 50
_LARGEST_JSON = 4 << 20
"""Bytes; what its reading takes, all callers wait for."""
_MOST_DIGITS = 300


def legal_json(data: bytes, *, fraction: Callable[[str], Any] = float) -> Any:
    """JSON as the standard has it, of a size, depth and with numbers that a stub can bear.

    Raises: BadRequest.
    """
    if len(data) > _LARGEST_JSON:
        raise BadRequest(f"the body is longer than {_LARGEST_JSON >> 20} MiB")

    def finite(text: str) -> Any:
        if len(text) > _MOST_DIGITS or not math.isfinite(float(text)):
            raise ValueError
        return fraction(text)

    def whole(text: str) -> int:
        if len(text) > _MOST_DIGITS:
            raise ValueError
        return int(text)

    def refused(name: str) -> Any:
        raise ValueError(name)

    try:
        value = json.loads(data, parse_float=finite, parse_int=whole, parse_constant=refused)
        _check_depth(value)
    except (ValueError, RecursionError) as error:
        raise BadRequest("the body is not JSON, or beyond all use") from error
    return value


def _check_depth(value: Any) -> None:
    """Raises: ValueError beyond the deepest nesting."""
    level = [value]
    for _ in range(_DEEPEST):
        level = [
            inner
            for each in level
            if isinstance(each, dict | list)
            for inner in (each.values() if isinstance(each, dict) else each)
        ]
        if not level:
            return
    raise ValueError("nested too deeply")


def at_most(most: int, what: str, given: Sized) -> None:
    """Raises: BadRequest where more is given."""
    if len(given) > most:
        raise BadRequest(f"{what}: {most} at most")


def text_of(value: Any, what: str) -> str:
    """A text of a length that a stub remembers.

    Raises: BadRequest.
    """
    text = str(value)
    at_most(LONGEST_TEXT, f"{what}, characters", text)
    return text
