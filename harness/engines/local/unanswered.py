"""A port whose connects get no answer: a listener with a full backlog in a proxy's place.

Toxiproxy can't do this (its kernel completes every handshake), so the engine closes the proxy's
port and takes it. On Linux a backlog of 0 holds one connection; further SYNs are dropped.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket

from harness.errors import WorldError

_FILL = 4
_TRY_S = 0.05


class UnansweredPort:
    """Holds a port without answering on it, until closed."""

    def __init__(self, host: str, port: int) -> None:
        self._listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._parked: list[socket.socket] = []
        try:
            self._listener.bind((host, port))
            self._listener.listen(0)
        except OSError as error:
            self._listener.close()
            raise WorldError(f"port {port} could not be taken: {error.strerror}") from error
        self._address = (host, port)

    async def fill(self) -> None:
        """Park connections until a further one gets no answer.

        Raises: WorldError when this system goes on answering.
        """
        loop = asyncio.get_running_loop()
        for _ in range(_FILL):
            client = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            client.setblocking(False)
            self._parked.append(client)
            try:
                async with asyncio.timeout(_TRY_S):
                    await loop.sock_connect(client, self._address)
            except TimeoutError:
                return
        self.close()
        raise WorldError("this system answers connects even with a full backlog")

    def close(self) -> None:
        """Give the port back; parked connections are reset."""
        for parked in self._parked:
            with contextlib.suppress(OSError):
                parked.close()
        self._listener.close()
