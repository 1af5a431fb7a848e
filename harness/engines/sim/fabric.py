"""The simulated network: addresses, listeners, and TCP connections as a client can tell them.

A connection is two ends; what one does reaches the other `LATENCY_S` later, in order. A listener
decides what becomes of a connect: accepted, refused, or no answer at all.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import Protocol

from .scheduler import KERNEL, Task

LATENCY_S = 0.0001
"""From one end to the other; a round trip on loopback is about twice this."""

WINDOW_BYTES = 1 << 20
"""How much a sender may be ahead of its reader: loopback's buffers, roughly."""

SYN_RETRIES_S = (1.0, 3.0, 7.0, 15.0, 31.0, 63.0)
"""When Linux sends an unanswered SYN again, in seconds after the first."""

SYN_GIVES_UP_S = 127.0

Address = tuple[str, int]


def drawn_latency_s() -> float:
    """A connection's one-way latency; under some seeds each has its own."""
    return LATENCY_S * (0.5 + 9.5 * KERNEL.choices.random()) if KERNEL.spreads else LATENCY_S


class Remote(Protocol):
    """The far end of a connection, told of what arrives. None of these may wait."""

    def received(self, data: bytes) -> None:
        """Bytes arrived."""

    def ended(self) -> None:
        """The near end will send no more (FIN)."""

    def gone(self, *, reset: bool) -> None:
        """The near end is closed both ways; with `reset` by an RST."""

    def unread_bytes(self) -> int:
        """How much of what arrived is not taken yet: back pressure."""


class Listener(Protocol):
    """Somebody at an address."""

    @property
    def refuses(self) -> bool:
        """Whether a connect is answered by an RST."""

    def knock(self, end: End, *, again: bool) -> Remote | None:
        """Who takes the connection; None for no answer at all. `again`: this SYN is repeated."""


class End:
    """The near end of a connection: buffers, flags, and the tasks that wait for a change."""

    __slots__ = (
        "buffer",
        "closed",
        "connected",
        "error",
        "in_flight",
        "latency_s",
        "leaving",
        "local",
        "patience",
        "peer",
        "peer_closed",
        "peer_ended",
        "remote",
        "sent_end",
        "waiters",
    )

    def __init__(self, local: Address) -> None:
        self.local = local
        self.peer: Address | None = None
        self.remote: Remote | None = None
        self.buffer = bytearray()
        self.connected = False
        self.peer_ended = False
        self.peer_closed = False
        self.sent_end = False
        self.closed = False
        self.leaving = False
        self.error = 0
        self.in_flight = 0
        self.latency_s = drawn_latency_s()
        self.patience: Callable[[], object] | None = None
        """Told when there is room again for what the peer sends."""
        self.waiters: list[Task] = []

    # -- what the owner does -----------------------------------------------------------------

    @property
    def readable(self) -> bool:
        """Whether a read would return at once."""
        return bool(self.buffer) or self.peer_ended or self.error != 0

    @property
    def room(self) -> int:
        """How many bytes a write would take now."""
        if self.error or self.peer_closed:
            return WINDOW_BYTES
        assert self.remote is not None
        return max(0, WINDOW_BYTES - self.in_flight - self.remote.unread_bytes())

    def write(self, data: bytes) -> None:
        """Send bytes; the caller has looked at `room`."""
        self.in_flight += len(data)
        KERNEL.call_later(self.latency_s, self._deliver, data)

    def end(self) -> None:
        """Send FIN: no more bytes from here."""
        if not self.sent_end and self.connected:
            self.sent_end = True
            KERNEL.call_later(self.latency_s, self._deliver_end)

    def close(self, *, reset: bool = False) -> None:
        """Close both ways; with bytes unread, or on demand, by an RST, as Linux does."""
        if self.closed:
            return
        self.closed = True
        if self.connected and not self.error:
            KERNEL.call_later(self.latency_s, self._deliver_close, reset or bool(self.buffer))
        self.buffer.clear()
        self.changed()

    def release(self, *, reset: bool = False) -> None:
        """Close, but not before the last task that waits here has left: Linux's calls hold on."""
        if self.waiters:
            self.leaving = True
        else:
            self.close(reset=reset)

    def wait(self, what: str, until_s: float | None) -> bool:
        """Let the current task wait for a change, at most until then; whether there was one."""
        task = KERNEL.here()
        self.waiters.append(task)
        woken = KERNEL.park(what, until_s)
        if not woken:
            self.waiters.remove(task)
        if self.leaving and not self.waiters:
            self.close()
        return woken

    def take(self, size: int) -> bytes:
        """Bytes that have arrived, at most `size`."""
        data = bytes(self.buffer[:size])
        del self.buffer[:size]
        if self.patience is not None and len(self.buffer) < WINDOW_BYTES // 2:
            KERNEL.call_later(self.latency_s, self.patience)
        return data

    def changed(self) -> None:
        """Wake everyone who waits for this end."""
        if self.waiters:
            waiters, self.waiters = self.waiters, []
            # One whose time is up at this very instant is left to remove itself.
            self.waiters = [task for task in waiters if not KERNEL.wake(task)]

    def _deliver(self, data: bytes) -> None:
        self.in_flight -= len(data)
        if self.remote is None:
            return
        if self.peer_closed:
            # The peer is closed: it answers with an RST.
            KERNEL.call_later(self.latency_s, self.fail, errno.ECONNRESET)
        else:
            self.remote.received(data)

    def _deliver_end(self) -> None:
        if self.remote is not None and not self.peer_closed:
            self.remote.ended()

    def _deliver_close(self, reset: bool) -> None:
        if self.remote is not None:
            self.remote.gone(reset=reset)

    # -- what happens to it ------------------------------------------------------------------

    def accept(self, remote: Remote, peer: Address) -> None:
        """The connection is established."""
        self.remote = remote
        self.peer = peer
        self.connected = True
        self.changed()

    def arrive(self, data: bytes) -> None:
        """Bytes from the peer."""
        if not self.closed and not self.error:
            self.buffer += data
            self.changed()

    def arrive_end(self) -> None:
        """The peer sends no more."""
        self.peer_ended = True
        self.changed()

    def arrive_close(self, *, reset: bool) -> None:
        """The peer is closed both ways."""
        self.peer_closed = True
        self.peer_ended = True
        if reset:
            self.fail(errno.ECONNRESET)
        self.changed()

    def fail(self, error: int) -> None:
        """The connection is broken; unread bytes are lost, as after an RST."""
        if not self.closed:
            self.error = error
            self.peer_ended = self.peer_closed = True
            self.buffer.clear()
            self.changed()


