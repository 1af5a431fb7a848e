"""OS threads that run tasks, one at a time: the seam between the scheduler and what carries it.

A worker waits at its gate; whoever holds the baton opens it and then waits at its own. Workers are
used again, since starting an OS thread costs ten times more than a switch.
"""

from __future__ import annotations

from . import real

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


class Worker:
    """One OS thread with a gate, or the thread that the simulation began in."""

    __slots__ = ("gate", "native_id", "real_ident", "work")
    simulated = True
    """The audit hook lets this thread start."""

    def __init__(self, work: Callable[[Worker], None] | None = None) -> None:
        self.gate = real.allocate_lock()
        self.gate.acquire()
        self.work = work
        self.real_ident = 0
        self.native_id = 0
        if work is None:
            self.note_identity()
        else:
            real.start_new_thread(self._run, ())

    def note_identity(self) -> None:
        """Remember which OS thread this is; also needed after a fork."""
        self.real_ident = real.get_ident()
        self.native_id = real.get_native_id()

    def open(self) -> None:
        """Let this worker run. The caller must stop at its own gate at once."""
        self.gate.release()

    def wait(self) -> None:
        """Stop here until somebody opens the gate."""
        self.gate.acquire()

    def _run(self) -> None:
        self.note_identity()
        assert self.work is not None
        self.wait()
        self.work(self)
