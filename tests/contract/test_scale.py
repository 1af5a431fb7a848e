"""Many connections and many bytes."""

from __future__ import annotations

import hashlib
import resource
import selectors
import socket
import threading
import time
from typing import Any

import pytest

HOST = "127.0.0.1"
CONNECTIONS = 500


@pytest.fixture
def descriptors() -> None:
    """A thousand sockets in this process need a limit that allows them."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < 4096:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard))


@pytest.mark.parametrize("latency_ms", [0, 200])
def test_500_parallel_connections(proxied: Any, descriptors: None, latency_ms: int) -> None:
    if latency_ms:
        proxied.add("latency", "downstream", latency=latency_ms)
    port = proxied.port
    pairs = []
    for _ in range(CONNECTIONS):
        pairs.append(proxied.open(port))
    begun_s = time.monotonic()
    for number, pair in enumerate(pairs):
        pair.server.send(b"%08d" % number)
    for number, pair in enumerate(pairs):
        assert pair.client.receive(8, 10) == b"%08d" % number
    took_s = time.monotonic() - begun_s
    assert latency_ms / 1000 <= took_s < latency_ms / 1000 + 5
    proxied.switch(False)
    assert {pair.client.fate() for pair in pairs} == {"eof"}


def test_500_clients_at_once_meet_a_slow_upstream(proxied: Any, descriptors: None) -> None:
    port = proxied.port
    poller = selectors.DefaultSelector()
    clients = []
    for _ in range(CONNECTIONS):
        client = socket.socket()
        client.setblocking(False)
        client.connect_ex((HOST, port))
        poller.register(client, selectors.EVENT_WRITE)
        clients.append(client)
    accepted = [proxied.accept() for _ in range(CONNECTIONS)]
    assert len(accepted) == CONNECTIONS
    poller.close()
    for client in clients:
        client.close()


def test_large_body_both_ways_at_once(proxied: Any) -> None:
    proxied.add("latency", "upstream", latency=3, jitter=2)
    proxied.add("slicer", "downstream", average_size=20_000, size_variation=5_000, delay=1)
    pair = proxied.open()
    data = b"".join(hashlib.sha256(b"%d" % n).digest() for n in range(200_000))
    threads = [
        threading.Thread(target=end.send, args=(data,)) for end in (pair.client, pair.server)
    ]
    pair.client.socket.settimeout(None)
    received: dict[str, bytes] = {}

    def receive(name: str, end: Any) -> None:
        received[name] = end.receive(len(data), 30)

    threads += [
        threading.Thread(target=receive, args=("client", pair.client)),
        threading.Thread(target=receive, args=("server", pair.server)),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(40)
    assert received["client"] == data
    assert received["server"] == data