class Fabric:
    """All addresses of one simulated network."""

    def __init__(self) -> None:
        self.listeners: dict[Address, Listener] = {}
        self.names: dict[str, str] = {"localhost": "127.0.0.1"}
        self.on_stranger: Callable[[Address], object] = lambda address: None
        self._port = 40_000

    def next_port(self) -> int:
        """A port that nobody uses."""
        self._port = self._port + 1 if self._port < 60_999 else 40_001
        return self._port

    def find(self, address: Address) -> Listener | None:
        """Who listens there, by this address or on all addresses."""
        host, port = address
        return self.listeners.get((host, port)) or self.listeners.get(("0.0.0.0", port))

    def connect(self, end: End, address: Address) -> None:
        """Send a SYN; `end` is accepted, fails, or hears nothing, later."""
        KERNEL.call_later(end.latency_s, self._knock, end, address, KERNEL.now_s, 0)

    def _knock(self, end: End, address: Address, begun_s: float, tries: int) -> None:
        if end.closed or end.connected or end.error:
            return
        listener = self.find(address)
        if listener is None:
            self.on_stranger(address)
            far = not address[0].startswith("127.") and address[0] != "0.0.0.0"
            error = errno.EHOSTUNREACH if far else errno.ECONNREFUSED
            KERNEL.call_later(end.latency_s, end.fail, error)
        elif listener.refuses:
            KERNEL.call_later(end.latency_s, end.fail, errno.ECONNREFUSED)
        elif (remote := listener.knock(end, again=tries > 0)) is not None:
            KERNEL.call_later(end.latency_s, end.accept, remote, address)
        elif tries < len(SYN_RETRIES_S):
            again_s = begun_s + SYN_RETRIES_S[tries]
            KERNEL.call_at(again_s, self._knock, end, address, begun_s, tries + 1)
        else:
            KERNEL.call_at(begun_s + SYN_GIVES_UP_S, self._give_up, end)

    def _give_up(self, end: End) -> None:
        if not end.connected and not end.closed and not end.error:
            end.fail(errno.ETIMEDOUT)


FABRIC = Fabric()
"""The one network of this process: where the patched sockets live."""
