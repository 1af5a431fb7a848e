"""The times of a file made real: those that name no zone are of the one that is said for them."""

from __future__ import annotations

import math
from datetime import UTC, datetime, tzinfo
from functools import lru_cache

from harness.units import plural


class Clock:
    """The clock of one file. Instants are seconds since 1970."""

    def __init__(self, file: str, zone: tzinfo) -> None:
        """`zone` is that of times that name none."""
        self._file = file
        self._zone = zone
        self._named = self._bare = False
        self._twice: dict[float, None] = {}
        self._never: dict[float, None] = {}

    def real(self, at_s: float, *, zoned: bool, after_s: float = -math.inf) -> float:
        """When a time was that, taken for UTC, is `at_s`.

        Where clocks were set back it was twice: the first time, or the first one after `after_s`.
        """
        if zoned:
            self._named = True
            return at_s
        self._bare = True
        found = _instants(at_s, self._zone)
        if len(found) == 1:
            return found[0]
        (self._twice if found else self._never)[at_s] = None
        if not found:
            return _shown(at_s).replace(tzinfo=self._zone).timestamp()
        return next((one for one in found if one > after_s), found[0])

    @property
    def notes(self) -> list[str]:
        """What to know of the times that were asked for."""
        if not self._bare:
            return []
        which = "some of its times name no zone; these are" if self._named else (
            "its times name no zone;"
        )  # fmt: skip
        told = [f"{self._file}: {which} taken for {self._zone} (--zone says another)"]
        if self._twice:
            how = "came twice as clocks were set back; write offsets where the first is not meant"
            told.append(f"{self._file}: {_several(self._twice)} {how}")
        if self._never:
            how = f"never came in {self._zone}, as clocks were set forward: is the zone right?"
            told.append(f"{self._file}: {_several(self._never)} {how}")
        return told


def _several(instants: dict[float, None]) -> str:
    first = f"{_shown(min(instants)):%Y-%m-%d %H:%M:%S}"
    return f"{first} and {plural(len(instants) - 1, 'other time')}" if len(instants) > 1 else first


def _shown(at_s: float) -> datetime:
    return datetime.fromtimestamp(at_s, UTC)


@lru_cache(maxsize=4096)  # logs say the same second many times
def _instants(at_s: float, zone: tzinfo) -> tuple[float, ...]:
    """When a zone's clocks showed what those of UTC show at an instant: never, once or twice."""
    shown = _shown(at_s)
    bare = shown.replace(tzinfo=None)
    try:
        found = {shown.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)}
        real = [one for one in found if one.astimezone(zone).replace(tzinfo=None) == bare]
    except OverflowError:  # in the year 1 or 9999, as some write for never
        return (at_s,)
    return tuple(sorted(one.timestamp() for one in real))
