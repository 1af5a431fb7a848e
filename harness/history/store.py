"""Histories on disk: JSON lines, written as facts come in, so that nothing recorded is lost."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import IO

from harness.errors import InvalidFile, Problem
from harness.history.events import Event, from_json, to_json
from harness.history.tape import Tape
from harness.history.values import LONGEST_LINE

HISTORY = ".history.jsonl"
"""How the name of a history's file ends, after the scenario's."""


_BATCH = 1_000_000
"""Bytes that are decoded at once."""


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


def read_history(path: Path) -> Tape:
    """The events of a `*.history.jsonl` file; a last line cut off by a crash is left out.

    Raises: InvalidFile when a line isn't an event.
    """
    tape = Tape()
    with path.open("rb") as file:
        for first, lines in _batches(file):
            if not tape.add_lines(lines):
                _add_one_by_one(tape, path, first, lines)
    tape.close()
    return tape


def _batches(file: IO[bytes]) -> Iterator[tuple[int, list[bytes]]]:
    """Lines, many at a time, each time with the number of the first."""
    first, lines, size = 1, list[bytes](), 0
    for line in iter(partial(file.readline, LONGEST_LINE), b""):
        lines.append(line)
        size += len(line)
        if size >= _BATCH:
            yield first, lines
            first, lines, size = first + len(lines), [], 0
    yield first, lines


def _add_one_by_one(tape: Tape, path: Path, first: int, lines: Sequence[bytes]) -> None:
    for number, line in enumerate(lines, first):
        if not line.strip():
            continue
        try:
            tape.add(from_json(line.decode("utf-8")))
        except ValueError as error:
            if not line.endswith(b"\n") and len(line) < LONGEST_LINE:
                return  # the file's last
            said = str(error)
            if isinstance(error, UnicodeError):
                said = f"not an event of a history (not UTF-8): {line[:80]!r}"
            problem = Problem(file=str(path), line=number, message=said)
            raise InvalidFile([problem]) from error
