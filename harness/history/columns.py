"""Events of one class as columns: some bytes for each fact, and texts that repeat kept once.

A history of a million requests has eight million events. As objects they would take gigabytes, of
which little is ever asked for at a time; so they are kept by field, and made when they are asked
for.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from array import array
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from copy import copy
from functools import cache
from itertools import compress, count, islice
from operator import attrgetter, le
from typing import Any, Generic, TypeVar, cast, overload

from msgspec.structs import force_setattr

from harness.history.events import Event

E = TypeVar("E", bound=Event)
V = TypeVar("V")
INSTANTS, NUMBERS, PLACES = "d", "hiq", "BHI"
"""The arrays of a column: of instants, of whole numbers, of places among known values."""


class Known(dict[Hashable, int]):
    """Where each value stands among those that were met: a new one is read, and put last."""

    def __init__(self, read: Callable[[Any], Any] | None = None) -> None:
        """`read`: makes the value of what stands for it in a file; may raise ValueError."""
        super().__init__()
        self.met: list[Any] = []
        self._read = read

    def places(self, values: Iterable[Any]) -> list[int]:
        """Where each of these stands. Raises: ValueError for one that can't be read."""
        keys = values if self._read is None else map(bytes, values)
        return list(map(self.__getitem__, keys))

    def __missing__(self, key: Hashable) -> int:
        value = key if self._read is None else self._read(key)
        place = self[key] = len(self.met)
        self.met.append(value)
        return place


class Column:
    """One field of many events: numbers as they are, anything else by its place among `known`."""

    def __init__(self, codes: str, known: Known | None = None) -> None:
        """`codes`: of the arrays that may hold its cells, the narrowest first."""
        self._cells: array[Any] | list[Any] = array(codes[0])
        self._wider = codes[1:]
        self._known = known

    def taken(self, values: Iterable[Any]) -> Sequence[Any]:
        """Values as `add` takes them. Raises: ValueError for one that can't be read."""
        if self._known is not None:
            return self._known.places(values)
        if isinstance(self._cells, array) and self._cells.typecode == "d":
            return [x if round(x * 1e6) / 1e6 == x else round(x, 6) for x in values]  # sooner
        return list(values)

    def add(self, taken: Sequence[Any]) -> None:
        """Put cells at the end."""
        cells = self._cells
        while isinstance(cells, array):
            try:
                cells.extend(array(cells.typecode, taken))
                return
            except OverflowError:
                self._cells = cells = self._widened(cells)
        cells.extend(taken)

    def _widened(self, cells: array[Any]) -> array[Any] | list[Any]:
        """The same cells with more room for each; numbers beyond any array's are rare."""
        if not self._wider:
            return list(cells)
        code, self._wider = self._wider[0], self._wider[1:]
        return array(code, cells)

    def at(self, place: int) -> Any:
        """The value at one place."""
        cell = self._cells[place]
        return cell if self._known is None else self._known.met[cell]

    def over(self, places: Sequence[int]) -> Iterator[Any]:
        """The values at some places, in their order."""
        cells = map(self._cells.__getitem__, places)
        return cells if self._known is None else map(self._known.met.__getitem__, cells)


class Coded(Generic[V]):
    """Values of which there are a few kinds: some bytes for each, and each kind once."""

    def __init__(self, values: Iterable[V]) -> None:
        known = Known()
        places = known.places(values)
        self._kinds: list[V] = known.met
        self._cells = array("H" if len(self._kinds) < 2**16 else "I", places)

    def __len__(self) -> int:
        return len(self._cells)

    def __getitem__(self, place: int) -> V:
        return self._kinds[self._cells[place]]

    def __iter__(self) -> Iterator[V]:
        return map(self._kinds.__getitem__, self._cells)

    def places(self, value: V, first: int, end: int) -> Iterator[int]:
        """Where a value stands, from one place up to another."""
        if value not in self._kinds:
            return iter(())
        cell = self._kinds.index(value)
        return compress(count(first), map(cell.__eq__, islice(self._cells, first, end)))


