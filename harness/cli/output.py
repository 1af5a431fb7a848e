"""Standard output that can't break a command: closed, full, unread, or without our characters.

What a command found out, and the report that it writes, don't depend on somebody reading its lines:
`outage run | head -1` plays to the end and gives its own exit status.
"""

from __future__ import annotations

import io
import os
import sys
from typing import TextIO

from harness.errors import UsageError
from harness.printable import without_controls


class Output(io.FileIO):
    """A file descriptor that drops what can't be written any more; `problem` says why."""

    problem: OSError | None = None

    def write(self, data: object) -> int:
        """The number of bytes taken, all of them where nothing can be written any more."""
        if self.problem is None:
            try:
                return super().write(data)  # type: ignore[arg-type]
            except OSError as error:
                self.problem = error
        return memoryview(data).nbytes  # type: ignore[arg-type]


def hold_standard_streams() -> Output:
    """Make this process's standard streams safe to write to, and give standard output.

    A closed one becomes the null device, so that no socket or file takes its number: children would
    inherit that as their output.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest free number, hence this one
    output = Output(1, "w", closefd=False)
    sys.stdout = _text(output, sys.stdout)
    sys.stderr = _text(Output(2, "w", closefd=False), sys.stderr)
    return output


def check_written(output: Output) -> None:
    """Say so where output was lost, but for a reader who has gone (`outage list | head`).

    Raises: UsageError for anything else, such as a full disk.
    """
    sys.stdout.flush()
    if output.problem is not None and not isinstance(output.problem, BrokenPipeError):
        raise UsageError(f"can't write the output: {output.problem.strerror}")


class _Plain(io.TextIOWrapper):
    """Of a pipe or file, where nobody colours anything: no escape sequence gets through."""

    def write(self, text: str) -> int:
        """The number of characters taken."""
        super().write(without_controls(text))
        return len(text)


def _text(output: Output, before: TextIO | None) -> TextIO:
    encoding = "utf-8" if before is None else before.encoding
    kind = io.TextIOWrapper if output.isatty() or "FORCE_COLOR" in os.environ else _Plain
    return kind(
        io.BufferedWriter(output),
        encoding=encoding,
        errors="replace",  # a tick that a terminal can't show is no reason to stop
        line_buffering=output.isatty() or output.fileno() == 2,
    )
