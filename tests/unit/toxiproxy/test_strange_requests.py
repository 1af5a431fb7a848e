"""Requests that are none, or too much: answered, and nobody else waits for them."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from harness.toxiproxy.server import ProxyServer

HEAD = b"Host: x\r\nContent-Type: application/json\r\n"


@pytest.fixture(scope="module")
def address() -> Iterator[tuple[str, int]]:
    with ProxyServer.embedded(guarded=False) as client:
        parts = urlsplit(client.url)
        yield parts.hostname or "", parts.port or 0


def ask(address: tuple[str, int], data: bytes) -> bytes:
    with socket.create_connection(address, timeout=20) as connection:
        connection.sendall(data)
        return connection.recv(65536).partition(b"\r\n")[0]


@pytest.mark.parametrize(
    "data",
    [
        b"POST /proxies HTTP/1.1\r\n" + HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nabc",
        b"GET http://[::bad/proxies HTTP/1.1\r\n" + HEAD + b"\r\n",
    ],
    ids=["a chunk without a size", "a URL without a host"],
)
def test_what_is_no_request_is_answered_400(address: tuple[str, int], data: bytes) -> None:
    assert ask(address, data) == b"HTTP/1.1 400 Bad Request"


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_beyond_all_use_keeps_nobody_waiting(
    address: tuple[str, int], chunked: bool
) -> None:
    body = b"[" + b"1," * 8_000_000 + b"1]"
    if chunked:
        framing, body = b"Transfer-Encoding: chunked\r\n\r\n", b"%x\r\n%s" % (len(body), body)
    else:
        framing = b"Content-Length: %d\r\n\r\n" % len(body)
    began_s = time.process_time()

    answer = ask(address, b"POST /populate HTTP/1.1\r\n" + HEAD + framing + body)

    assert answer == b"HTTP/1.1 413 Request Entity Too Large"
    assert ask(address, b"GET /version HTTP/1.1\r\n" + HEAD + b"\r\n").endswith(b"200 OK")
    assert time.process_time() - began_s < 10
