"""A line that goes on under its own beginning where a terminal is too narrow for it."""

from __future__ import annotations

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

_NARROWEST = 40


class Hanging:
    """Wraps between words on a terminal; in a pipe the line stays whole."""

    def __init__(self, line: Text, margin: int | None = None) -> None:
        """`margin`: how far in it goes on; by default two characters behind its first."""
        self._line = line
        self._first = len(line.plain) - len(line.plain.lstrip())
        self._margin = self._first + 2 if margin is None else margin

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if not console.is_terminal:
            yield self._line
            return
        width = max(_NARROWEST, options.max_width) - self._margin
        for number, part in enumerate(self._line[self._first :].wrap(console, width)):
            part.rstrip()
            yield Text(" " * (self._margin if number else self._first)).append_text(part)
