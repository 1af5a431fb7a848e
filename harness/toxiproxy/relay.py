"""One connection through a proxy: two sockets, a link for each direction, and what moves the bytes.

Plain non-blocking sockets on the event loop's readiness callbacks rather than asyncio transports:
the relay decides itself when to read (back pressure), when bytes go out (one chunk, one write) and
how a socket is closed (FIN or RST), and a new connection costs no tasks and no futures.
Source of behaviour: Toxiproxy 2.12 `link.go` and `proxy.go`.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from collections import deque
from typing import Protocol

from harness.faults import End, Link, Placed, join
from harness.toxiproxy.log import JournalSink
from harness.toxiproxy.loop import readiness

_SPIN_S = 0.00002
"""A wait this short is cheaper spun than slept."""
_WRITES_A_TURN = 64
"""What one direction of one connection may write before all others have their turn."""
_RST_ON_CLOSE = struct.pack("ii", 1, 0)
_TRIES_AGAIN = (BlockingIOError, InterruptedError)


class Owner(Protocol):
    """What a connection tells its proxy."""

    def connection_ended(self, connection: Connection) -> None:
        """Both sockets are closed."""

    def source_ended(self, direction: str, error: OSError) -> None:
        """A read failed with anything but an orderly end."""

    def write_failed(self, connection: Connection, error: OSError) -> None:
        """A destination took no more bytes."""


class Connection:
    """A client, its upstream, and the two flows between them."""

    __slots__ = (
        "_by",
        "_loop",
        "_owner",
        "client",
        "downstream",
        "journal",
        "number",
        "upstream",
        "upstream_socket",
    )

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        owner: Owner,
        number: int,
        client: socket.socket,
        upstream_socket: socket.socket,
        links: tuple[Link, Link],
        journal: JournalSink | None,
    ) -> None:
        self._loop = loop
        self._owner = owner
        self._by = ""
        self.number = number
        self.client = client
        self.upstream_socket = upstream_socket
        self.journal = journal
        join(*links)
        self.upstream = Flow(loop, self, "upstream", client, upstream_socket, links[0])
        self.downstream = Flow(loop, self, "downstream", upstream_socket, client, links[1])
        self.upstream.opposite = self.downstream
        self.downstream.opposite = self.upstream

    def start(self) -> None:
        """Starts to read from both sides."""
        self.upstream.start()
        self.downstream.start()

    def add(self, direction: str, placed: Placed) -> None:
        """Appends a toxic to the chain of one direction."""
        self._change(direction).add(time.monotonic(), placed)
        self._settle(direction)

    def update(self, direction: str, placed: Placed, *, restart: bool) -> None:
        """Changes a toxic of one direction."""
        self._change(direction).update(time.monotonic(), placed, restart=restart)
        self._settle(direction)

    def remove(self, direction: str, name: str) -> None:
        """Takes a toxic out of one direction."""
        self._change(direction).remove(time.monotonic(), name)
        self._settle(direction)

    def close(self) -> None:
        """Ends both sides at once; whatever is on its way is lost."""
        self.ended_by("proxy")
        reset = self.upstream.link.resets or self.downstream.link.resets
        for flow in (self.upstream, self.downstream):
            flow.drop()
            flow.shut(reset=reset)
        self.report_if_over()

    def ended_by(self, who: str) -> None:
        """Notes who ended the connection; only the first counts."""
        if not self._by:
            self._by = who
            if self.journal is not None:
                self.journal.closed(who)

    def report_if_over(self) -> None:
        """Tells the proxy once that both sides are closed."""
        if self.upstream.shut_down and self.downstream.shut_down:
            self._owner.connection_ended(self)

    def failed_to_write(self, error: OSError) -> None:
        """Passes it on to whoever logs."""
        self._owner.write_failed(self, error)

    def failed_to_read(self, direction: str, error: OSError) -> None:
        """Passes it on to whoever logs."""
        self._owner.source_ended(direction, error)

    def _change(self, direction: str) -> Link:
        return (self.upstream if direction == "upstream" else self.downstream).link

    def _settle(self, direction: str) -> None:
        flow = self.upstream if direction == "upstream" else self.downstream
        if not flow.shut_down:
            flow.move(time.monotonic())


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
        connection: Connection,
        direction: str,
        source: socket.socket,
        destination: socket.socket,
        link: Link,
    ) -> None:
        self._loop = loop
        self._ready = readiness(loop)
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
            return
        at_s = time.monotonic()
        link.feed(at_s, data)
        self.move(at_s)

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
