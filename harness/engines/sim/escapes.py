"""What got out of the simulation into the real world, each with the line that did it.

An escape makes a run inconclusive, never green: where it happened the simulation saw no time pass.
The audit hook sees what goes through Python's own modules; the watchdog sees the rest.
"""

from __future__ import annotations

import sys

from .own_code import OWN_CODE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType
    from typing import Any

_INSTEAD = "Use `--engine local`, or give that dependency a stub."
_OWN = __file__.rpartition("/")[0]
_PROCESSES = {
    "subprocess.Popen",
    "os.fork",
    "os.forkpty",
    "os.exec",
    "os.posix_spawn",
    "os.spawn",
    "os.system",
    "pty.spawn",
}
_SIGNALS = {"os.kill", "os.killpg", "signal.pthread_kill"}
_SOCKETS = {"socket.__new__", "socket.connect", "socket.bind", "socket.sendto", "socket.sendmsg"}
_THREADS = {"_thread.start_new_thread", "_thread.start_joinable_thread"}
_WATCHED = _PROCESSES | _SIGNALS | _SOCKETS | _THREADS | {"time.sleep", "os.forkpty"}


class Escaped(RuntimeError):
    """The target tried something that can't be simulated; the message says what and where."""


class Escapes:
    """Collects escapes and remarks, each once for its line."""

    def __init__(self) -> None:
        self.found: list[str] = []
        self.remarks: list[str] = []
        self.armed = False
        """Off while the simulation itself forks and prepares."""
        self._seen: set[tuple[str, str]] = set()

    def note(self, did: str, means: str, frame: FrameType | None = None) -> str:
        """Record an escape: what the line did, what that means. Returns the whole sentence."""
        where = self.where(frame)
        message = f"{where} {did}: {means}. {_INSTEAD}"
        if (where, did) not in self._seen and len(self.found) < 50:
            self._seen.add((where, did))
            self.found.append(message)
        return message

    def refuse(self, did: str, means: str) -> Escaped:
        """Record an escape and give the exception that stops it."""
        return Escaped(self.note(f"asked for {did}", means))

    def remark(self, said: str, frame: FrameType | None = None) -> None:
        """Record what a reader should know but what harms nothing."""
        where = self.where(frame)
        if (where, said) not in self._seen and len(self.remarks) < 50:
            self._seen.add((where, said))
            self.remarks.append(f"{where} {said}")

    def is_beyond(self, frame: FrameType | None) -> bool:
        """Whether anything but the simulation itself runs.

        A thread that only begins may have to wait for Python's lock, where the machine is busy.
        """
        while frame is not None:
            if not frame.f_code.co_filename.startswith((_OWN, "<frozen")):
                return True
            frame = frame.f_back
        return False

    def where(self, frame: FrameType | None = None) -> str:
        """`file:line` of the target's own code on the stack, else of what is nearest to it.

        The library that was called from there is named in brackets.
        """
        frame = frame or sys._getframe(1)
        nearest = ""
        library = ""
        while frame is not None:
            file = frame.f_code.co_filename
            if not file.startswith((_OWN, "<frozen")):
                place = f"{OWN_CODE.short(file)}:{frame.f_lineno}"
                nearest = nearest or place
                if OWN_CODE.holds(file):
                    return f"{place} ({library})" if library else place
                library = library or _library(file)
            frame = frame.f_back
        return f"{nearest} ({library})" if library else nearest or "code in C"

    def audit(self, event: str, args: tuple[Any, ...]) -> None:
        """The audit hook: refuses what leaves the process.

        Raises: Escaped.
        """
        if event not in _WATCHED or not self.armed:
            return
        if event in _THREADS:
            if not hasattr(getattr(args[0], "__self__", None), "simulated"):
                self.note("started a real thread", "it runs beside the simulation's clock")
        elif event in _PROCESSES:
            raise self.refuse(
                f"another process ({event})", "it would run in real time, beside virtual time"
            )
        elif event in _SIGNALS:
            raise self.refuse(f"a signal ({event})", "signals are not simulated")
        elif event == "time.sleep":
            self.note("slept in real time", "an early reference to the real time.sleep")
        else:
            raise self.refuse(
                f"a real socket ({event})", "the simulation sees no time pass on that network"
            )


def _library(file: str) -> str:
    _, found, rest = file.rpartition("/site-packages/")
    if found:
        return rest.partition("/")[0].removesuffix(".py")
    return ""


ESCAPES = Escapes()
"""The one collection of this process."""
