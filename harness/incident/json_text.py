"""JSON of somebody else's: read within bounds, and what is wrong with it has its line.

A file with a value on each line is the list of these.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import Any, NoReturn

from harness.incident.evidence import refuse
from harness.incident.opening import whole

_SPACE = re.compile(r"[ \t\n\r]*")
_ATOM = re.compile(r"[^,\]}\s]+")

Steps = Sequence[str | int]


class JsonText:
    """A JSON file's value, and the line of each part of it."""

    def __init__(self, file: str) -> None:
        """Read a file.

        Raises: InvalidFile when it is too large or isn't JSON, with the line.
        """
        self.file = file
        try:
            self._text = whole(file).decode()
        except UnicodeDecodeError as error:
            refuse(file, 0, f"is not UTF-8 text (byte {error.start + 1})")
        self._lines: tuple[int, ...] = ()
        """Where each value begins, of a file that has one on each line."""
        try:
            self.value: Any = json.loads(self._text)
        except json.JSONDecodeError as error:
            if error.msg != "Extra data" or (found := _each_line(self._text)) is None:
                refuse(file, error.lineno, f"is not JSON: {error.msg[:1].lower()}{error.msg[1:]}")
            self.value, self._lines = found
        except RecursionError:
            refuse(file, 0, "is nested too deeply")

    def refuse(self, at: Steps, message: str) -> NoReturn:
        """Refuse the file for what is wrong at a place of it.

        Raises: InvalidFile, always.
        """
        refuse(self.file, self.line(at), message)

    def line(self, at: Steps) -> int:
        """The line, from 1, on which the value at a place begins."""
        position = self._skip(0)
        if self._lines and at:
            position, at = self._lines[int(at[0])], at[1:]
        for step in at:
            found = self._inside(position, step)
            if found is None:
                break
            position = found
        return self._text.count("\n", 0, position) + 1

    def _skip(self, position: int) -> int:
        match = _SPACE.match(self._text, position)
        return position if match is None else match.end()

    def _inside(self, position: int, wanted: str | int) -> int | None:
        """Where the value of a key, or number of a list, begins."""
        opening = self._text[position]
        if opening not in "{[":
            return None
        position = self._skip(position + 1)
        index = 0
        while self._text[position] not in "}]":
            key: str | int = index
            if opening == "{":
                key, position = scanstring(self._text, position + 1, False)
                position = self._skip(self._skip(position) + 1)
            if key == wanted:
                return position
            position = self._skip(self._beyond(position))
            if self._text[position] == ",":
                position = self._skip(position + 1)
            index += 1
        return None

    def _beyond(self, position: int) -> int:
        """Where a value ends."""
        depth = 0
        while True:
            char = self._text[position]
            if char == '"':
                _, position = scanstring(self._text, position + 1, False)
            elif char in "{[":
                depth, position = depth + 1, position + 1
            elif char in "}]":
                depth, position = depth - 1, position + 1
            elif depth and char in ",: \t\n\r":
                position += 1
            else:
                match = _ATOM.match(self._text, position)
                position = position + 1 if match is None else match.end()
            if depth == 0:
                return position


def _each_line(text: str) -> tuple[list[Any], tuple[int, ...]] | None:
    """The values of a text with one on each line, and where each begins; None where it isn't so."""
    values, starts = [], []
    position = 0
    for line in text.splitlines(keepends=True):
        if line.strip():
            try:
                values.append(json.loads(line))
            except (ValueError, RecursionError):
                return None
            starts.append(position)
        position += len(line)
    return values, tuple(starts)
