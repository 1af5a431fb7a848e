"""Texts of a contract: `{name}` stands for something of the request, and `*` for anything."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

_PLACE = re.compile(r"\{([\w.]+)\}")


def filled(template: Any, values: Mapping[str, str]) -> Any:
    """A template with its places filled, at any depth; places without a value stay as they are."""
    if isinstance(template, str):
        return _PLACE.sub(lambda place: values.get(place[1], place[0]), template)
    if isinstance(template, Mapping):
        return {key: filled(value, values) for key, value in template.items()}
    if isinstance(template, list | tuple):
        return [filled(value, values) for value in template]
    return template


@cache
def pattern_of(route: str) -> re.Pattern[str]:
    """What matches a route's requests: `*` and `{name}` are one segment, `**` at the end any more.

    What stands for a `{name}` is the match's group of that name.
    """
    method, _, path = route.partition(" ")
    segments = [_segment(part) for part in path.rstrip("/").split("/")]
    return re.compile(rf"{re.escape(method)} {'/'.join(segments)}")


@cache
def starred(route: str) -> str:
    """A template as scenarios pick calls: `GET /orders/{number}` is picked by `GET /orders/*`."""
    return "/".join("*" if "{" in part else part for part in route.split("/"))


def _segment(text: str) -> str:
    if text == "**":
        return ".+"
    place = _PLACE.fullmatch(text)
    if place is not None and place[1].isidentifier():
        return f"(?P<{place[1]}>[^/]+)"
    return "[^/]+" if text == "*" else re.escape(text)
