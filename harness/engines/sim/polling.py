"""`select`, `poll` and `epoll` over simulated sockets."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable
from typing import Any

from . import descriptors
from .scheduler import KERNEL, Task
from .socket_state import State

POLLIN, POLLPRI, POLLOUT, POLLERR, POLLHUP, POLLNVAL = 1, 2, 4, 8, 16, 32
_READ = POLLIN | POLLPRI
EPOLLONESHOT = 1 << 30


def _fd(file: Any) -> int:
    fd = file if isinstance(file, int) else file.fileno()
    if not isinstance(fd, int):
        raise TypeError("argument must be an int, or have a fileno() method.")
    if fd < 0:
        raise ValueError(f"file descriptor cannot be a negative integer ({fd})")
    return fd


def _events(fd: int, wanted: int) -> int:
    try:
        readable, writable, broken = descriptors.take(fd).readiness()
    except OSError:
        return POLLNVAL
    events = (wanted & _READ & POLLIN if readable else 0) | (wanted & POLLOUT if writable else 0)
    return events | (POLLERR | POLLHUP if broken else 0)


def _ready(wanted: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    return [(fd, events) for fd, mask in wanted if (events := _events(fd, mask))]


def _wait(wanted: list[tuple[int, int]], timeout_s: float | None) -> list[tuple[int, int]]:
    """The descriptors that are ready, waiting for the first."""
    until_s = None if timeout_s is None else KERNEL.now_s + timeout_s
    while True:
        ready = _ready(wanted)
        if ready or timeout_s == 0:
            return ready
        if until_s is not None and KERNEL.now_s >= until_s:
            return []
        _park(wanted, until_s)


def _park(wanted: list[tuple[int, int]], until_s: float | None) -> None:
    task: Task = KERNEL.here()
    ends = []
    for fd, _ in wanted:
        opened = descriptors.take(fd)
        if isinstance(opened, State) and (end := opened.waiting_end()) is not None:
            end.waiters.append(task)
            ends.append(end)
    KERNEL.park("sockets (select)", until_s)
    for end in ends:
        if task in end.waiters:
            end.waiters.remove(task)


def select(
    rlist: Iterable[Any], wlist: Iterable[Any], xlist: Iterable[Any], timeout: float | None = None
) -> tuple[list[Any], list[Any], list[Any]]:
    """As `select.select`.

    Raises: OSError (EBADF), ValueError.
    """
    files: dict[int, tuple[list[Any], list[Any]]] = {}
    for kind, group in enumerate((rlist, wlist)):
        for file in group:
            files.setdefault(_fd(file), ([], []))[kind].append(file)
    if timeout is not None and timeout < 0:
        raise ValueError("timeout must be non-negative")
    wanted = [
        (fd, (POLLIN if reads else 0) | (POLLOUT if writes else 0))
        for fd, (reads, writes) in files.items()
    ]
    readable: list[Any] = []
    writable: list[Any] = []
    for fd, events in _wait(wanted, timeout):
        if events & POLLNVAL:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        reads, writes = files[fd]
        readable += reads if events & (POLLIN | POLLERR) else []
        writable += writes if events & (POLLOUT | POLLERR) else []
    return readable, writable, []


class Poll:
    """As `select.poll()`; milliseconds."""

    _unit_s = 0.001
    _default = POLLIN | POLLPRI | POLLOUT

    def __init__(self) -> None:
        self._wanted: dict[int, int] = {}

    def register(self, file: Any, eventmask: int | None = None) -> None:
        """Watch a file."""
        self._wanted[_fd(file)] = self._default if eventmask is None else eventmask

    def modify(self, file: Any, eventmask: int) -> None:
        """Watch it for something else.

        Raises: OSError (ENOENT).
        """
        fd = _fd(file)
        if fd not in self._wanted:
            raise OSError(errno.ENOENT, os.strerror(errno.ENOENT))
        self._wanted[fd] = eventmask

    def unregister(self, file: Any) -> None:
        """Watch it no more; raises KeyError."""
        del self._wanted[_fd(file)]

    def poll(self, timeout: float | None = None, maxevents: int = -1) -> list[tuple[int, int]]:
        """What is ready, waiting for the first."""
        timeout_s = None if timeout is None or timeout < 0 else timeout * self._unit_s
        return _wait(list(self._wanted.items()), timeout_s)


class Epoll(Poll):
    """As `select.epoll()`, level-triggered; seconds."""

    _unit_s = 1.0
    _default = POLLIN | POLLPRI | POLLOUT
    copies = 0

    def __init__(self, sizehint: int = -1, flags: int = 0) -> None:
        super().__init__()
        self._number = descriptors.give(self)
        self.closed = False

    def register(self, file: Any, eventmask: int | None = None) -> None:
        """Watch a file.

        Raises: FileExistsError.
        """
        if _fd(file) in self._wanted:
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
        descriptors.take(_fd(file))
        super().register(file, eventmask)

    def unregister(self, file: Any) -> None:
        """Watch it no more; raises OSError (ENOENT)."""
        if self._wanted.pop(_fd(file), None) is None:
            raise OSError(errno.ENOENT, os.strerror(errno.ENOENT))

    def poll(self, timeout: float | None = None, maxevents: int = -1) -> list[tuple[int, int]]:
        """What is ready, waiting for the first; closed files leave by themselves."""
        for fd in [fd for fd in self._wanted if _events(fd, 0) & POLLNVAL]:
            del self._wanted[fd]
        ready = super().poll(timeout)
        for fd, _ in ready:
            if self._wanted.get(fd, 0) & EPOLLONESHOT:
                self._wanted[fd] = 0
        return ready if maxevents <= 0 else ready[:maxevents]

    def fileno(self) -> int:
        """Its descriptor."""
        return self._number

    def close(self) -> None:
        """Close it."""
        if not self.closed:
            self.closed = True
            descriptors.close(self._number)

    def readiness(self) -> tuple[bool, bool, bool]:
        """Readable when something that it watches is ready."""
        return bool(_ready(self._wanted.items())), False, False

    def release(self) -> None:
        """Nothing to do: it holds no connection."""

    @classmethod
    def fromfd(cls, fd: int) -> Epoll:
        """Not simulated."""
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))

    def __enter__(self) -> Epoll:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
