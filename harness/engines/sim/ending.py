"""How a simulated target ends its own process: the play is told, and writes down what it has."""

from __future__ import annotations

from . import real

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, NoReturn

_ABORTED = -6
_FATAL = frozenset({3, 4, 6, 7, 8, 9, 11, 15})
PID = 4242
"""What the target is told of itself, always the same, since it ends up in logs."""


class Ending:
    """Stands for `os._exit`, `os.abort` and signals to oneself; `on_end` takes the exit status."""

    def __init__(self) -> None:
        self.on_end: Callable[[int], NoReturn] = real.leave

    def leave(self, status: int) -> NoReturn:
        """`os._exit`."""
        self.on_end(status)

    def abort(self) -> NoReturn:
        """`os.abort`."""
        self.on_end(_ABORTED)

    def kill(self, pid: int, number: int) -> Any:
        """`os.kill`: of the target itself an end; any other is no simulated signal, and refused."""
        if pid == PID and number in _FATAL:
            self.on_end(-int(number))
        return None if pid == PID and number == 0 else real.kill(pid, number)


ENDING = Ending()
"""The one of this process."""
