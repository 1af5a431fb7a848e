"""Histories read back from their files, many lines at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import IO

from harness.errors import InvalidFile, Problem
from harness.history.events import from_json
from harness.history.tape import Tape
from harness.history.values import LONGEST_LINE

_BATCH = 1_000_000
"""Bytes that are decoded at once."""


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
