"""Places in an answer that a request fills: `{path.2}`, `{query.q}`, `{json.user.id}`.

Nothing is evaluated: a place names one part of the request. A text that is nothing but a place
becomes that part as it is (a number stays a number), null where the request lacks it; inside of
a longer text the part is spelt out, and what is lacking is nothing. `{{name}}` is `{name}` itself.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from stub_services.bounds import BadRequest, legal_json, text_of
from stub_services.messages import Request

HEADS: dict[str, str] = {
    "path": "{path.2}",
    "query": "{query.q}",
    "header": "{header.X-Request-Id}",
    "json": "{json.user.id}",
    "method": "{method}",
    "call": "{call}",
}
"""How a place begins, and an example of each."""
_ALONE = ("method", "call")
MOST_PLACES = 100
"""In one answer."""
_LARGEST_BODY = 256 << 10
"""Bytes of a request whose JSON fills places: an answer holds it as often as it has places."""
_PLACE = re.compile(r"\{\{(?P<literal>[A-Za-z_][^{}\s]*)\}\}|\{(?P<name>[A-Za-z_][^{}\s]*)\}")


def places_in(text: str) -> tuple[str, ...]:
    """The places of a text, without their braces."""
    return tuple(found["name"] for found in _PLACE.finditer(text) if found["name"] is not None)


def escaped(text: str) -> str:
    """A text that is given out as it is, whatever in it looks like a place."""
    return _PLACE.sub(lambda found: f"{{{found[0]}}}", text)


def problem_of(place: str) -> str | None:
    """What is wrong with a place; None where nothing is."""
    head, dot, rest = place.partition(".")
    if head not in HEADS:
        return f"known are {', '.join(HEADS.values())}"
    if head in _ALONE:
        return f"expected {HEADS[head]}, without more" if dot else None
    if head == "path":
        known = not dot or (rest.isdecimal() and 0 < int(rest[:9]) < 1000)
        return None if known else "expected the number of a segment, from 1, such as {path.2}"
    known = all(rest.split(".")) if head == "json" else bool(rest)
    return None if known else f"expected more, such as {HEADS[head]}"


class Filling:
    """What one request has for places; its body is read once, and only if a place asks for it."""

    def __init__(self, request: Request, call: int) -> None:
        self._request = request
        self._call = call
        self._body: Any = None
        self._read = False

    def text(self, template: str) -> str:
        """A text with its places spelt out.

        Raises: BadRequest for a body that isn't JSON, and parts that are too long.
        """
        return _PLACE.sub(self._replaced, template)

    def value(self, template: Any) -> Any:
        """A JSON value with the places of its texts filled, at any depth.

        Raises: BadRequest as `text`.
        """
        if isinstance(template, str):
            whole = _PLACE.fullmatch(template)
            if whole is not None and whole["name"] is not None:
                return self._part(whole["name"])
            return self.text(template)
        if isinstance(template, dict):
            return {key: self.value(item) for key, item in template.items()}
        if isinstance(template, list):
            return [self.value(item) for item in template]
        return template

    def _replaced(self, found: re.Match[str]) -> str:
        if found["literal"] is not None:
            return f"{{{found['literal']}}}"
        return _spelt(self._part(found["name"]))

    def _part(self, place: str) -> Any:
        head, _, rest = place.partition(".")
        request = self._request
        if head == "path":
            if not rest:
                return request.path
            segments = request.segments
            return segments[int(rest) - 1] if int(rest) <= len(segments) else None
        if head == "query":
            return request.query.get(rest)
        if head == "header":
            return request.headers.get(rest.lower())
        if head == "json":
            return _walked(self._json(), rest)
        return request.method if head == "method" else self._call

    def _json(self) -> Any:
        if not self._read and self._request.body:
            if len(self._request.body) > _LARGEST_BODY:
                raise BadRequest(f"a body that fills places has {_LARGEST_BODY >> 10} KiB at most")
            self._body = legal_json(self._request.body, fraction=Decimal)
        self._read = True
        return self._body


def fillable(template: Any) -> bool:
    """Whether anything in an answer is to be replaced; its places are ones, and not too many.

    Raises: BadRequest where they aren't.
    """
    found = [each for text in _texts(template) for each in _PLACE.finditer(text)]
    for place in (each["name"] for each in found if each["name"] is not None):
        problem = problem_of(place)
        if problem is not None:
            raise BadRequest(f"place {{{place}}}: {problem}; {{{{{place}}}}} is that text")
    if len(found) > MOST_PLACES:
        raise BadRequest(f"places of an answer: {MOST_PLACES} at most")
    return bool(found)


def _texts(template: Any) -> Iterator[str]:
    if isinstance(template, str):
        yield template
    elif isinstance(template, dict):
        for item in template.values():
            yield from _texts(item)
    elif isinstance(template, list | tuple):
        for item in template:
            yield from _texts(item)


def _walked(value: Any, path: str) -> Any:
    """What lies at a dotted path of keys and, in lists, numbers from 0; None where nothing does."""
    for step in path.split("."):
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and step.isdecimal() and int(step[:9]) < len(value):
            value = value[int(step[:9])]
        else:
            return None
    return value


def _spelt(part: Any) -> str:
    """A part inside of a longer text."""
    if part is None:
        return ""
    return text_of(part if isinstance(part, str) else json.dumps(part, default=float), "a place")
