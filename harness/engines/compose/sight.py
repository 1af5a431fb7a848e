"""Sees the connections that proxies accept, where their log can't be read: from inside a project.

The harness's container shares the gateway's network, so what the gateway says to the proxies passes
there. A SYN-ACK from a proxy's port is a connection accepted. It needs CAP_NET_RAW, which
containers/harness.sh keeps.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import time

from harness.engines.compose.layout import PROXY_PORTS
from harness.engines.compose.place import OnAccepted
from harness.frozen import Frozen

_IPV4 = 0x0800
_TCP = 6
_SYN_ACK = 0x12
_HANDSHAKE_BITS = 0x17
"""FIN, SYN, RST and ACK."""
_UPSTREAMS = {port: name for name, port in PROXY_PORTS.items()}


class Handshake(Frozen, kw_only=True):
    """A SYN-ACK: from a proxy's port to a client's."""

    proxy_port: int
    client_port: int
    sequence: int
    """The proxy's first sequence number: the same in a repeated SYN-ACK."""


def handshake_of(packet: bytes) -> Handshake | None:
    """The SYN-ACK that an IPv4 packet is, from a port of a proxy; None for anything else."""
    if len(packet) < 40 or packet[0] >> 4 != 4 or packet[9] != _TCP:
        return None
    tcp = packet[(packet[0] & 0x0F) * 4 :]
    if len(tcp) < 20 or tcp[13] & _HANDSHAKE_BITS != _SYN_ACK:
        return None
    proxy_port, client_port, sequence = struct.unpack_from("!HHI", tcp)
    if proxy_port not in _UPSTREAMS:
        return None
    return Handshake(proxy_port=proxy_port, client_port=client_port, sequence=sequence)


class ProxySight:
    """A packet socket on the shared network."""

    def __init__(self, packets: socket.socket) -> None:
        self._packets = packets
        self._seen: dict[Handshake, int] = {}
        self._loop = asyncio.get_running_loop()

    @classmethod
    async def open(cls) -> ProxySight | None:
        """Open it; None where that isn't permitted, or not possible on this system."""
        try:
            kind = socket.SOCK_DGRAM  # without the link's header
            packets = socket.socket(socket.AF_PACKET, kind, socket.htons(_IPV4))
        except (OSError, AttributeError):
            return None
        packets.setblocking(False)
        return cls(packets)

    def begin(self, on_accepted: OnAccepted) -> None:
        """Pass on each connection, as soon as it is accepted."""
        self._loop.add_reader(self._packets, self._take, on_accepted)

    def _take(self, on_accepted: OnAccepted) -> None:
        now_s = time.monotonic()
        while True:
            try:
                packet = self._packets.recv(128)
            except (BlockingIOError, InterruptedError):
                return
            found = handshake_of(packet)
            if found is not None and found not in self._seen:
                self._seen[found] = len(self._seen) + 1
                on_accepted(_UPSTREAMS[found.proxy_port], self._seen[found], now_s)

    def close(self) -> None:
        """Stop."""
        self._loop.remove_reader(self._packets)
        self._packets.close()
