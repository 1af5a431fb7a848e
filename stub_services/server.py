"""Drives services on real sockets with asyncio: a thin shell around `Connection`."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
import time
from collections.abc import Mapping
from functools import partial

from neighbours import stranger
from stub_services.connection import Connection
from stub_services.control import Admits, anyone
from stub_services.delivery import End
from stub_services.service import Service

_BACKLOG = 1024
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class SocketProtocol(asyncio.Protocol):
    """One accepted socket."""

    def __init__(
        self,
        service: Service,
        loop: asyncio.AbstractEventLoop,
        admits: Admits = anyone,
        *,
        alone: bool = False,
    ) -> None:
        self._loop = loop
        self._alone = alone
        self._connection = Connection(service, self._advance, admits)
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Accepted; unless it is another account's, and this run's own are to be alone here."""
        assert isinstance(transport, asyncio.Transport)
        if self._alone and _is_strangers(transport):
            transport.abort()
            return
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Bytes came."""
        self._connection.feed(time.monotonic(), data)
        self._advance()

    def eof_received(self) -> None:
        """The client sends no more."""
        self._connection.eof(time.monotonic())
        self._advance()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone."""
        self._connection.eof(time.monotonic())
        if self._timer is not None:
            self._timer.cancel()
        self._transport = None

    def _advance(self) -> None:
        """Carry out what is due, and come back when something else is."""
        now_s = time.monotonic()
        if self._timer is not None:
            # A timer may fire within the clock's resolution before its instant.
            if self._timer.when() - now_s < 0.001:
                now_s = max(now_s, self._timer.when())
            self._timer.cancel()
            self._timer = None
        for output in self._connection.advance(now_s):
            self._carry_out(output)
        wake_s = self._connection.next_wake_s
        if wake_s != float("inf") and self._transport is not None:
            self._timer = self._loop.call_at(wake_s, self._advance)

    def _carry_out(self, output: bytes | End) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        if isinstance(output, bytes):
            self._transport.write(output)
        elif output is End.RESET:
            sock = self._transport.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            self._transport.abort()
        else:
            self._transport.close()


async def listen(
    services: Mapping[str, Service],
    *,
    host: str,
    ports: Mapping[str, int],
    admits: Admits = anyone,
    alone: bool = False,
    tls: Mapping[str, ssl.SSLContext] | None = None,
) -> dict[str, asyncio.Server]:
    """Start a listener for each service; port 0 takes any free one, `admits` says whom it obeys.

    `alone` turns away what other accounts of this machine connect.
    `tls`: with which context each service listens; without any, all do, in the clear.

    Raises: OSError for a port that is taken.
    """
    loop = asyncio.get_running_loop()
    servers = {}
    for name, service in services.items():
        servers[name] = await loop.create_server(
            partial(SocketProtocol, service, loop, admits, alone=alone),
            host,
            ports.get(name, 0),
            backlog=_BACKLOG,
            ssl=None if tls is None else tls[name],
        )
    return servers


def _is_strangers(transport: asyncio.Transport) -> bool:
    ends = transport.get_extra_info("sockname"), transport.get_extra_info("peername")
    return all(ends) and stranger(*ends) is not None


def port_of(server: asyncio.Server) -> int:
    """The port that a listener has."""
    port: int = server.sockets[0].getsockname()[1]
    return port
