"""Locks of the simulation, in the shape of the `_thread` module's.

A released lock is handed to a waiter at once, so a wait ends in one switch.
"""

from __future__ import annotations

from _collections import deque  # type: ignore[import-not-found]

from .scheduler import KERNEL, Task

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

TIMEOUT_MAX = 9223372036.0
_serial = 0


def next_hash() -> int:
    """A hash from a counter: addresses differ from run to run, and sets iterate by hash."""
    global _serial
    _serial += 1
    return _serial * 31


def count_hashes_anew() -> None:
    """Begin a play's hashes at a fixed number, whatever was imported before it."""
    global _serial
    _serial = 1 << 20


def _deadline_s(blocking: bool, timeout: float) -> float | None:
    if timeout == -1:
        return None
    if not blocking:
        raise ValueError("can't specify a timeout for a non-blocking call")
    if timeout < 0:
        raise ValueError("timeout value must be a non-negative number")
    if timeout > TIMEOUT_MAX:
        raise OverflowError("timeout value is too large")
    return KERNEL.now_s + timeout


class _Queue:
    """Tasks that wait for one thing, first come first served (another order under a seed)."""

    __slots__ = ("waiting",)

    def __init__(self) -> None:
        self.waiting: deque[Task] = deque()

    def park(self, what: str, until_s: float | None) -> bool:
        task = KERNEL.here()
        self.waiting.append(task)
        if KERNEL.park(what, until_s):
            return True
        self.waiting.remove(task)
        return False

    def wake_one(self) -> bool:
        waiting = self.waiting
        while waiting:
            if KERNEL.shuffles and len(waiting) > 1:
                waiting.rotate(-int(KERNEL.choices.random() * len(waiting)))
            # One whose time is up is left to remove itself.
            for task in waiting:
                if KERNEL.wake(task):
                    waiting.remove(task)
                    return True
            return False
        return False


class Lock:
    """`_thread.allocate_lock()`: may be released by anyone."""

    __slots__ = ("__weakref__", "_hash", "_held", "_waiters")

    def __init__(self) -> None:
        self._held = False
        self._waiters: _Queue | None = None
        self._hash = 0

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """As the real one; virtual time passes while it waits."""
        if KERNEL.points:
            KERNEL.switch_point()
        until_s = None if timeout == -1 else _deadline_s(blocking, timeout)
        if not self._held:
            self._held = True
            return True
        if not blocking:
            return False
        if self._waiters is None:
            self._waiters = _Queue()
        return self._waiters.park("a lock", until_s)

    def release(self) -> None:
        """Hand it to a waiter, or free it.

        Raises: RuntimeError when nobody holds it.
        """
        if not self._held:
            raise RuntimeError("release unlocked lock")
        if self._waiters is None or not self._waiters.wake_one():
            self._held = False

    def locked(self) -> bool:
        """Whether somebody holds it."""
        return self._held

    def _at_fork_reinit(self) -> None:
        self._held = False
        self._waiters = None

    acquire_lock = acquire
    release_lock = release
    locked_lock = locked

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()

    def __hash__(self) -> int:
        self._hash = self._hash or next_hash()
        return self._hash

    def __repr__(self) -> str:
        return f"<{'locked' if self._held else 'unlocked'} _thread.lock (simulated)>"


class RLock:
    """`_thread.RLock`: its owner may enter again."""

    __slots__ = ("__weakref__", "_count", "_hash", "_owner", "_waiters")

    def __init__(self) -> None:
        self._owner = 0
        self._count = 0
        self._waiters = _Queue()
        self._hash = 0

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """As the real one; virtual time passes while it waits."""
        if KERNEL.points:
            KERNEL.switch_point()
        until_s = None if timeout == -1 else _deadline_s(blocking, timeout)
        me = KERNEL.ident()
        if self._count == 0:
            self._owner = me
            self._count = 1
            return True
        if self._owner == me:
            self._count += 1
            return True
        if not blocking:
            return False
        if not self._waiters.park("a lock", until_s):
            return False
        # `release` left it held for the one it woke.
        self._owner = me
        return True

    def release(self) -> None:
        """Leave it once.

        Raises: RuntimeError when the caller doesn't own it.
        """
        if self._count == 0 or self._owner != KERNEL.ident():
            raise RuntimeError("cannot release un-acquired lock")
        if self._count > 1:
            self._count -= 1
        else:
            self._leave()

    def _leave(self) -> None:
        self._owner = 0
        if not self._waiters.wake_one():
            self._count = 0

    def _is_owned(self) -> bool:
        return self._count > 0 and self._owner == KERNEL.ident()

    def _recursion_count(self) -> int:
        return self._count if self._is_owned() else 0

    def _release_save(self) -> tuple[int, int]:
        if self._count == 0:
            raise RuntimeError("cannot release un-acquired lock")
        saved = (self._count, self._owner)
        self._count = 1
        self._leave()
        return saved

    def _acquire_restore(self, saved: tuple[int, int]) -> None:
        self.acquire()
        self._count, self._owner = saved

    def _at_fork_reinit(self) -> None:
        self._owner = self._count = 0
        self._waiters = _Queue()

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()

    def __hash__(self) -> int:
        self._hash = self._hash or next_hash()
        return self._hash

    def __repr__(self) -> str:
        return f"<_thread.RLock owner={self._owner} count={self._count} (simulated)>"


class SimpleQueue:
    """`_queue.SimpleQueue`: `put` neither waits nor switches, so finalizers may call it."""

    __class_getitem__ = classmethod(lambda cls, _: cls)

    def __init__(self) -> None:
        self._items: deque[Any] = deque()
        self._waiters = _Queue()

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
        """Add an item."""
        self._items.append(item)
        self._waiters.wake_one()

    def put_nowait(self, item: Any) -> None:
        """Add an item."""
        self.put(item)

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        """Take the oldest item, waiting for one.

        Raises: queue.Empty when there is none in time.
        """
        if timeout is not None and timeout < 0:
            raise ValueError("'timeout' must be a non-negative number")
        until_s = None if timeout is None else KERNEL.now_s + timeout
        while not self._items:
            if not block or not self._waiters.park("a queue", until_s):
                from _queue import Empty

                raise Empty
        return self._items.popleft()

    def get_nowait(self) -> Any:
        """Take the oldest item if there is one."""
        return self.get(block=False)

    def empty(self) -> bool:
        """Whether there is nothing to take."""
        return not self._items

    def qsize(self) -> int:
        """How many items wait."""
        return len(self._items)
