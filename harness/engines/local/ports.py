"""Ports of a world's proxies, which nobody else is given while a proxy there refuses connections.

A disabled proxy of Toxiproxy's listens no more: its port would be free for the next connection that
any process of this machine makes, and the proxy could not be enabled again.
"""

from __future__ import annotations

import contextlib
import socket
import sys


class HeldPorts:
    """Bound, never listened to: connections are refused as ever, and a proxy may listen there.

    On Linux two sockets may be bound to one port if both say `SO_REUSEADDR`, as servers do, and a
    port that anybody is bound to is given to no client. Elsewhere nothing is held.
    """

    def __init__(self, host: str) -> None:
        self._host = host
        self._sockets: list[socket.socket] = []

    def hold(self, port: int = 0) -> int:
        """The port that is held, a free one unless one is given; that one where it can't be."""
        if sys.platform != "linux":
            return port
        held = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._sockets.append(held)
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with contextlib.suppress(OSError):  # the proxy server says what is wrong with a port
            held.bind((self._host, port))
            return int(held.getsockname()[1])
        return port

    def close(self) -> None:
        """They are anybody's again."""
        for each in self._sockets:
            each.close()
        self._sockets.clear()
