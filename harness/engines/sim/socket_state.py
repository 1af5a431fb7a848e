"""What stands behind a simulated socket: what its descriptors share, and its kinds of peer."""

from __future__ import annotations

from collections import deque
from typing import Any

from .fabric import FABRIC, Address, End, Remote
from .scheduler import KERNEL

AF_INET, AF_UNIX = 2, 1
SOL_SOCKET, SO_TYPE, SO_ERROR, SO_LINGER = 1, 3, 4, 13
_default_timeout: float | None = None


def get_default_timeout() -> float | None:
    """The timeout of new sockets, in seconds."""
    return _default_timeout


def set_default_timeout(timeout: float | None) -> None:
    """Set the timeout of new sockets, in seconds; None blocks."""
    global _default_timeout
    _default_timeout = None if timeout is None else float(timeout)


class Pair:
    """The far end of a connection whose owner is a simulated socket too."""

    __slots__ = ("end",)

    def __init__(self, end: End) -> None:
        self.end = end

    def received(self, data: bytes) -> None:
        """Bytes for the other socket."""
        self.end.arrive(data)

    def ended(self) -> None:
        """The other socket reads its end."""
        self.end.arrive_end()

    def gone(self, *, reset: bool) -> None:
        """The other socket is told."""
        self.end.arrive_close(reset=reset)

    def unread_bytes(self) -> int:
        """What the other socket hasn't read."""
        return len(self.end.buffer)


class Backlog:
    """A listening socket of the target itself."""

    refuses = False

    def __init__(self, address: Address) -> None:
        self.address = address
        self.waiting: deque[End] = deque()
        self.end = End(address)

    def knock(self, end: End, *, again: bool) -> Remote | None:
        """Queue a connection for `accept`."""
        near = End(self.address)
        near.accept(Pair(end), end.local)
        near.patience, end.patience = end.changed, near.changed
        self.waiting.append(near)
        self.end.changed()
        return Pair(near)


class State:
    """What descriptors of one socket share."""

    __slots__ = (
        "backlog",
        "bound",
        "copies",
        "end",
        "family",
        "kind",
        "options",
        "proto",
        "target",
        "timeout",
    )

    def __init__(self, family: int, kind: int, proto: int) -> None:
        self.family = family
        self.kind = kind
        self.proto = proto
        self.timeout = _default_timeout
        self.options: dict[tuple[int, int], Any] = {}
        self.bound: Address | None = None
        self.target: Address | None = None
        self.end: End | None = None
        self.backlog: Backlog | None = None
        self.copies = 0

    def name(self) -> Any:
        """Its own address, as `getsockname` gives it."""
        if self.family == AF_UNIX:
            return ""
        if self.end is not None:
            return self.end.local
        return self.bound or (("127.0.0.1", 0) if self.target else ("0.0.0.0", 0))

    def option(self, level: int, option: int, length: int) -> Any:
        """An option as it was set; SO_ERROR reads and clears the pending error."""
        if (level, option) == (SOL_SOCKET, SO_ERROR):
            if self.end is None:
                return 0
            pending, self.end.error = self.end.error, 0
            return pending
        if (level, option) == (SOL_SOCKET, SO_TYPE):
            return self.kind
        return self.options.get((level, option), 0 if not length else bytes(length))

    def until_s(self) -> float | None:
        """When a call that begins now has waited for long enough; None waits for ever."""
        return None if self.timeout is None else KERNEL.now_s + self.timeout

    def with_peer(self, action: str) -> str:
        """What a task waits for, for people: an action and whose it is."""
        peer = self.end.peer if self.end else None
        return f"{action} {peer[0]}:{peer[1]}" if peer else action

    def readiness(self) -> tuple[bool, bool, bool]:
        """Whether it is readable, writable, broken."""
        if self.backlog is not None:
            return bool(self.backlog.waiting), False, False
        end = self.end
        if end is None:
            return False, True, False
        if not end.connected and not end.error:
            return False, False, False
        return end.readable, bool(end.error or end.peer_closed or end.room), bool(end.error)

    def waiting_end(self) -> End | None:
        """Where a task that polls it waits."""
        return self.backlog.end if self.backlog is not None else self.end

    def release(self) -> None:
        """Its last descriptor is closed."""
        if self.backlog is not None and self.bound is not None:
            FABRIC.listeners.pop(self.bound, None)
            self.backlog.end.close()
        if self.end is not None:
            linger = self.options.get((SOL_SOCKET, SO_LINGER), b"")
            hard = isinstance(linger, bytes) and linger[:8] == b"\x01\0\0\0\0\0\0\0"
            self.end.release(reset=hard)
