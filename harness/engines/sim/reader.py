"""A buffered reader for simulated sockets: what `makefile("rb")` gives.

C's own holds a lock of its own over a read, so two tasks on one reader would stop the baton. Here a
second task waits on a simulated lock until the first is done.
"""

from __future__ import annotations

import io
from typing import Any

from .locks import RLock

_READ_BYTES = 8192


class SocketReader(io.BufferedIOBase):
    """Reads a raw socket stream in larger pieces; the interface of `io.BufferedReader`."""

    def __init__(self, raw: Any, buffer_size: int = _READ_BYTES) -> None:
        self.raw = raw
        self._size = max(buffer_size, 1)
        self._buffer = bytearray()
        self._lock = RLock()

    def _fill(self, want: int = 0) -> bool:
        """One read of the socket; False at the end. Like C's, None when it would block."""
        data = self.raw.read(max(self._size, want))
        if not data:
            return False
        self._buffer += data
        return True

    def _take(self, size: int) -> bytes:
        data = bytes(self._buffer[:size])
        del self._buffer[:size]
        return data

    def readable(self) -> bool:
        """Whether it can be read: always."""
        self._check()
        return True

    def _check(self) -> None:
        if self.closed:
            raise ValueError("I/O operation on closed file.")

    def read(self, size: int | None = -1, /) -> bytes:
        """That many bytes, fewer only at the end; all of them by default."""
        self._check()
        with self._lock:
            wanted = None if size is None or size < 0 else size
            while (wanted is None or len(self._buffer) < wanted) and self._fill():
                pass
            return self._take(len(self._buffer) if wanted is None else wanted)

    def read1(self, size: int = -1, /) -> bytes:
        """What there is, after at most one read of the socket."""
        self._check()
        with self._lock:
            if size == 0:
                return b""
            if not self._buffer:
                self._fill()
            return self._take(len(self._buffer) if size < 0 else size)

    def readinto(self, buffer: Any, /) -> int:
        """Fill a buffer; how many bytes."""
        view = memoryview(buffer).cast("B")
        data = self.read(len(view))
        view[: len(data)] = data
        return len(data)

    def readinto1(self, buffer: Any, /) -> int:
        """As `readinto` after at most one read of the socket."""
        view = memoryview(buffer).cast("B")
        data = self.read1(len(view))
        view[: len(data)] = data
        return len(data)

    def readline(self, size: int | None = -1, /) -> bytes:
        """Up to and with the next line break."""
        self._check()
        limit = -1 if size is None else size
        with self._lock:
            searched = 0
            while True:
                found = self._buffer.find(b"\n", searched)
                if found >= 0:
                    length = found + 1
                    break
                searched = len(self._buffer)
                if 0 <= limit <= searched or not self._fill():
                    length = len(self._buffer)
                    break
            return self._take(length if limit < 0 else min(length, limit))

    def peek(self, size: int = 0, /) -> bytes:
        """What is buffered, after at most one read of the socket, without taking it."""
        self._check()
        with self._lock:
            if not self._buffer:
                self._fill()
            return bytes(self._buffer)

    def close(self) -> None:
        """Close the stream and the raw one."""
        if not self.closed:
            try:
                super().close()
            finally:
                self.raw.close()

    def detach(self) -> Any:
        """Not offered: the raw stream stays with its reader."""
        raise io.UnsupportedOperation("detach")

    def fileno(self) -> int:
        """The raw stream's descriptor."""
        return int(self.raw.fileno())

    def isatty(self) -> bool:
        """Never."""
        return False

    @property
    def name(self) -> Any:
        """The raw stream's name."""
        return self.raw.name

    @property
    def mode(self) -> str:
        """The raw stream's mode."""
        return str(self.raw.mode)
