"""Descriptors of simulated sockets: numbers so high that no real call knows them.

Real `select` refuses such a number, real `poll` says it is invalid, `read` says EBADF: none blocks.
"""

from __future__ import annotations

import errno
import os
from typing import Protocol

FIRST = 1 << 20
LIMIT = 1024
"""As many as a process may usually have open: a target that leaks sockets runs out of them."""


class Opened(Protocol):
    """What a descriptor stands for; `copies` counts its descriptors."""

    copies: int

    def readiness(self) -> tuple[bool, bool, bool]:
        """Whether it is readable, writable, broken."""

    def release(self) -> None:
        """The last descriptor of it is closed."""


_table: dict[int, Opened] = {}
_next = FIRST


def give(opened: Opened) -> int:
    """A new descriptor.

    Raises: OSError (EMFILE) beyond the limit.
    """
    global _next
    if len(_table) >= LIMIT:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
    _next += 1
    _table[_next] = opened
    opened.copies += 1
    return _next


def take(fd: int) -> Opened:
    """What a descriptor stands for.

    Raises: OSError (EBADF).
    """
    opened = _table.get(fd)
    if opened is None:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))
    return opened


def close(fd: int) -> None:
    """Close a descriptor; raises as `take`."""
    opened = take(fd)
    del _table[fd]
    opened.copies -= 1
    if not opened.copies:
        opened.release()


def duplicate(fd: int) -> int:
    """One more descriptor of the same; raises as `take`."""
    return give(take(fd))


def open_count() -> int:
    """How many are open."""
    return len(_table)
