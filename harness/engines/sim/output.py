"""What the target prints, line by line into the facts."""

from __future__ import annotations

import io
import sys
from typing import Any

from .facts import Facts

_LINES = 20_000
_LONGEST = 500


class Lines(io.TextIOBase):
    """A text stream that writes whole lines down."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._rest = ""
        self._count = 0

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """What it would be encoded in."""
        return "utf-8"

    @property
    def errors(self) -> str:  # type: ignore[override]
        """What becomes of the rest."""
        return "replace"

    def writable(self) -> bool:
        """It can be written to."""
        return True

    def isatty(self) -> bool:
        """It is no terminal."""
        return False

    def write(self, text: str, /) -> int:
        """Take text; whole lines become facts."""
        if "\n" not in text:
            self._rest += text
            return len(text)
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            if line and self._count < _LINES:
                self._count += 1
                self._facts.add("logged", line=line[:_LONGEST])
        return len(text)

    @property
    def buffer(self) -> Any:
        """A binary stream over the same lines."""
        return _Bytes(self)


class _Bytes(io.RawIOBase):
    def __init__(self, lines: Lines) -> None:
        self._lines = lines

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        text = bytes(data).decode("utf-8", "replace")
        self._lines.write(text)
        return len(data)


def capture(facts: Facts) -> None:
    """Send everything that Python prints into the facts."""
    for name in ("stdout", "stderr"):
        lines = Lines(facts)
        setattr(sys, name, lines)
        setattr(sys, f"__{name}__", lines)
