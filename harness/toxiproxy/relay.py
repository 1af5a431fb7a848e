"""One connection through a proxy: two sockets and a flow for each direction.

Source of behaviour: Toxiproxy 2.12 `link.go` and `proxy.go`.
"""

from __future__ import annotations

import asyncio
import socket
import time
from typing import Protocol

from harness.faults import Link, Placed, join
from harness.toxiproxy.flow import Flow
from harness.toxiproxy.log import JournalSink


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
