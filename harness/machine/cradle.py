"""Starts a child that can't outlive its harness, from before its first instruction.

A child first runs this file, which waits for a word on its standard input. The harness gives it
once the reaper knows the child; if the harness dies before, the pipe closes and the child ends. On
Linux the child is bound to its parent's death as well, in case the reaper dies, too. Then it is the
command. Only the standard library is used, and little of it: this is run for every child.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

RELEASE = b"\n"
"""The word that lets a child begin; what it then reads from standard input is empty."""
_PR_SET_PDEATHSIG = 1
_SIGKILL = 9
_CANNOT_RUN = 126
_ADDR_NO_RANDOMIZE = 0x0040000


def cradled(
    command: Sequence[str], *, bound: bool = True, reads: bool = False, same_addresses: bool = False
) -> list[str]:
    """The command line that starts a command so; its standard input must be a pipe.

    A command that `reads` gets what follows the word; it is `bound` to the thread that starts it,
    which must not end before. With `same_addresses` its memory lies where it lay in the run before,
    where the system can do that.
    """
    parent = os.getpid() if bound else 0
    options = [str(parent), str(int(reads)), str(int(same_addresses))]
    return [sys.executable, "-S", "-E", __file__, *options, *command]


def _main(parent: int, reads: int, same_addresses: int, command: list[str]) -> None:
    import signal

    if parent:
        die_with(parent)
    if same_addresses:
        _without_random_addresses()
    if os.read(0, 1) != RELEASE:
        os._exit(0)
    if not reads:
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


def _without_random_addresses() -> None:
    """What this process becomes has its addresses not drawn at random, where that is possible."""
    try:
        with open("/proc/self/personality") as file:
            persona = int(file.read(), 16)
        import ctypes

        ctypes.CDLL(None).personality(persona | _ADDR_NO_RANDOMIZE)
    except (OSError, ValueError, ImportError, AttributeError):
        return


def die_with(parent: int) -> None:
    """End this process when its parent ends, which it has where that is no longer `parent`."""
    if not tied_to(parent):
        os._exit(0)


def tied_to(parent: int) -> bool:
    """Have the kernel end this process with its parent; whether that is still there."""
    if sys.platform != "linux":
        return True
    try:
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, _SIGKILL)
    except (ImportError, OSError, AttributeError):
        return True
    return os.getppid() == parent


class Bound:
    """The first argument of `call` in a process of `multiprocessing`, which binds that process.

    Unpickling it is what does, before anything behind it is imported to be unpickled.
    """

    def __reduce__(self) -> tuple[Callable[[int], None], tuple[int]]:
        return die_with, (os.getpid(),)


def call(bound: Bound, place: str, *arguments: object) -> None:
    """Call a function by its place, `module:function`; importing that may take seconds."""
    from pkgutil import resolve_name

    del bound
    resolve_name(place)(*arguments)


if __name__ == "__main__":
    _main(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:])
