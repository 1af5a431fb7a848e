"""A proxy that is flooded, or slices to single bytes, leaves others of its server their turn."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

pytestmark = pytest.mark.crowding

TURNS = 20
"""Of a small exchange on one proxy, while another one is flooded."""
FLOODS = {"a huge stream": 1 << 30, "single bytes": 640 << 10}
"""Bytes that may pass meanwhile; more do where each turn waits for a chunk's last byte."""


@contextlib.contextmanager
def flooded(pair: Any) -> Iterator[Callable[[], int]]:
    """Bytes without end through a connection; how many have come out by now."""
    stop = threading.Event()
    came = [0]

    def send() -> None:
        with contextlib.suppress(OSError):
            while not stop.is_set():
                pair.server.socket.sendall(b"x" * (1 << 20))

    def receive() -> None:
        with contextlib.suppress(OSError):
            while data := pair.client.socket.recv(1 << 20):
                came[0] += len(data)

    threads = [threading.Thread(target=target) for target in (send, receive)]
    for thread in threads:
        thread.start()
    try:
        yield lambda: came[0]
    finally:
        stop.set()
        pair.server.socket.close()
        pair.client.socket.close()
        for thread in threads:
            thread.join(10)


@pytest.mark.parametrize("kind", FLOODS)
def test_others_have_their_turn(api: Any, proxied_on: Callable[..., Any], kind: str) -> None:
    crowded, small = proxied_on(api), proxied_on(api)
    if kind == "single bytes":
        crowded.add("slicer", "downstream", average_size=1, size_variation=0, delay=0)
    flood, other = crowded.open(), small.open()
    with flooded(flood) as came:
        turns = 0
        while turns < TURNS or came() == 0:
            other.client.send(b"ping")
            assert other.server.receive(4, 10) == b"ping"
            other.server.send(b"pong")
            assert other.client.receive(4, 10) == b"pong"
            turns += 1
            assert came() < FLOODS[kind], f"{turns} turns while {came()} bytes passed"
