"""What the fields of a history's line may hold, by their annotations; anything beyond is refused.

A history may have been damaged, or come from anybody: what it claims is bounded here, so that no
number in it makes a check loop for ever, overflow, or prove something by its sheer size.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from functools import cache, lru_cache
from inspect import get_annotations
from typing import Any, NamedTuple

from msgspec import NODEFAULT, Struct

LONGEST_LINE = 4_000_000
"""Characters; engines keep a few thousand of an answer."""
_LARGEST_S = 1e7
"""Four months; a scenario lasts a day at most. Costs are floats, too, and smaller."""
_LARGEST = 2**64
_MOST_ITEMS = 10_000
_DEEPEST = 100
_SHARED = 200
"""Characters of a text that is kept once, however often a history says it."""
_BOUNDS: dict[str, tuple[float, float]] = {
    "status": (-255, 999),
    "clock_error_s": (0.0, 60.0),
    "id": (0, _LARGEST),
    "number": (0, 10**9),
    "fault": (0, 10_000),
    "attempt": (0, 10**9),
    "connection": (0, _LARGEST),
    "attempts": (1, 1000),
    "threshold": (1, 10**6),
    "share": (1e-6, 1.0),
    "slow_share": (1e-6, 1.0),
    "trials_slow_share": (1e-6, 1.0),
    "window_calls": (1, 10**6),
    "window_s": (1e-6, _LARGEST_S),
    "least": (0, 10**6),
    "trials": (1, 10**6),
    "trials_share": (1e-6, 1.0),
    "successes": (1, 10**6),
    "bucket_s": (1e-6, _LARGEST_S),
    "wait_factor": (1.0, 1000),
    "wait_most_s": (0.0, _LARGEST_S),
    "backoff_factor": (1.0, 1000),
    "shorter": (0.0, 1.0),
    "longer_s": (0.0, _LARGEST_S),
    "slow_s": (0.0, _LARGEST_S),
    "timeout_s": (1e-6, _LARGEST_S),
    "wait_s": (0.0, _LARGEST_S),
}
"""By a field's name; seconds and numbers in general otherwise."""

REQUIRED = object()


class Member(NamedTuple):
    """One field of an event's class."""

    name: str
    annotation: str
    """As it is written."""
    default: Any
    """`REQUIRED` where there is none."""


@cache
def members(kind: type[Struct]) -> tuple[Member, ...]:
    """The fields of a class of events, in their order."""
    annotations: dict[str, str] = {}
    for cls in reversed(kind.__mro__):
        annotations |= get_annotations(cls)
    names, defaults = kind.__struct_fields__, kind.__struct_defaults__
    optional = names[len(names) - len(defaults) :]
    given = dict(zip(optional, map(_default, defaults), strict=True))
    return tuple(Member(name, annotations[name], given.get(name, REQUIRED)) for name in names)


def _default(given: Any) -> Any:
    if given is NODEFAULT:
        return REQUIRED
    return given.factory() if hasattr(given, "factory") else given


Reader = Callable[[str, object], Any]
"""Gives the value of a field, of its name and what JSON holds. Raises: ValueError."""


def reader(annotation: str) -> Reader:
    """How a field of an event is read.

    Raises: KeyError for an annotation that none is known for.
    """
    plain = annotation.removesuffix(" | None")
    read = _READERS[plain]
    if plain == annotation:
        return read
    return lambda name, value: None if value is None else read(name, value)


def bounds(name: str, *, whole: bool) -> tuple[float, float]:
    """The least and the largest that a field of that name may be."""
    largest = _LARGEST if whole else _LARGEST_S
    return _BOUNDS.get(name, (-largest, largest))


def _whole(name: str, value: object) -> int:
    low, high = bounds(name, whole=True)
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise ValueError(f"{name}: expected a whole number from {low:g} to {high:g}")
    return value


def _number(name: str, value: object) -> float:
    low, high = bounds(name, whole=False)
    good = isinstance(value, int | float) and not isinstance(value, bool)
    if not good or not math.isfinite(_float(value)) or not low <= _float(value) <= high:
        raise ValueError(f"{name}: expected a number from {low:g} to {high:g}")
    return _float(value)


def _float(value: Any) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _truth(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{name}: expected true or false")
    return value


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{name}: expected a text")
    return sys.intern(value) if len(value) <= _SHARED else value


def _texts(name: str, value: object) -> tuple[str, ...]:
    return tuple(_text(name, item) for item in _items(name, value))


def _items(name: str, value: object) -> list[Any]:
    if not isinstance(value, list) or len(value) > _MOST_ITEMS:
        raise ValueError(f"{name}: expected a list")
    return value


def _mapping(name: str, value: object) -> dict[str, Any]:
    if not isinstance(value, dict) or len(value) > _MOST_ITEMS:
        raise ValueError(f"{name}: expected names and values")
    return value


def _pairs(name: str, value: object) -> tuple[tuple[str, str], ...]:
    """Lists of two; older histories have an object, fields of one name joined."""
    listed = list(value.items()) if isinstance(value, dict) else _items(name, value)
    found = []
    for item in listed:
        if not isinstance(item, list | tuple) or len(item) != 2:
            raise ValueError(f"{name}: expected pairs of a name and a value")
        found.append((_text(name, item[0]), _text(name, item[1])))
    return _shared(tuple(found))


@lru_cache(maxsize=1024)
def _shared(pairs: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    """The same object for equal ones, of those that came last."""
    return pairs


def _words(name: str, value: object) -> dict[str, str]:
    return {key: _text(name, item) for key, item in _mapping(name, value).items()}


def _settings(name: str, value: object) -> dict[str, dict[str, float | list[float]]]:
    return {
        key: {field: _setting(field, item) for field, item in _mapping(name, own).items()}
        for key, own in _mapping(name, value).items()
    }


def _setting(name: str, value: object) -> float | list[float]:
    if isinstance(value, list):
        return [_number(name, item) for item in _items(name, value)]
    return _number(name, value)


def _anything(name: str, value: object) -> object:
    if not isinstance(value, list | dict):
        return value
    level: list[object] = [value]
    for _ in range(_DEEPEST):
        level = [
            item
            for each in level
            if isinstance(each, list | dict)
            for item in (each.values() if isinstance(each, dict) else each)
        ]
        if not level:
            return value
    raise ValueError(f"{name}: nested deeper than {_DEEPEST}")


_READERS: dict[str, Reader] = {
    "Any": _anything,
    "bool": _truth,
    "int": _whole,
    "float": _number,
    "str": _text,
    "tuple[str, ...]": _texts,
    "Pairs": _pairs,
    "dict[str, str]": _words,
    "dict[str, SettingsJson]": _settings,
}
