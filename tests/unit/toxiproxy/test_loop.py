"""The relays' short way from a ready descriptor to a callback."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from harness.toxiproxy.loop import RelayLoop, readiness


@pytest.fixture
def loop() -> Iterator[RelayLoop]:
    loop = RelayLoop()
    yield loop
    loop.close()


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    near, far = socket.socketpair()
    near.setblocking(False)
    with near, far:
        yield near, far


def turn(loop: RelayLoop, for_s: float = 0.0) -> None:
    """What the loop does within so many seconds."""
    loop.run_until_complete(asyncio.sleep(for_s))


Pair = tuple[socket.socket, socket.socket]


def test_calls_as_long_as_there_is_something_to_read(loop: RelayLoop, pair: Pair) -> None:
    near, far = pair
    got: list[bytes] = []
    ready = readiness(loop)
    ready.add_reader(near.fileno(), lambda: got.append(near.recv(1)))
    far.send(b"ab")
    turn(loop, 0.01)
    assert got == [b"a", b"b"]
    ready.remove_reader(near.fileno())
    far.send(b"c")
    turn(loop, 0.01)
    assert got == [b"a", b"b"]


def test_an_end_is_something_to_read(loop: RelayLoop, pair: Pair) -> None:
    near, far = pair
    got: list[bytes] = []
    ready = readiness(loop)

    def read() -> None:
        got.append(near.recv(1))
        ready.remove_reader(near.fileno())

    ready.add_reader(near.fileno(), read)
    far.close()
    turn(loop, 0.01)
    assert got == [b""]


def test_reads_and_writes_on_one_descriptor_come_and_go_apart(loop: RelayLoop, pair: Pair) -> None:
    near, far = pair
    seen: list[str] = []
    ready = readiness(loop)

    def read() -> None:
        near.recv(1)
        seen.append("read")

    def write() -> None:
        seen.append("write")
        ready.remove_writer(near.fileno())

    ready.add_reader(near.fileno(), read)
    ready.add_writer(near.fileno(), write)
    turn(loop, 0.01)
    assert seen == ["write"]
    far.send(b"x")
    turn(loop, 0.01)
    assert seen == ["write", "read"]
    ready.remove_writer(near.fileno())
    ready.remove_reader(near.fileno())


def test_a_callback_may_remove_another_whose_turn_is_next(loop: RelayLoop) -> None:
    pairs = [socket.socketpair() for _ in range(2)]
    called: list[int] = []
    ready = readiness(loop)

    def end_all(which: int) -> None:
        called.append(which)
        for near, _ in pairs:
            ready.remove_reader(near.fileno())
            near.close()

    for which, (near, far) in enumerate(pairs):
        far.send(b"x")
        ready.add_reader(near.fileno(), lambda which=which: end_all(which))  # type: ignore[misc]
    turn(loop, 0.01)
    assert len(called) == 1
    for _, far in pairs:
        far.close()


def test_a_callback_that_fails_is_reported_and_stops_nobody_else(loop: RelayLoop) -> None:
    pairs = [socket.socketpair() for _ in range(2)]
    reported: list[dict[str, Any]] = []
    loop.set_exception_handler(lambda _, context: reported.append(context))
    done = []
    ready = readiness(loop)

    def fail(near: socket.socket) -> None:
        near.recv(1)
        done.append(near)
        raise ValueError("no good")

    for near, far in pairs:
        far.send(b"x")
        ready.add_reader(near.fileno(), lambda near=near: fail(near))  # type: ignore[misc]
    turn(loop, 0.01)
    assert len(done) == 2
    assert [str(context["exception"]) for context in reported] == ["no good", "no good"]
    for near, far in pairs:
        ready.remove_reader(near.fileno())
        near.close()
        far.close()


def test_asyncio_has_its_own_descriptors_beside(loop: RelayLoop, pair: Pair) -> None:
    near, far = pair
    got: list[bytes] = []
    readiness(loop).add_reader(near.fileno(), lambda: got.append(near.recv(9)))

    async def play() -> bytes:
        mine, other = socket.socketpair()
        mine.setblocking(False)
        with mine, other:
            far.send(b"relayed")
            loop.call_later(0.02, other.send, b"awaited")
            return await loop.sock_recv(mine, 9)

    assert loop.run_until_complete(play()) == b"awaited"
    assert got == [b"relayed"]


def test_another_loop_is_its_own_way() -> None:
    stock = asyncio.new_event_loop()
    try:
        assert readiness(stock) is stock
    finally:
        stock.close()
