"""What the child process writes down while it plays, on the virtual monotonic clock.

Plain JSON objects: the parent makes them into the history's events. `kind` names them. They are
written away many at a time, as those of a day are a lot.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from . import real
from .scheduler import KERNEL

MANY = 1_000


class Facts:
    """Takes facts, and writes them away."""

    def __init__(
        self, write: Callable[[bytes], object] = lambda line: None, *, together: int = MANY
    ) -> None:
        """`write` takes a line, which is a list of so many facts that came together."""
        self._write = write
        self._together = together
        self._kept: list[dict[str, Any]] = []
        self._writing = real.allocate_lock()
        self.last_s = 0.0
        """The latest instant of any."""
        self.crossings = 0
        """How often something happened at an upstream."""
        self.unrest = 0
        """How often that was no healthy answer: a breaker may have changed its state."""
        self.faults = 0
        """How many are in force: until they are lifted no good status proves a good answer."""
        self._well_answered: set[tuple[str, int]] = set()

    def add(self, kind: str, at_s: float | None = None, **fields: Any) -> None:
        """Write one down, now by default."""
        at_s = KERNEL.now_s if at_s is None else at_s
        self._note({"kind": kind, "at": at_s, **fields})

    def _note(self, fact: dict[str, Any]) -> None:
        self.last_s = max(self.last_s, fact["at"])
        self._kept.append(fact)
        if len(self._kept) >= self._together:
            self.write_away()

    def write_away(self) -> None:
        """Write what is kept; whoever ends the process waits here for who is writing."""
        with self._writing:
            kept, self._kept = self._kept, []
            if kept:
                self._write(json.dumps(kept).encode() + b"\n")

    def cross(self, at_s: float, upstream: str, connection: int, what: str, **fields: Any) -> None:
        """Write down something that crossed a proxy."""
        self.crossings += 1
        if self._is_unrest((upstream, connection), what, fields.get("status")):
            self.unrest += 1
        self._note(
            {
                "kind": "crossed",
                "at": at_s,
                "upstream": upstream,
                "connection": connection,
                "what": what,
                **fields,
            }
        )

    def _is_unrest(self, connection: tuple[str, int], what: str, status: int | None) -> bool:
        """Whether this may have been felt as a failure; the end of a good exchange is not."""
        if what in ("accepted", "request"):
            return False
        well_before = connection in self._well_answered
        self._well_answered.discard(connection)
        if what == "response" and status is not None and status < 500:
            if not self.faults:
                self._well_answered.add(connection)
            return False
        return not (what == "closed" and well_before and not self.faults)
