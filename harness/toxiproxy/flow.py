"""What moves the bytes of one direction of a connection: from a socket, through a link, to another.

Plain non-blocking sockets on the event loop's readiness callbacks rather than asyncio transports:
the relay decides itself when to read (back pressure), when bytes go out (one chunk, one write) and
how a socket is closed (FIN or RST), and a new connection costs no tasks and no futures.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from collections import deque
from typing import Protocol

from harness.faults import End, Link
from harness.toxiproxy.log import JournalSink
from harness.toxiproxy.loop import readiness, sluice_of

_SPIN_S = 0.00002
"""A wait this short is cheaper spun than slept."""
_WRITES_A_TURN = 64
"""What one direction of one connection may write before all others have their turn."""
_RST_ON_CLOSE = struct.pack("ii", 1, 0)
_TRIES_AGAIN = (BlockingIOError, InterruptedError)


class Connected(Protocol):
    """What a flow tells the connection that it belongs to."""

    @property
    def journal(self) -> JournalSink | None:
        """Where requests and answers are noted, if anywhere."""

    def ended_by(self, who: str) -> None:
        """One side ended the connection."""

    def failed_to_read(self, direction: str, error: OSError) -> None:
        """A read failed with anything but an orderly end."""

    def failed_to_write(self, error: OSError) -> None:
        """The destination took no more bytes."""

    def report_if_over(self) -> None:
        """A direction is closed."""


class Flow:
    """One direction: reads the source, passes it through the link, writes to the destination."""

    __slots__ = (
        "_connection",
        "_destination_fd",
        "_ending",
        "_loop",
        "_out",
        "_reading",
        "_ready",
        "_sluice",
        "_source_fd",
        "_timer",
        "_timer_at_s",
        "destination",
        "direction",
        "link",
        "opposite",
        "shut_down",
        "source",
    )

    opposite: Flow

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        connection: Connected,
        direction: str,
        source: socket.socket,
        destination: socket.socket,
        link: Link,
    ) -> None:
        self._loop = loop
        self._ready = readiness(loop)
        self._sluice = sluice_of(loop)
        self._connection = connection
        self.direction = direction
        self.source = source
        self.destination = destination
        self.link = link
        self.shut_down = False
        """Whether the destination is closed."""
        # Descriptors rather than sockets: asyncio formats a socket's repr, system calls included.
        self._source_fd = source.fileno()
        self._destination_fd = destination.fileno()
        self._reading = False
        self._out: deque[bytes | memoryview] = deque()
        self._ending: End | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at_s = 0.0

    def start(self) -> None:
        """Starts to read, and to wait for toxics that act without data."""
        self._reading = True
        self._ready.add_reader(self._source_fd, self._readable)
        if self.link.next_wake_s < float("inf"):
            self._set_timer()

    def move(self, at_s: float) -> None:
        """Carries out what the link has to say, and sees to reading and waking up again."""
        link = self.link
        writes = 0
        while True:
            for action in link.advance(at_s):
                if isinstance(action, bytes):
                    writes += 1
                    self._write(action, now=writes <= _WRITES_A_TURN)
                else:
                    self._ending = action
            if link.next_wake_s > at_s + _SPIN_S or writes > _WRITES_A_TURN:
                break
            at_s = time.monotonic()
        if self._ending is not None and not self._out:
            self._end()
            return
        if link.wants_data:
            if not self._reading and not self.opposite.shut_down:
                self._reading = True
                self._ready.add_reader(self._source_fd, self._readable)
        elif self._reading:
            self._stop_reading()
        if link.next_wake_s != self._timer_at_s:
            self._set_timer()

    def drop(self) -> None:
        """Forgets what hasn't gone out."""
        if self._out:
            self._ready.remove_writer(self._destination_fd)
            self._out.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def shut(self, *, reset: bool) -> None:
        """Closes the destination, by RST or the ordinary way; the opposite reader meets its end."""
        if self.shut_down:
            return
        self.shut_down = True
        self.opposite._stop_reading()
        if reset:
            self.destination.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RST_ON_CLOSE)
        self.destination.close()

    def _readable(self) -> None:
        link = self.link
        try:
            data = self.source.recv(link.read_bytes)
        except _TRIES_AGAIN:
            return
        except OSError as error:
            self._connection.failed_to_read(self.direction, error)
            data = b""
        if not data:
            self._source_ended()
            return
        journal = self._connection.journal
        if journal is not None and self.direction == "upstream":
            journal.from_client(data)
        if link.transparent and not self._out:
            self._write(data)
            if len(data) == link.read_bytes:
                self._pour()
            return
        at_s = time.monotonic()
        link.feed(at_s, data)
        self.move(at_s)

    def _pour(self) -> None:
        """A read came full, so there is more: moves that without a look, where nobody heeds it."""
        journal = self._connection.journal
        heeded = journal is not None and journal.heeds(self.direction)
        if self._sluice is None or heeded or self._out or self._ending is not None:
            return
        moved = self._sluice.move(self._source_fd, self._destination_fd)
        if moved.error is not None:
            self._write_failed(moved.error)
        elif moved.left:
            self._write(moved.left)

    def _source_ended(self) -> None:
        """The source said its last; the end goes down the link behind the data."""
        self._stop_reading()
        self._connection.ended_by("client" if self.direction == "upstream" else "upstream")
        self._tell_end()

    def _tell_end(self) -> None:
        if not self.shut_down:
            at_s = time.monotonic()
            self.link.eof(at_s)
            self.move(at_s)

    def _write(self, data: bytes, *, now: bool = True) -> None:
        """Sends data, or keeps it behind what waits already; unless `now`, for the next turn."""
        journal = self._connection.journal
        if journal is not None and self.direction == "downstream":
            journal.to_client(data)
        if self._out:
            self._out.append(data)
            return
        if self._ending is not None:
            return  # an earlier write failed: the rest has nowhere to go
        try:
            sent = self.destination.send(data) if now else 0
        except _TRIES_AGAIN:
            sent = 0
        except OSError as error:
            self._write_failed(error)
            return
        if sent < len(data):
            self._out.append(memoryview(data)[sent:] if sent else data)
            self._ready.add_writer(self._destination_fd, self._writable)
            self.link.block()
            if self._reading and not self.link.wants_data:
                self._stop_reading()

    def _writable(self) -> None:
        """The destination has room again."""
        try:
            for _ in range(min(len(self._out), _WRITES_A_TURN)):
                data = self._out[0]
                sent = self.destination.send(data)
                if sent < len(data):
                    self._out[0] = memoryview(data)[sent:]
                    return
                self._out.popleft()
        except _TRIES_AGAIN:
            return
        except OSError as error:
            self._out.clear()
            self._ready.remove_writer(self._destination_fd)
            self._write_failed(error)
            return
        if self._out:
            return  # the others have their turn first
        self._ready.remove_writer(self._destination_fd)
        at_s = time.monotonic()
        self.link.unblock(at_s)
        self.move(at_s)

    def _write_failed(self, error: OSError) -> None:
        self._connection.failed_to_write(error)
        self._connection.ended_by("client" if self.direction == "downstream" else "upstream")
        self._ending = End.CLOSE
        self._loop.call_soon(self._end)

    def _end(self) -> None:
        """The writer met the end: closes the destination, whose reader then meets its end too."""
        if self.shut_down:
            return
        self._connection.ended_by("proxy")
        self.drop()
        reset = self._ending is End.RESET or self.link.resets or self.opposite.link.resets
        self.shut(reset=reset)
        self.opposite._tell_end()
        self._connection.report_if_over()

    def _stop_reading(self) -> None:
        if self._reading:
            self._reading = False
            self._ready.remove_reader(self._source_fd)

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._timer_at_s = self.link.next_wake_s
        if self._timer_at_s < float("inf"):
            self._timer = self._loop.call_at(self._timer_at_s, self._wake)

    def _wake(self) -> None:
        self._timer = None
        self._timer_at_s = 0.0
        if not self.shut_down:
            self.move(time.monotonic())
