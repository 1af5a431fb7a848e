"""What stands in for the `_thread` module: threads are tasks, and their ends can be waited for."""

from __future__ import annotations

from ..locks import Lock
from ..scheduler import KERNEL, Task

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def _name(call: Callable[..., object]) -> str:
    owner = getattr(call, "__self__", None)
    return str(getattr(owner, "_name", None) or getattr(call, "__name__", "thread"))


class Threads:
    """The module's functions, as bound methods: they stay plain when kept in a class body."""

    def start_new_thread(
        self,
        function: Callable[..., object],
        args: tuple[Any, ...],
        kwargs: dict[str, Any] | None = None,
        /,
    ) -> int:
        """Start a task; its identity."""
        if not callable(function):
            raise TypeError("first arg must be callable")
        return KERNEL.spawn(_name(function), function, *args, **(kwargs or {})).ident

    def get_ident(self) -> int:
        """The current task's identity."""
        return KERNEL.ident()

    def allocate_lock(self) -> Lock:
        """A new lock."""
        return Lock()

    def set_sentinel(self) -> Lock:
        """A lock that is released when the current task ends (up to Python 3.12)."""
        lock = Lock()

        def release() -> None:
            if lock.locked():
                lock.release()

        KERNEL.here().at_end.append(release)
        return lock

    def start_joinable_thread(
        self,
        function: Callable[[], object],
        handle: ThreadHandle | None = None,
        daemon: bool = True,
    ) -> ThreadHandle:
        """Start a task with a handle to wait for its end (from Python 3.13)."""
        handle = ThreadHandle() if handle is None else handle
        handle.began(KERNEL.spawn(_name(function), function))
        return handle

    def make_thread_handle(self, ident: int) -> ThreadHandle:
        """A handle of a task that runs already (from Python 3.13)."""
        handle = ThreadHandle()
        handle.began(KERNEL.tasks[ident])
        return handle

    def get_main_thread_ident(self) -> int:
        """The main task's identity."""
        return KERNEL.main.ident


class ThreadHandle:
    """`_thread._ThreadHandle` of Python 3.13."""

    def __init__(self) -> None:
        self.ident = 0
        self._done = Lock()

    def began(self, task: Task) -> None:
        """The task that it stands for is there.

        Raises: RuntimeError for a second one.
        """
        if self.ident:
            raise RuntimeError("thread already started")
        self.ident = task.ident
        self._done.acquire()
        task.at_end.append(self._set_done)

    def is_done(self) -> bool:
        """Whether the task has ended."""
        return bool(self.ident) and not self._done.locked()

    def join(self, timeout: float | None = None, /) -> None:
        """Wait for its end.

        Raises: RuntimeError before its start, or for the current task.
        """
        if not self.ident:
            raise RuntimeError("thread not started")
        if self.ident == KERNEL.ident() and not self.is_done():
            raise RuntimeError("Cannot join current thread")
        wait_s = -1.0 if timeout is None or timeout < 0 else timeout
        if self._done.acquire(True, wait_s):
            self._done.release()

    def _set_done(self) -> None:
        if self._done.locked():
            self._done.release()


THREADS = Threads()
