"""What there is of a kind, by name: each is loaded when it is first asked for.

A registry is a table of `module:attribute`. Its names cost nothing to know; of what stands behind
them a short command needs little.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pkgutil import resolve_name
from typing import TypeVar

T = TypeVar("T")


class Places(Mapping[str, T]):
    """A table's names, in its order, and what is at each name's place in `package`."""

    __slots__ = ("_loaded", "_package", "_places")

    def __init__(self, package: str, places: Mapping[str, str]) -> None:
        self._package = package
        self._places = places
        self._loaded: dict[str, T] = {}

    def __getitem__(self, name: str) -> T:
        """What has this name. Raises: KeyError where nothing has."""
        found = self._loaded.get(name)
        if found is None:
            found = resolve_name(f"{self._package}.{self._places[name]}")
            self._loaded[name] = found
        return found

    def __contains__(self, name: object) -> bool:
        """Whether something has this name, without loading it."""
        return name in self._places

    def __iter__(self) -> Iterator[str]:
        """The names."""
        return iter(self._places)

    def __len__(self) -> int:
        """How many there are."""
        return len(self._places)
