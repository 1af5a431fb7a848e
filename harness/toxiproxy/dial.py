"""Connecting to an upstream without ever waiting for it: one dial holds up nobody else."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from collections.abc import Callable

from harness.toxiproxy import addresses
from harness.toxiproxy.addresses import Address, AddressError

_DONE = (0, errno.EISCONN)
_UNDER_WAY = (errno.EINPROGRESS, errno.EALREADY, errno.EWOULDBLOCK)


class Dial:
    """Resolves an upstream and tries its addresses in turn.

    Calls `connected` with a socket, or `failed` with the reason in Go's words; `failed` with an
    empty reason when it was cancelled. A literal address is dialled in the same turn of the loop.
    """

    __slots__ = (
        "_addresses",
        "_connected",
        "_failed",
        "_loop",
        "_over",
        "_socket",
        "_target",
        "_task",
    )

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        target: str,
        connected: Callable[[socket.socket], None],
        failed: Callable[[str], None],
    ) -> None:
        self._loop = loop
        self._target = target
        self._connected = connected
        self._failed = failed
        self._addresses: list[Address] = []
        self._socket: socket.socket | None = None
        self._task: asyncio.Task[None] | None = None
        self._over = False

    def start(self) -> None:
        """Begins; the outcome may come before this returns."""
        if not self._target:
            self._fail("dial tcp: missing address")
            return
        try:
            literal = addresses.literal(self._target)
        except AddressError as error:
            self._fail(f"dial tcp: {error}")
            return
        if literal is not None:
            self._addresses = [_reachable(literal)]
            self._next("")
        else:
            self._task = self._loop.create_task(self._resolve())

    def cancel(self) -> None:
        """Gives up; `failed` is called with an empty reason unless it is over already."""
        if self._task is not None:
            self._task.cancel()
        self._drop()
        self._fail("")

    async def _resolve(self) -> None:
        try:
            found = await addresses.resolve(self._target)
        except AddressError as error:
            self._fail(f"dial tcp: {error}")
            return
        self._addresses = [_reachable(address) for address in reversed(found)]
        self._next("")

    def _next(self, reason: str) -> None:
        if not self._addresses:
            self._fail(reason)
            return
        address = self._addresses.pop()
        try:
            stream = socket.socket(address.family, socket.SOCK_STREAM)
        except OSError as error:
            self._next(f"dial tcp {address}: socket: {addresses.describe(error)}")
            return
        stream.setblocking(False)
        where = address.for_system
        code = stream.connect_ex(where)
        if code == errno.EINPROGRESS:
            code = stream.connect_ex(where)  # on loopback it is done by now: saves a turn
        self._socket = stream
        if code in _DONE:
            self._succeed()
        elif code in _UNDER_WAY:
            self._loop.add_writer(stream.fileno(), self._writable, address)
        else:
            self._refused(address, code)

    def _writable(self, address: Address) -> None:
        assert self._socket is not None
        self._loop.remove_writer(self._socket.fileno())
        code = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            self._refused(address, code)
        else:
            self._succeed()

    def _refused(self, address: Address, code: int) -> None:
        self._drop()
        text = addresses.describe(OSError(code, os.strerror(code)))
        self._next(f"dial tcp {address}: connect: {text}")

    def _succeed(self) -> None:
        stream, self._socket, self._over = self._socket, None, True
        assert stream is not None
        self._connected(stream)

    def _fail(self, reason: str) -> None:
        if not self._over:
            self._over = True
            self._failed(reason)

    def _drop(self) -> None:
        if self._socket is not None:
            self._loop.remove_writer(self._socket.fileno())
            self._socket.close()
            self._socket = None


def _reachable(address: Address) -> Address:
    """To dial all interfaces means to dial this machine (source: Go's `net.Dial`)."""
    if not address.is_any:
        return address
    return Address(host="::1" if address.host == "::" else "127.0.0.1", port=address.port)
