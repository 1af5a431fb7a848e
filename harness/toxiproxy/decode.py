"""Request bodies onto typed fields by Go's rules: no coercion, any case, `null` is no value."""

from __future__ import annotations

import math
import re
from dataclasses import replace

from harness.faults import Toxic
from harness.frozen import Frozen
from harness.toxiproxy.gojson import JsonError, Number, Pairs, clean, first_value
from harness.toxiproxy.toxics import float32

_INTEGER = re.compile(r"-?\d+")
_INT64 = range(-(2**63), 2**63)


class BadType(JsonError):
    """A value of the wrong type; by Go's rules the rest of the body still counts."""

    position: int = 0
    """Where in its object it stood: the first one is reported."""


def _first(*errors: BadType | None) -> BadType | None:
    found = [error for error in errors if error is not None]
    return min(found, key=lambda error: error.position) if found else None


def kind(value: object) -> str:
    """What Go calls the value in its error messages."""
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, Number):
        return f"number {value}"
    if isinstance(value, str):
        return "string"
    return "object" if isinstance(value, Pairs) else "array"


def _mismatch(value: object, struct_name: str, path: str, go_type: str) -> BadType:
    shown = kind(value)
    if shown.startswith("number") and not go_type.startswith(("int", "float")):
        shown = "number"
    where = f"Go struct field {struct_name}.{path} of type {go_type}"
    return BadType(f"json: cannot unmarshal {shown} into {where}")


def _whole(body: bytes, go_type: str) -> Pairs:
    """The body's object; `null` is an empty one."""
    value = first_value(body)
    if value is None:
        return Pairs()
    if not isinstance(value, Pairs):
        shown = kind(value).partition(" ")[0]
        raise BadType(f"json: cannot unmarshal {shown} into Go value of type {go_type}")
    return value


class Fields:
    """Values taken from an object's pairs; the first wrong type is remembered, the rest is read."""

    def __init__(self, pairs: Pairs, struct_name: str, prefix: str = "") -> None:
        self._pairs = pairs
        self._struct = struct_name
        self._prefix = prefix
        self.wrong: BadType | None = None

    def note(self, position: int, error: BadType) -> None:
        """Remembers the error that stands first in the body."""
        error.position = position
        self.wrong = _first(self.wrong, error)

    def values(self, name: str) -> list[tuple[int, object]]:
        """All values given under a name in any case, with their places; `null` is no value."""
        folded = name.casefold()
        return [
            (place, value)
            for place, (key, value) in enumerate(self._pairs)
            if key.casefold() == folded and value is not None
        ]

    def text(self, name: str, default: str) -> str:
        """A string."""
        for place, value in self.values(name):
            if isinstance(value, str) and not isinstance(value, Number):
                default = clean(value)
            else:
                self.note(place, self._wrong(value, name, "string"))
        return default

    def flag(self, name: str, default: bool) -> bool:
        """A bool."""
        for place, value in self.values(name):
            if isinstance(value, bool):
                default = value
            else:
                self.note(place, self._wrong(value, name, "bool"))
        return default

    def integer(self, name: str, default: int, go_type: str) -> int:
        """A whole number of 64 bits, spelt without point or exponent."""
        for place, value in self.values(name):
            if (
                isinstance(value, Number)
                and _INTEGER.fullmatch(value)
                and len(value) < 25
                and int(value) in _INT64
            ):
                default = int(value)
            else:
                self.note(place, self._wrong(value, name, go_type))
        return default

    def float32(self, name: str, default: float) -> float:
        """A number of 32 bits."""
        for place, value in self.values(name):
            number = _float32_of(value)
            if number is None:
                self.note(place, self._wrong(value, name, "float32"))
            else:
                default = number
        return default

    def _wrong(self, value: object, name: str, go_type: str) -> BadType:
        return _mismatch(value, self._struct, self._prefix + name, go_type)


def _float32_of(value: object) -> float | None:
    if not isinstance(value, Number):
        return None
    try:
        number = float32(float(value))
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


class ProxyBody(Frozen, kw_only=True):
    """What a request says of a proxy."""

    name: str = ""
    listen: str = ""
    upstream: str = ""
    enabled: bool = True


