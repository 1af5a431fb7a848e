"""The shortest text that a regular expression matches, near enough: its least repetitions."""

from __future__ import annotations

import re
from importlib import import_module
from typing import Any

codes: Any = import_module("re._constants")
_parser: Any = import_module("re._parser")
_LONGEST = 1_000
_LIKELY = "a0A-_ .:/@+,;!"
"""Tried in this order where a set is to be met."""
_CATEGORIES = {
    codes.CATEGORY_DIGIT: "0",
    codes.CATEGORY_SPACE: " ",
    codes.CATEGORY_WORD: "a",
    codes.CATEGORY_NOT_DIGIT: "a",
    codes.CATEGORY_NOT_SPACE: "a",
    codes.CATEGORY_NOT_WORD: "-",
}


def shortest_text(pattern: str) -> str | None:
    """A short text in which a pattern is found; None where none can be made up, or is found.

    A pattern of more than a thousand characters is left alone, as is a text that would be longer.
    """
    if len(pattern) > _LONGEST:
        return None
    try:
        found = re.compile(pattern)
        text = _made(_parser.parse(pattern))
    except (re.error, RecursionError, OverflowError, KeyError, ValueError):
        return None
    return text if len(text) <= _LONGEST and found.search(text) else None


def _made(parsed: Any) -> str:
    """Raises: KeyError for what it has no text for, ValueError for one that is too long."""
    text = "".join(_piece(code, argument) for code, argument in parsed)
    if len(text) > _LONGEST:
        raise ValueError
    return text


def _piece(code: Any, argument: Any) -> str:
    match code:
        case codes.LITERAL:
            return chr(argument)
        case codes.NOT_LITERAL:
            return next(each for each in _LIKELY if ord(each) != argument)
        case codes.ANY:
            return "a"
        case codes.AT | codes.ASSERT_NOT:
            return ""
        case codes.CATEGORY:
            return _CATEGORIES[argument]
        case codes.IN:
            return _of_set(argument)
        case codes.BRANCH:
            return min((_made(branch) for branch in argument[1]), key=len)
        case codes.SUBPATTERN:
            return _made(argument[3])
        case codes.MAX_REPEAT | codes.MIN_REPEAT | codes.POSSESSIVE_REPEAT:
            least, _, inner = argument
            if least > _LONGEST:
                raise ValueError
            return _made(inner) * least if least else ""
        case _:
            raise KeyError(code)


def _of_set(members: list[tuple[Any, Any]]) -> str:
    negated = members[0][0] is codes.NEGATE
    if negated:
        return next(each for each in _LIKELY if not any(_has(m, each) for m in members[1:]))
    for each in _LIKELY:
        if any(_has(member, each) for member in members):
            return each
    code, argument = members[0]
    return chr(argument[0]) if code is codes.RANGE else _piece(code, argument)


def _has(member: tuple[Any, Any], character: str) -> bool:
    code, argument = member
    if code is codes.LITERAL:
        return bool(ord(character) == argument)
    if code is codes.RANGE:
        return bool(argument[0] <= ord(character) <= argument[1])
    return code is codes.CATEGORY and _CATEGORIES[argument] == character
