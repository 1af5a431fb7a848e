"""Histories on disk: JSON lines, written as facts come in, so that nothing recorded is lost."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import IO

from harness.errors import InvalidFile, Problem
from harness.history.events import Event, from_json, to_json


class Recorder:
    """Takes events as they come; keeps them, and appends them to a file if it was given one.

    Line-buffered: what was recorded before a SIGKILL is in the file.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.events: list[Event] = []
        self._file: IO[str] | None = path.open("w", encoding="utf-8", buffering=1) if path else None

    def __call__(self, event: Event) -> None:
        """Record one event."""
        self.events.append(event)
        if self._file is not None:
            self._file.write(to_json(event) + "\n")

    def close(self) -> None:
        """Close the file, if any; the events stay."""
        if self._file is not None:
            self._file.close()
            self._file = None


def read_history(path: Path) -> Sequence[Event]:
    """The events of a `*.history.jsonl` file; a last line cut off by a crash is left out.

    Raises: InvalidFile when a line isn't an event.
    """
    lines = path.read_text(encoding="utf-8").split("\n")
    events: list[Event] = []
    for number, line in enumerate(lines, start=1):
        if not line:
            continue
        try:
            events.append(from_json(line))
        except ValueError as error:
            if number == len(lines):
                break
            problem = Problem(file=str(path), line=number, message=str(error))
            raise InvalidFile([problem]) from error
    return events
