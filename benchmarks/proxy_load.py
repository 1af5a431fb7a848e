r"""Load for the proxy benchmark: an echo server and clients, on plain epoll, loopback only.

Run as `python proxy_load.py` it is the upstream: prints its port, serves until its input ends.
It answers `size\\n` with as many bytes where the first byte is a digit, and echoes everything else.
"""

from __future__ import annotations

import select
import selectors
import socket
import sys
import time

HOST = "127.0.0.1"
_BLOCK = b"x" * 262144


def serve() -> None:
    """The upstream, until standard input ends."""
    listener = socket.create_server((HOST, 0), backlog=4096)
    listener.setblocking(False)
    print(listener.getsockname()[1], flush=True)
    poller = select.epoll()
    poller.register(listener, select.EPOLLIN)
    poller.register(sys.stdin, select.EPOLLIN)
    streams: dict[int, socket.socket] = {}
    while True:
        for descriptor, _ in poller.poll():
            if descriptor == listener.fileno():
                stream, _address = listener.accept()
                stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                streams[stream.fileno()] = stream
                poller.register(stream, select.EPOLLIN)
            elif descriptor == sys.stdin.fileno():
                return
            else:
                _answer(poller, streams, descriptor)


def _answer(poller: select.epoll, streams: dict[int, socket.socket], descriptor: int) -> None:
    stream = streams[descriptor]
    try:
        data = stream.recv(65536)
        if data[:1].isdigit():
            left = int(data)
            while left > 0:
                stream.sendall(_BLOCK[:left])
                left -= len(_BLOCK)
        elif data:
            stream.sendall(data)
    except OSError:
        data = b""
    if not data:
        poller.unregister(descriptor)
        streams.pop(descriptor).close()


def connect(port: int) -> socket.socket:
    """A connected socket without Nagle's delay."""
    stream = socket.create_connection((HOST, port), timeout=10)
    stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return stream


def requests_per_s(port: int, *, connections: int = 8, for_s: float = 1.5) -> float:
    """Small echoes on kept-alive connections, each as soon as the last one is back."""
    poller = selectors.DefaultSelector()
    message = b"GET / HTTP/1.1\r\nHost: benchmark\r\n\r\n" + b"." * 64
    streams = [connect(port) for _ in range(connections)]
    for stream in streams:
        poller.register(stream, selectors.EVENT_READ)
        stream.sendall(message)
    begun_s = time.perf_counter()
    done = 0
    while time.perf_counter() - begun_s < for_s:
        for key, _ in poller.select():
            key.fileobj.recv(65536)  # type: ignore[union-attr]
            key.fileobj.sendall(message)  # type: ignore[union-attr]
            done += 1
    took_s = time.perf_counter() - begun_s
    for stream in streams:
        stream.close()
    return done / took_s


def megabytes_per_s(port: int, *, megabytes: int = 400) -> float:
    """One large answer."""
    buffer = bytearray(262144)
    with connect(port) as stream:
        begun_s = time.perf_counter()
        stream.sendall(b"%d\n" % (megabytes * 1_000_000))
        left = megabytes * 1_000_000
        while left:
            got = stream.recv_into(buffer)
            if not got:
                raise ConnectionError("the answer was cut off")
            left -= got
        return megabytes / (time.perf_counter() - begun_s)


def connections_per_s(port: int, *, for_s: float = 1.5) -> float:
    """Connect, one echo, close: one after another from four clients at once."""
    poller = selectors.DefaultSelector()
    begun_s = time.perf_counter()
    done = 0

    def begin() -> None:
        stream = connect(port)
        stream.sendall(b"hello")
        poller.register(stream, selectors.EVENT_READ)

    for _ in range(4):
        begin()
    while time.perf_counter() - begun_s < for_s:
        for key, _ in poller.select():
            stream = key.fileobj
            assert isinstance(stream, socket.socket)
            stream.recv(65536)
            poller.unregister(stream)
            stream.close()
            done += 1
            begin()
    took_s = time.perf_counter() - begun_s
    for key in list(poller.get_map().values()):
        key.fileobj.close()  # type: ignore[union-attr]
    return done / took_s


def round_trips_ms(port: int, *, count: int, pause_s: float = 0.0) -> list[float]:
    """Sorted times of single echoes on one connection, in milliseconds."""
    times = []
    with connect(port) as stream:
        for _ in range(count):
            begun_s = time.perf_counter()
            stream.sendall(b"hello")
            stream.recv(64)
            times.append((time.perf_counter() - begun_s) * 1000)
            time.sleep(pause_s)
    return sorted(times)


if __name__ == "__main__":
    serve()
