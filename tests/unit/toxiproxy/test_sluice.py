"""Bytes that go from socket to socket unseen: all of them, in order, and nothing stays behind."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import random
import socket
import threading
from collections.abc import Iterator

import pytest

from harness.toxiproxy.log import Log
from harness.toxiproxy.loop import new_event_loop
from harness.toxiproxy.proxy import Proxy
from harness.toxiproxy.sluice import Moved, Sluice

pytestmark = pytest.mark.skipif(not hasattr(os, "splice"), reason="the system has no splice()")
Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def sluice() -> Iterator[Sluice]:
    made = Sluice()
    yield made
    made.close()


@pytest.fixture
def pairs() -> Iterator[list[Pair]]:
    """Two connections; the ends of each don't block."""
    made = []
    for _ in range(2):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            near = socket.create_connection(listener.getsockname())
            far, _address = listener.accept()
        near.setblocking(False)
        far.setblocking(False)
        made.append((near, far))
    yield made
    for near, far in made:
        near.close()
        far.close()


def fill(stream: socket.socket, data: bytes) -> int:
    """As much as there is room for."""
    sent = 0
    try:
        while sent < len(data):
            sent += stream.send(data[sent:])
    except BlockingIOError:
        pass
    return sent


def drain(stream: socket.socket) -> bytes:
    """All that is there."""
    found = bytearray()
    try:
        while part := stream.recv(1 << 16):
            found += part
    except BlockingIOError:
        pass
    return bytes(found)


def test_what_the_destination_does_not_take_comes_back(sluice: Sluice, pairs: list[Pair]) -> None:
    (sender, source), (destination, reader) = pairs
    data = random.Random(1).randbytes(6_000_000)
    found, sent, blocked = bytearray(), 0, 0
    while len(found) < len(data):
        sent += fill(sender, data[sent:])
        moved = sluice.move(source.fileno(), destination.fileno())
        assert moved.error is None
        if moved.left or not moved.taken:
            blocked += bool(moved.left)
            found += drain(reader)
            found += moved.left
    assert blocked, "the reader was never too slow: this shows nothing"
    assert bytes(found) == data


def test_of_a_broken_destination_nothing_stays_in_the_pipe(
    sluice: Sluice, pairs: list[Pair]
) -> None:
    (sender, source), (destination, reader) = pairs
    reader.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    reader.close()
    while destination.fileno() >= 0:  # until its reset has come
        try:
            destination.send(b"x")
        except BlockingIOError:
            continue
        except OSError:
            break
    sender.send(b"lost")
    moved = sluice.move(source.fileno(), destination.fileno())
    assert moved.taken == 4
    assert moved.error is not None
    sender.send(b"kept")
    assert sluice.move(source.fileno(), source.fileno()) == Moved(4)
    assert drain(sender) == b"kept"


def test_an_empty_source_and_one_at_its_end_move_nothing(sluice: Sluice, pairs: list[Pair]) -> None:
    (sender, source), (destination, _) = pairs
    assert sluice.move(source.fileno(), destination.fileno()) == Moved(0)
    sender.close()
    assert sluice.move(source.fileno(), destination.fileno()) == Moved(0)


def test_a_large_answer_comes_whole_and_is_journaled_as_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    body = random.Random(2).randbytes(8_000_000)
    whole, moved = Sluice.move, []

    def move(self: Sluice, source: int, destination: int) -> Moved:
        moved.append(whole(self, source, destination))
        return moved[-1]

    monkeypatch.setattr(Sluice, "move", move)
    said: list[bytes] = []

    def answer(listener: socket.socket) -> None:
        for _ in range(2):
            client, _address = listener.accept()
            with client:
                assert client.recv(1 << 16).startswith(b"GET /large")
                head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n"
                client.sendall(head.encode() + body)

    def ask(port: int) -> str:
        with socket.create_connection(("127.0.0.1", port)) as stream:
            stream.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
            found = bytearray()
            while part := stream.recv(1 << 16):
                found += part
        return hashlib.sha256(found.partition(b"\r\n\r\n")[2]).hexdigest()

    async def play(upstream: int) -> list[str]:
        proxy = Proxy("large", "127.0.0.1:0", f"127.0.0.1:{upstream}", log=log)
        await proxy.start()
        port = int(proxy.listen.rpartition(":")[2])
        found = [await asyncio.to_thread(ask, port) for _ in range(2)]
        proxy.stop()
        return found

    log = Log(said.append, journaling=True)
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        asyncio.Runner(loop_factory=new_event_loop) as runner,
    ):
        server = threading.Thread(target=answer, args=(listener,))
        server.start()
        found = runner.run(play(listener.getsockname()[1]))
        server.join()
    log.flush()
    assert found == [hashlib.sha256(body).hexdigest()] * 2
    assert sum(each.taken for each in moved) > len(body) / 4, "hardly anything went unseen"
    lines = [json.loads(line) for line in b"".join(said).splitlines()]
    told = [line["message"] for line in lines if line.get("conn") == 1]
    assert told == ["Accepted client", "Request", "Response", "Closed"]
