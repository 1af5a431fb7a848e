"""Histories on disk: JSON lines, written as facts come in, so that nothing recorded is lost."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import IO

from harness.history.events import Event
from harness.history.lines import to_json

HISTORY = ".history.jsonl"
"""How the name of a history's file ends, after the scenario's."""


class Recorder:
    """Takes events as they come; keeps them, and appends them to a file if it was given one.

    Line-buffered: what was recorded before a SIGKILL is in the file. A file that can't be written
    any more (a full disk) ends the writing, not the run: the events stay here, `problem` says why.
    """

    def __init__(
        self, path: Path | None = None, clean: Callable[[Event], Event] = lambda event: event
    ) -> None:
        self._clean = clean
        self.events: list[Event] = []
        self._path = path
        self._file: IO[str] | None = _opened(path) if path else None
        self.problem: str | None = None

    def __call__(self, event: Event) -> None:
        """Record one event, as `clean` leaves it."""
        event = self._clean(event)
        self.events.append(event)
        if self._file is not None:
            try:
                self._file.write(to_json(event) + "\n")
            except OSError as error:
                self._give_up(error)

    def close(self) -> None:
        """Close the file, if any; the events stay."""
        if self._file is not None:
            try:
                self._file.close()
            except OSError as error:
                self._give_up(error)
            self._file = None

    def _give_up(self, error: OSError) -> None:
        self.problem = f"can't write {self._path}: {error.strerror or error}"
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._file.close()
        self._file = None


def _opened(path: Path) -> IO[str]:
    # Half a surrogate is written as JSON's escape for it, which is the same text.
    return path.open("w", encoding="utf-8", errors="backslashreplace", buffering=1)