def _proxy_fields(
    pairs: Pairs, start: ProxyBody, struct_name: str, prefix: str = ""
) -> tuple[ProxyBody, Fields]:
    fields = Fields(pairs, struct_name, prefix)
    enabled = Fields(pairs, struct_name)  # never prefixed: populate has a field of its own for it
    body = ProxyBody(
        name=fields.text("name", start.name),
        listen=fields.text("listen", start.listen),
        upstream=fields.text("upstream", start.upstream),
        enabled=enabled.flag("enabled", start.enabled),
    )
    if enabled.wrong is not None:
        fields.note(enabled.wrong.position, enabled.wrong)
    for place, value in fields.values(
        "Logger"
    ):  # echoed objects hold it; only its type is looked at
        if not isinstance(value, Pairs):
            fields.note(place, _mismatch(value, struct_name, f"{prefix}Logger", "zerolog.Logger"))
    return body, fields


def proxy_body(body: bytes, start: ProxyBody) -> ProxyBody:
    """A proxy's body over the values it starts from.

    Raises: JsonError.
    """
    result, fields = _proxy_fields(_whole(body, "toxiproxy.Proxy"), start, "Proxy")
    if fields.wrong is not None:
        raise fields.wrong
    return result


_POPULATE_TYPE = 'struct { toxiproxy.Proxy; Enabled *bool "json:\\"enabled\\"" }'


def populate_body(body: bytes) -> tuple[ProxyBody, ...]:
    """A list of proxies.

    Raises: JsonError.
    """
    value = first_value(body)
    if value is None:
        return ()
    if not isinstance(value, list) or isinstance(value, Pairs):
        shown = kind(value).partition(" ")[0]
        raise BadType(f"json: cannot unmarshal {shown} into Go value of type []{_POPULATE_TYPE}")
    wrong: BadType | None = None
    entries = []
    for item in value:
        if item is not None and not isinstance(item, Pairs):
            shown = kind(item).partition(" ")[0]
            text = f"json: cannot unmarshal {shown} into Go value of type {_POPULATE_TYPE}"
            wrong = wrong or BadType(text)
            continue
        entry, fields = _proxy_fields(item or Pairs(), ProxyBody(), "", "Proxy.")
        wrong = wrong or fields.wrong
        entries.append(entry)
    if wrong is not None:
        raise wrong
    return tuple(entries)


class ToxicBody(Frozen, kw_only=True):
    """What a request says of a toxic, but for its attributes."""

    name: str
    kind: str
    stream: str
    toxicity: float
    pairs: Pairs


def toxic_body(body: bytes) -> ToxicBody:
    """A new toxic's body; its attributes are read when its type is known.

    Raises: JsonError.
    """
    pairs = _whole(body, "toxics.ToxicWrapper")
    fields = Fields(pairs, "ToxicWrapper")
    for place, value in fields.values("attributes"):
        if not isinstance(value, Pairs):
            fields.note(place, _mismatch(value, "ToxicWrapper", "attributes", "toxics.NoopToxic"))
    result = ToxicBody(
        name=fields.text("name", ""),
        kind=fields.text("type", ""),
        stream=fields.text("stream", "downstream"),
        toxicity=fields.float32("toxicity", 1.0),
        pairs=pairs,
    )
    if fields.wrong is not None:
        raise fields.wrong
    return result


def attributes(pairs: Pairs, toxic: Toxic) -> tuple[Toxic, BadType | None]:
    """The toxic with the object's attributes, and the first that has the wrong type."""
    outer = Fields(pairs, "")
    for place, value in outer.values("attributes"):
        if not isinstance(value, Pairs):
            outer.note(place, _mismatch(value, "", "attributes", f"toxics.{toxic.GO_NAME}"))
            continue
        fields = Fields(value, toxic.GO_NAME, "attributes.")
        settings = {
            a.field: fields.integer(a.name, getattr(toxic, a.field), a.wire_type)
            for a in toxic.ATTRIBUTES
        }
        toxic = replace(toxic, **settings) if settings else toxic  # type: ignore[type-var]
        if fields.wrong is not None:
            outer.note(place, fields.wrong)
    return toxic, outer.wrong


def toxic_update(body: bytes, toxic: Toxic, toxicity: float) -> ToxicUpdate:
    """An update's body over a toxic's present settings.

    Raises: JsonError when nothing of it can be read.
    """
    pairs = _whole(body, 'struct { Attributes interface {} "json:\\"attributes\\""; '
                         'Toxicity float32 "json:\\"toxicity\\"" }')  # fmt: skip
    settings, wrong = attributes(pairs, toxic)
    fields = Fields(pairs, "")
    number = fields.float32("toxicity", toxicity)
    return ToxicUpdate(toxic=settings, toxicity=number, wrong=_first(wrong, fields.wrong))


class ToxicUpdate(Frozen, kw_only=True):
    """An update: valid attributes count even when something is `wrong`, toxicity doesn't."""

    toxic: Toxic
    toxicity: float
    wrong: BadType | None
