"""A small value that a schema allows: every property, the least numbers, the shortest lists.

Schemas are those of OpenAPI 3.0, 3.1 and Swagger 2.0. An example or a default in the schema is
taken before anything is made up. A property that would lead back to a schema that is being made is
left out where it may be.
"""

from __future__ import annotations

import math
from typing import Any

from harness.openapi.document import Document, Misfit, child
from harness.openapi.shortest import shortest_text
from harness.scenario.located import Entry, Items, Mapping, Node, Scalar, plain

_MOST_VALUES = 10_000
"""In one answer."""
_LONGEST_TEXT = 10_000
_DEEPEST = 30
_FORMATS = {
    "date-time": "1970-01-01T00:00:00Z",
    "date": "1970-01-01",
    "time": "00:00:00Z",
    "duration": "PT0S",
    "uuid": "00000000-0000-0000-0000-000000000000",
    "email": "a@example.com",
    "uri": "http://example.com/",
    "url": "http://example.com/",
    "hostname": "example.com",
    "ipv4": "127.0.0.1",
    "ipv6": "::1",
}
_LEFT_OUT = object()


class Smallest:
    """Makes one answer's value."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._making: list[int] = []
        self._count = 0

    def value(self, schema: Node) -> Any:
        """A value that a schema allows.

        Raises: Misfit, with the line of what can't be met.
        """
        made = self._value(schema)
        if made is _LEFT_OUT:
            raise Misfit(schema, "this schema holds itself without end; give it an `example`")
        return made

    def _value(self, schema: Node) -> Any:
        if isinstance(schema, Scalar) and schema.value is True:
            return None  # in 3.1 the schema that allows everything
        found = self._document.mapping(schema, "a schema")
        if id(found) in self._making or len(self._making) > _DEEPEST:
            return _LEFT_OUT
        self._spend(1, found)
        self._making.append(id(found))
        try:
            return self._made(found)
        finally:
            self._making.pop()

    def _spend(self, values: int, schema: Node) -> None:
        """Take so many of the values that an answer may have.

        Raises: Misfit where there are none left.
        """
        self._count += values
        if self._count > _MOST_VALUES:
            raise Misfit(schema, f"more than {_MOST_VALUES} values; give it an `example`")

    def _made(self, schema: Mapping) -> Any:
        given = _given(schema)
        if given is not None:
            return plain(given)
        for key in ("oneOf", "anyOf"):
            options = child(schema, key)
            if isinstance(options, Items) and options.nodes:
                return self._first(schema, key, options)
        if isinstance(child(schema, "allOf"), Items):
            return self._made(self._merged(schema, ()))
        kind = _kind(schema)
        if kind == "object":
            return self._object(schema)
        if kind == "array":
            return self._array(schema)
        if kind == "string":
            text = _text(schema)
            self._spend(len(text) // 100, schema)
            return text
        if kind in ("integer", "number"):
            return _number(schema, whole=kind == "integer")
        if kind == "boolean":
            return False
        if kind in ("null", ""):
            return None
        raise Misfit(schema, f"type {kind!r} is none of JSON's")

    def _first(self, schema: Mapping, key: str, options: Items) -> Any:
        """Of the first option that can be made, with what stands beside the options."""
        beside = {name: entry for name, entry in schema.entries.items() if name != key}
        own = child(schema, "allOf")
        problem: Misfit | None = None
        for option in options.nodes:
            found = self._document.mapping(option, "a schema")
            if id(found) in self._making or _kind(found) == "null":
                continue
            parts = [*(own.nodes if isinstance(own, Items) else ()), option]
            together = Entry(option.line, Items(option.line, parts))
            self._making.append(id(found))
            try:
                made = self._made(Mapping(option.line, {**beside, "allOf": together}))
            except Misfit as error:
                problem = problem or error
                continue
            finally:
                self._making.pop()
            if made is not _LEFT_OUT:
                return made
        kinds = [_kind(self._document.mapping(option, "a schema")) for option in options.nodes]
        if "null" in kinds or _is_true(schema, "nullable"):
            return None
        if problem is not None:
            raise problem
        return _LEFT_OUT

    def _merged(self, schema: Mapping, above: tuple[int, ...]) -> Mapping:
        """A schema and all of its `allOf` as one."""
        merged = Mapping(schema.line, {k: e for k, e in schema.entries.items() if k != "allOf"})
        inner = child(schema, "allOf")
        for part in inner.nodes if isinstance(inner, Items) else ():
            found = self._document.mapping(part, "a schema")
            if id(found) in above:
                raise Misfit(part, "this schema is made of itself")
            for key, entry in self._merged(found, (*above, id(found))).entries.items():
                known = merged.entries.get(key)
                node = entry.node if known is None else _both(key, known.node, entry.node)
                merged.entries[key] = Entry(entry.line, node)
        return merged

    def _object(self, schema: Mapping) -> Any:
        properties = child(schema, "properties")
        entries = properties.entries if isinstance(properties, Mapping) else {}
        listed = child(schema, "required")
        required = plain(listed) if isinstance(listed, Items) else []
        made: dict[str, Any] = {}
        for name, entry in entries.items():
            value = _LEFT_OUT if self._is_written_only(entry.node) else self._value(entry.node)
            if value is not _LEFT_OUT:
                made[name] = value
            elif name in required and not self._is_written_only(entry.node):
                return _LEFT_OUT
        more = child(schema, "additionalProperties")
        for name in [name for name in required if name not in made and name not in entries]:
            made[name] = self._more(more)
        least = _whole(schema, "minProperties")
        self._spend(least, schema)
        for number in range(1, least - len(made) + 1):
            made[f"key{number}"] = self._more(more)
        return made

    def _more(self, schema: Node | None) -> Any:
        value = self._value(schema) if isinstance(schema, Mapping) else None
        return None if value is _LEFT_OUT else value

    def _is_written_only(self, schema: Node) -> bool:
        found = self._document.followed(schema)
        return isinstance(found, Mapping) and _is_true(found, "writeOnly")

    def _array(self, schema: Mapping) -> Any:
        first = child(schema, "prefixItems")
        least = _whole(schema, "minItems")
        self._spend(least, schema)
        schemas: list[Node] = list(first.nodes[:least]) if isinstance(first, Items) else []
        rest = child(schema, "items")
        if least - len(schemas) > 1 and _is_true(schema, "uniqueItems"):
            raise Misfit(schema, f"{least} items, none twice, can't be made up; give an `example`")
        made = [self._value(each) for each in schemas]
        made += [self._value(rest) if rest is not None else None for _ in range(least - len(made))]
        return _LEFT_OUT if _LEFT_OUT in made else made


def _both(key: str, one: Node, other: Node) -> Node:
    """What two parts of a schema say under one key, put together."""
    if isinstance(one, Mapping) and isinstance(other, Mapping) and key == "properties":
        together = Mapping(one.line, dict(one.entries))
        for name, entry in other.entries.items():
            known = one.entries.get(name)
            node = entry.node
            if known is not None:
                parts = Items(known.line, [known.node, entry.node])
                node = Mapping(known.line, {"allOf": Entry(known.line, parts)})
            together.entries[name] = Entry(entry.line, node)
        return together
    if isinstance(one, Items) and isinstance(other, Items) and key == "required":
        return Items(one.line, [*one.nodes, *other.nodes])
    bounds = (_number_in(one), _number_in(other))
    if None not in bounds and key.startswith(("min", "max", "exclusive")):
        narrower = max if key.lower().endswith(_LEAST) else min
        return one if narrower(bounds, key=float) == bounds[0] else other  # type: ignore[arg-type]
    return one


_LEAST = ("minimum", "minlength", "minitems", "minproperties")


def _given(schema: Mapping) -> Node | None:
    """What the schema itself gives: an example, a constant, a default or the first of some."""
    for key in ("example", "const"):
        if (node := child(schema, key)) is not None:
            return node
    for key in ("examples", "enum"):
        several = child(schema, key)
        if isinstance(several, Items) and several.nodes:
            return several.nodes[0]
    return child(schema, "default")


def _kind(schema: Mapping) -> str:
    said = child(schema, "type")
    if isinstance(said, Items):
        kinds = [str(each) for each in plain(said)]
        return next((kind for kind in kinds if kind != "null"), "null")
    if isinstance(said, Scalar):
        return said.text
    for key, kind in (("properties", "object"), ("items", "array"), ("pattern", "string")):
        if key in schema.entries:
            return kind
    return "object" if {"required", "additionalProperties"} & schema.entries.keys() else ""


def _text(schema: Mapping) -> str:
    pattern = child(schema, "pattern")
    least = _whole(schema, "minLength")
    if isinstance(pattern, Scalar):
        text = shortest_text(pattern.text)
        if text is None or len(text) < least:
            raise Misfit(pattern, "a text of this pattern can't be made up; give an `example`")
    else:
        form = child(schema, "format")
        text = _FORMATS.get(form.text if isinstance(form, Scalar) else "", "")
        if least > _LONGEST_TEXT:
            raise Misfit(schema, f"a text of {least} characters is too long for an answer")
        text += "a" * (least - len(text))
    most = child(schema, "maxLength")
    if isinstance(most, Scalar) and isinstance(most.value, int) and len(text) > most.value:
        return "a" * most.value if pattern is None else text
    return text


def _number(schema: Mapping, *, whole: bool) -> float | int:
    least, most = _bound(schema, "minimum"), _bound(schema, "maximum")
    over, under = _bound(schema, "exclusiveMinimum"), _bound(schema, "exclusiveMaximum")
    if _is_true(schema, "exclusiveMinimum"):
        over = least
    if _is_true(schema, "exclusiveMaximum"):
        under = most
    step = _bound(schema, "multipleOf") or (1 if whole else None)
    bounds = [bound for bound in (least, most, over, under) if bound is not None]
    candidates: list[float] = [0, *(bounds if step is None else ())]
    for bound in bounds:
        below = math.floor(bound / (step or 1))
        candidates += [(below + steps) * (step or 1) for steps in (-1, 0, 1, 2)]
    if step is None and len(bounds) > 1:
        candidates.append(sum(bounds) / len(bounds))
    for number in sorted(candidates, key=abs):
        fits = (
            (least is None or number >= least)
            and (most is None or number <= most)
            and (over is None or number > over)
            and (under is None or number < under)
        )
        if fits:
            return int(number) if number == int(number) else number
    raise Misfit(schema, "no number is within these bounds")


def _bound(schema: Mapping, key: str) -> float | int | None:
    node = child(schema, key)
    return None if node is None else _number_in(node)


def _number_in(node: Node) -> float | int | None:
    value = node.value if isinstance(node, Scalar) else None
    return None if isinstance(value, bool) or not isinstance(value, int | float) else value


def _whole(schema: Mapping, key: str) -> int:
    value = _bound(schema, key)
    return int(value) if value is not None and value > 0 else 0


def _is_true(schema: Mapping, key: str) -> bool:
    node = child(schema, key)
    return isinstance(node, Scalar) and node.value is True