class Kept(ABC, Sequence[Event]):
    """All events of a history in the order recorded, kept by field."""

    @abstractmethod
    def all(self, kind: type[E]) -> Rows[E]:
        """All events of a class, in the order recorded."""


class Rows(Sequence[E], Generic[E]):
    """Some events of one class, in some order; each is made when it is asked for."""

    def __init__(self, kind: type[E], columns: Mapping[str, Column], places: Sequence[int]) -> None:
        self._kind = kind
        self._columns = columns
        self._places = places
        self._made: Callable[..., E] = _maker(kind)

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, index: int) -> E: ...
    @overload
    def __getitem__(self, index: slice) -> Rows[E]: ...
    def __getitem__(self, index: int | slice) -> E | Rows[E]:
        if isinstance(index, slice):
            return self._at(self._places[index])
        place = self._places[index]
        return self._made(*[each.at(place) for each in self._columns.values()])

    def __iter__(self) -> Iterator[E]:
        return map(self._made, *(each.over(self._places) for each in self._columns.values()))

    def _at(self, places: Sequence[int]) -> Rows[E]:
        return Rows(self._kind, self._columns, places)

    def column(self, name: str) -> Iterator[Any]:
        """One field of each."""
        return self._columns[name].over(self._places)

    def cell(self, name: str, place: int) -> Any:
        """One field of one of them."""
        return self._columns[name].at(self._places[place])

    def taken(self, order: Iterable[int]) -> Rows[E]:
        """Those that stand at some places of these."""
        if isinstance(order, range):
            return self._at(self._places[order.start : order.stop : order.step])
        return self._at(array("I", map(self._places.__getitem__, order)))


@cache
def _maker(kind: type[Any]) -> Callable[..., Any]:
    """Makes an event of values that were bounded and rounded when they were taken."""
    names = kind.__struct_fields__
    one = kind(**dict.fromkeys(names, 0.0))

    def made(*values: Any) -> Any:
        event = copy(one)  # which makes nothing anew
        for name, value in zip(names, values):  # noqa: B905 - a column for each field
            force_setattr(event, name, value)
        return event

    return made


def column(events: Sequence[E], name: str) -> Iterator[Any]:
    """One field of each event."""
    if isinstance(events, Rows):
        return cast(Rows[E], events).column(name)
    return map(attrgetter(name), events)


def cell(events: Sequence[E], name: str, place: int) -> Any:
    """One field of one event."""
    if isinstance(events, Rows):
        return cast(Rows[E], events).cell(name, place)
    return getattr(events[place], name)


def by_instant(events: Sequence[E]) -> Sequence[int]:
    """The places of events in the order of their instants; those of one instant as they came."""
    instants = array("d", column(events, "at_s"))
    if all(map(le, instants, islice(instants, 1, None))):
        return range(len(instants))  # as they came
    return array("I", sorted(range(len(instants)), key=instants.__getitem__))


def places_of(events: Sequence[E], name: str, order: Iterable[int]) -> dict[Any, array[int]]:
    """Of events in some order, the places of those of each value of a field."""
    values = list(column(events, name))
    found: dict[Any, array[int]] = {}
    for place in order:
        value = values[place]
        if value not in found:
            found[value] = array("I")
        found[value].append(place)
    return found


def followed(events: Sequence[E], name: str) -> Sequence[int]:
    """Of each event the place of the next with the same number in a field; -1 where there is none,
    or where the number is 0.
    """
    found, last = array("i", [-1]) * len(events), dict[int, int]()
    for place, number in enumerate(column(events, name)):
        if number:
            if number in last:
                found[last[number]] = place
            last[number] = place
    return found


def taken(events: Sequence[E], order: Iterable[int]) -> Sequence[E]:
    """The events at some places."""
    if isinstance(events, Rows):
        return cast(Rows[E], events).taken(order)
    return tuple(map(events.__getitem__, order))
