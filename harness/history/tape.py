"""All events of a history as they were read, in the order recorded: columns, and whose turn it is.

Lines are decoded many at a time (msgspec, into structs that have the fields and bounds of events).
What it doesn't take is for `from_json` to take or to refuse, line by line.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, Any, TypeVar, Union, overload

import msgspec

from harness.history.columns import INSTANTS, NUMBERS, PLACES, Column, Kept, Known, Rows
from harness.history.events import KINDS, Event
from harness.history.values import REQUIRED, Member, bounds, members, reader

E = TypeVar("E", bound=Event)

_PLAIN: dict[str, Any] = {
    "bool": bool,
    "int": int,
    "float": float,
    "str": str,
    "tuple[str, ...]": tuple[str, ...],
}
"""Annotations whose values are decoded at once; others are kept as their JSON, and read once."""
_ABSENT = msgspec.Raw(b"")


def _struct(kind: type[Event]) -> type[msgspec.Struct]:
    """What a line of such an event is decoded into."""
    return msgspec.defstruct(
        kind.__name__,
        [_member(item) for item in members(kind)],
        tag_field="kind",
        tag=kind.kind,
        kw_only=True,
        gc=False,
    )


def _member(item: Member) -> tuple[str, Any] | tuple[str, Any, Any]:
    annotation = item.annotation
    plain = _PLAIN.get(annotation.removesuffix(" | None"), msgspec.Raw)
    required = item.default is REQUIRED
    if plain is msgspec.Raw:
        return (item.name, plain) if required else (item.name, plain, _ABSENT)
    if plain in (int, float):
        low, high = bounds(item.name, whole=plain is int)
        if plain is int:
            low, high = max(low, -(2**63)), min(high, 2**63 - 1)  # msgspec knows no others
        plain = Annotated[plain, msgspec.Meta(ge=low, le=high)]
    plain = plain | None if annotation.endswith(" | None") else plain
    return (item.name, plain) if required else (item.name, plain, item.default)


_STRUCTS = {kind: _struct(kind) for kind in KINDS.values()}
_EVENTS = {struct: kind for kind, struct in _STRUCTS.items()}
_CODES = {struct: code for code, struct in enumerate(_EVENTS)}
_DECODER = msgspec.json.Decoder(Union[tuple(_EVENTS)])  # noqa: UP007 - made at run time
_TROUBLES = (msgspec.DecodeError, ValueError, RecursionError)


class Tape(Kept):
    """Events in the order recorded."""

    def __init__(self) -> None:
        known: dict[str, Known] = defaultdict(Known)
        self._columns = {
            kind: {item.name: _column(item, known) for item in members(kind)}
            for kind in _EVENTS.values()
        }
        self._known = known
        self._counts = dict.fromkeys(self._columns, 0)
        self._kinds = tuple(self._columns)
        self._codes = {kind: code for code, kind in enumerate(self._kinds)}
        self._order = bytearray()
        """The code of each event's class."""

    # Taking events

    def add_lines(self, lines: bytes) -> bool:
        """Take the events of some lines, and say so; take none where any of them is unusual."""
        try:
            found = _DECODER.decode_lines(lines)
            return len(found) == lines.count(b"\n") and self._add(found)
        except _TROUBLES:
            return False

    def add(self, event: Event) -> None:
        """Take one event."""
        kind = type(event)
        values = {item.name: _told(item, getattr(event, item.name)) for item in members(kind)}
        self._add([_STRUCTS[kind](**values)])

    def _add(self, found: Sequence[msgspec.Struct]) -> bool:
        """All of them, or none. Raises: ValueError for a value that can't be read."""
        by_kind: dict[type[msgspec.Struct], list[msgspec.Struct]] = defaultdict(list)
        for struct in found:
            by_kind[type(struct)].append(struct)
        taken = []
        for kind, structs in by_kind.items():
            columns = self._columns[_EVENTS[kind]].values()
            rows = map(msgspec.structs.astuple, structs)
            for column, values in zip(columns, zip(*rows, strict=True), strict=True):
                taken.append((column, column.taken(values)))
        for column, cells in taken:
            column.add(cells)
        for kind, structs in by_kind.items():
            self._counts[_EVENTS[kind]] += len(structs)
        self._order += bytes(map(_CODES.__getitem__, map(type, found)))
        return True

    def close(self) -> None:
        """Take no more: what was only needed to keep each value once is let go."""
        for known in self._known.values():
            known.clear()

    # Giving them

    def all(self, kind: type[E]) -> Rows[E]:
        """All events of a class, in the order recorded."""
        return Rows(kind, self._columns[kind], range(self._counts[kind]))

    def place(self, kind: type[Event], number: int) -> int:
        """Where the event of a class stands among all, that is so many-th of its class, from 0."""
        code, place = self._codes[kind], -1
        for _ in range(number + 1):
            place = self._order.index(code, place + 1)
        return place

    def instants(self) -> Iterator[float]:
        """When each happened, in the order recorded."""
        each = [self.all(kind).column("at_s") for kind in self._kinds]
        return (next(each[code]) for code in self._order)

    def __len__(self) -> int:
        return len(self._order)

    @overload
    def __getitem__(self, index: int) -> Event: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Event]: ...
    def __getitem__(self, index: int | slice) -> Event | Sequence[Event]:
        if isinstance(index, slice):
            return [self[place] for place in range(*index.indices(len(self)))]
        place = range(len(self))[index]
        code = self._order[place]
        return self.all(self._kinds[code])[self._order.count(code, 0, place)]

    def __iter__(self) -> Iterator[Event]:
        each = [iter(self.all(kind)) for kind in self._kinds]
        return (next(each[code]) for code in self._order)


def _column(item: Member, known: dict[str, Known]) -> Column:
    annotation = item.annotation
    if annotation == "float":
        return Column(INSTANTS)
    if annotation == "int":
        return Column(NUMBERS)
    if annotation.removesuffix(" | None") not in _PLAIN and item.name not in known:
        known[item.name] = Known(_reading(item))
    return Column(PLACES, known[item.name])


def _reading(item: Member) -> Callable[[bytes], Any]:
    """How what is kept as JSON is read."""
    read = reader(item.annotation)
    return lambda said: read(item.name, json.loads(said)) if said else item.default


def _told(item: Member, value: Any) -> Any:
    """A field of an event as its line would say it."""
    if item.annotation.removesuffix(" | None") in _PLAIN:
        return value
    return msgspec.Raw(json.dumps(value).encode())
