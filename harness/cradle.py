"""Starts a child that can't outlive its harness, from before its first instruction.

A child first runs this file, which waits for a word on its standard input. The harness gives it
once the reaper knows the child; if the harness dies before, the pipe closes and the child ends. On
Linux the child is bound to its parent's death as well, in case the reaper dies, too. Then it is the
command. Only the standard library is used, and little of it: this is run for every child.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

RELEASE = b"\n"
"""The word that lets a child begin; what it then reads from standard input is empty."""
_PR_SET_PDEATHSIG = 1
_SIGKILL = 9
_CANNOT_RUN = 126


def cradled(command: Sequence[str]) -> list[str]:
    """The command line that starts a command so; its standard input must be a pipe."""
    return [sys.executable, "-S", "-E", __file__, str(os.getpid()), *command]


def _main(parent: int, command: list[str]) -> None:
    import signal

    _die_with(parent)
    if os.read(0, 1) != RELEASE:
        os._exit(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    for name in ("SIGPIPE", "SIGXFSZ"):  # which Python ignores, and a command must not
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_DFL)
    try:
        os.execvp(command[0], command)
    except OSError as error:
        print(f"{command[0]}: {error.strerror}", flush=True)
        os._exit(_CANNOT_RUN)


def _die_with(parent: int) -> None:
    if sys.platform != "linux":
        return
    try:
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, _SIGKILL)
    except (ImportError, OSError, AttributeError):
        return
    if os.getppid() != parent:
        os._exit(0)


if __name__ == "__main__":
    _main(int(sys.argv[1]), sys.argv[2:])
