"""Histories read back from their files, many lines at a time."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import IO

from harness.errors import InvalidFile, Problem
from harness.history.lines import from_json
from harness.history.tape import Tape
from harness.history.values import LONGEST_LINE

_BATCH = 100_000
"""Bytes that are decoded at once: what comes of them stays in a processor's cache."""


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


def _batches(file: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    """Whole lines, many at a time, each time with the number of the first; what is longer than any
    line in parts, and at last a line that isn't whole.
    """
    first, rest = 1, b""
    while more := file.read(_BATCH):
        rest += more
        endless = len(rest) > LONGEST_LINE and rest.find(b"\n", 0, LONGEST_LINE) < 0
        end = LONGEST_LINE if endless else rest.rfind(b"\n") + 1
        if end:
            yield first, rest[:end]
            first += 1 if endless else rest.count(b"\n", 0, end)
            rest = rest[end:]
    yield first, rest


def _add_one_by_one(tape: Tape, path: Path, first: int, lines: bytes) -> None:
    for number, line in enumerate(BytesIO(lines), first):
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
