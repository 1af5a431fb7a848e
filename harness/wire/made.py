"""The attempts that were made for one request: there are as many of these as requests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

from harness.wire.attempts import Attempt


class Made(Mapping[str, tuple[Attempt, ...]]):
    """The attempts of one request by upstream, as they began: less than half of a dictionary."""

    __slots__ = ("_each", "_names")

    def __init__(self, mine: Mapping[str, Sequence[Attempt]]) -> None:
        self._names = _shared(tuple(name for name, own in mine.items() if own))
        self._each = tuple(tuple(own) for own in mine.values() if own)

    def __getitem__(self, upstream: str) -> tuple[Attempt, ...]:
        if upstream not in self._names:
            raise KeyError(upstream)
        return self._each[self._names.index(upstream)]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def at(self, upstream: str) -> tuple[Attempt, ...]:
        """Those at one upstream, of which there may be none."""
        return self._each[self._names.index(upstream)] if upstream in self._names else ()


@lru_cache(maxsize=1024)
def _shared(names: tuple[str, ...]) -> tuple[str, ...]:
    """The same object for equal ones."""
    return names


NOTHING = Made({})
"""Those of a request that made none."""
