"""The attempts that were made for one request: there are as many of these as requests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

from harness.wire.attempts import Attempt


class Made(Mapping[str, tuple[Attempt, ...]]):
    """The attempts of one request by upstream, as they began: a third of a dictionary's room."""

    __slots__ = ("_all", "_spans")

    def __init__(self, mine: Mapping[str, Sequence[Attempt]]) -> None:
        self._all = tuple(attempt for own in mine.values() for attempt in own)
        """Those at one upstream after those at another."""
        self._spans = _spans(tuple((name, len(own)) for name, own in mine.items() if own))

    def __getitem__(self, upstream: str) -> tuple[Attempt, ...]:
        first, end = self._spans[upstream]
        return self._all[first:end]

    def __iter__(self) -> Iterator[str]:
        return iter(self._spans)

    def __len__(self) -> int:
        return len(self._spans)

    @property
    def all(self) -> tuple[Attempt, ...]:
        """Those at all upstreams."""
        return self._all

    def at(self, upstream: str) -> tuple[Attempt, ...]:
        """Those at one upstream, of which there may be none."""
        return self[upstream] if upstream in self._spans else ()


@lru_cache(maxsize=4096)  # most requests make as many as others
def _spans(counts: tuple[tuple[str, int], ...]) -> Mapping[str, tuple[int, int]]:
    """From where to where those at each upstream reach."""
    found, first = {}, 0
    for name, count in counts:
        found[name] = first, first + count
        first += count
    return found


NOTHING = Made({})
"""Those of a request that made none."""


def same(one: Attempt, other: Attempt) -> bool:
    """Whether two attempts may be of one call: by their route alone, as a retry may say something
    else in its body.
    """
    return not one.route or not other.route or one.route == other.route


def tries_of(attempts: Sequence[Attempt], latest: Attempt) -> int:
    """Which attempt of its call the latest one was, from 1."""
    count = 0
    for attempt in reversed(attempts):
        if not same(attempt, latest) or (attempt is not latest and attempt.ok):
            break
        count += 1
    return max(1, count)


def last_of(mine: Mapping[str, Sequence[Attempt]] | None) -> tuple[str, Attempt] | None:
    """The upstream and the attempt that a request made last; of those at one instant, the one that
    it was given last.
    """
    last: tuple[str, Attempt] | None = None
    for name, own in (mine or {}).items():
        if own and (last is None or own[-1].start_s >= last[1].start_s):
            last = name, own[-1]
    return last
