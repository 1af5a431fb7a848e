"""Everything the harness raises on purpose.

    HarnessError                 the root; str() is a message for a person
    ├── UsageError               wrong command line or environment      exit status 2
    ├── InvalidFile              a scenario or target file has problems exit status 2
    └── WorldError               a world could not start, or broke      the run is inconclusive
        └── TargetError          the target could not be started        exit status 4 if never

Catch by kind, never by text. Anything else that escapes is a defect of the harness: `own_error`
puts it into words where it must not spread.
"""

from __future__ import annotations

import errno
import traceback
from collections.abc import Sequence
from dataclasses import dataclass

from harness.printable import in_line

_LAST_LINES = 5


class HarnessError(Exception):
    """Root of all errors that are meant for a person's eyes."""


class UsageError(HarnessError):
    """The command line, or what it points to, can't be used as given."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Problem:
    """One thing wrong with a file.

    `line` counts from 1; 0 means the file as a whole.
    """

    file: str
    line: int
    message: str

    def __str__(self) -> str:
        """`file:line: message`, the form that editors jump to."""
        place = f"{self.file}:{self.line}" if self.line else self.file
        return in_line(f"{place}: {self.message}")


class InvalidFile(HarnessError):
    """A file can't be used; holds every problem found in it, in line order."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(sorted(problems))
        super().__init__("\n".join(str(problem) for problem in self.problems))


class WorldError(HarnessError):
    """A world could not be built, or a part of it died; whatever was played proves nothing.

    `late` says that a part was not ready, or did not answer, in its time: a busy machine may be
    why.
    """

    def __init__(self, message: str, *, late: bool = False) -> None:
        super().__init__(message)
        self.late = late


SHORTAGES = frozenset(
    {
        errno.EADDRINUSE,
        errno.EADDRNOTAVAIL,
        errno.EAGAIN,
        errno.EMFILE,
        errno.ENFILE,
        errno.ENOBUFS,
        errno.ENOMEM,
        errno.ENOSPC,
    }
)
"""What a system says to one that asks for more than there is; no fault of who is called."""


def own_error(error: BaseException) -> str:
    """What broke the harness, for a person: a shortage of this machine, or a defect and where."""
    while isinstance(error, BaseExceptionGroup) and error.exceptions:
        error = error.exceptions[0]
    if isinstance(error, HarnessError):
        return str(error)
    if isinstance(error, OSError) and error.errno in SHORTAGES:
        return f"this machine had too little for the harness: {error.strerror}"
    frames = traceback.extract_tb(error.__traceback__)
    where = f" at {_from_package(frames[-1].filename)}:{frames[-1].lineno}" if frames else ""
    said = str(error).partition("\n")[0][:200]
    return (
        f"an error of the harness's own, please report it: {type(error).__name__}"
        f"{': ' if said else ''}{said}{where}"
    )


def _from_package(file: str) -> str:
    """A source file without the folders of whoever's machine this is."""
    parts = file.replace("\\", "/").split("/")
    return "/".join(parts[parts.index("harness") :] if "harness" in parts else parts[-2:])


class TargetError(WorldError):
    """The target could not be started, or never got ready.

    `why` says so in a sentence, `output` is what the target printed meanwhile, as it was.
    """

    def __init__(self, why: str, output: str = "", *, late: bool = False) -> None:
        self.why = why
        self.output = output
        lines = [line for line in output.splitlines() if line.strip()]
        words = "".join(f"\n    {line[:300]}" for line in lines[-_LAST_LINES:])
        super().__init__(f"{why}:{words}" if words else why, late=late)
