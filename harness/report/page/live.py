"""What the page says of a run that goes on."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Playing:
    """A scenario that is being played."""

    name: str
    title: str
    words: str
    """How far it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """How far a run is."""

    playing: tuple[Playing, ...]
    of: int
    """How many scenarios it has in all."""
    over: bool

    def to_come(self, judged: int) -> int:
        """How many wait for their turn."""
        return max(0, self.of - judged - len(self.playing))
