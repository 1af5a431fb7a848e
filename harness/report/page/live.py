"""What the page says of a run that goes on."""

from __future__ import annotations

from harness.frozen import Frozen


class Playing(Frozen, kw_only=True):
    """A scenario that is being played."""

    name: str
    title: str
    words: str
    """How far it is."""


class Live(Frozen, kw_only=True):
    """How far a run is."""

    playing: tuple[Playing, ...]
    of: int
    """How many scenarios it has in all."""
    over: bool

    def to_come(self, judged: int) -> int:
        """How many wait for their turn."""
        return max(0, self.of - judged - len(self.playing))
