"""Bytes that nobody looks at, from one socket to another: through a pipe, without a copy.

Where the system has it (Linux), splice() hands the pages that a socket has received to a pipe, and
from there to another socket; a relay that reads and writes copies each byte twice. The pipe is
empty between two calls, so one does for all connections of a loop.
"""

from __future__ import annotations

import contextlib
import fcntl
import os

from harness.frozen import Frozen

CAPACITY = 1 << 19
"""The most bytes of a move: more keep the others waiting, fewer cost more calls."""
_TRIES_AGAIN = (BlockingIOError, InterruptedError)


class Moved(Frozen):
    """What came of a move."""

    taken: int
    """How many bytes left the source; 0 where it had none, or is at its end."""
    left: bytes = b""
    """The last of them, for which the destination had no room."""
    error: OSError | None = None
    """Why the destination takes no more; then nothing is left."""


class Sluice:
    """A pipe between any two sockets of one thread, for the length of a move."""

    def __init__(self) -> None:
        self._out, self._in = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        with contextlib.suppress(OSError):  # a user's pipes may take too much as it is
            fcntl.fcntl(self._in, fcntl.F_SETPIPE_SZ, CAPACITY)

    def move(self, source: int, destination: int) -> Moved:
        """Moves what the source has; both are descriptors of sockets that don't block.

        Where bytes can't go this way, and where the source is at its end or broken, nothing is
        moved: whoever reads from it finds out.
        """
        try:
            taken = os.splice(source, self._in, CAPACITY)
        except OSError:
            return Moved(0)
        left = taken
        try:
            while left:
                left -= os.splice(self._out, destination, left)
        except _TRIES_AGAIN:
            return Moved(taken, self._rest(left))
        except OSError as error:
            self._rest(left)
            return Moved(taken, error=error)
        return Moved(taken)

    def close(self) -> None:
        """Closes the pipe."""
        os.close(self._in)
        os.close(self._out)

    def _rest(self, size: int) -> bytes:
        """Empties the pipe, which holds so many bytes."""
        parts = []
        while size:
            parts.append(os.read(self._out, size))
            size -= len(parts[-1])
        return b"".join(parts)


def sluice() -> Sluice | None:
    """A new one, where the system has such a thing."""
    return Sluice() if hasattr(os, "splice") else None
