"""The open-loop HTTP client: one connection a request, from an address of the caller's choice.

A raw asyncio protocol over httptools' parser, because at 200 requests a second the sender must
cost a small part of what the gateway under test costs, or its lateness spoils the figures.
"""

from __future__ import annotations

import asyncio
from typing import Any, Protocol

import httptools

from harness.engines.requests import WireAnswer, WireRequest

_MOST_BODY = 1_000_000


class _Exchange(asyncio.Protocol):
    """Sends one request on its connection and collects the answer."""

    def __init__(self, payload: bytes, head: bool, done: asyncio.Future[WireAnswer]) -> None:
        self._payload = payload
        self._head = head
        self._done = done
        self._parser: Any = httptools.HttpResponseParser(self)
        self._headers: list[tuple[str, str]] = []
        self._body: list[bytes] = []
        self._size = 0
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(self._payload)

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._finish(WireAnswer(status=None, error=f"not an HTTP answer: {error}"))

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name.decode("latin-1").lower(), value.decode("latin-1")))

    def on_headers_complete(self) -> None:
        if self._head:
            self.on_message_complete()

    def on_body(self, body: bytes) -> None:
        if self._size < _MOST_BODY:
            self._body.append(body)
        self._size += len(body)

    def on_message_complete(self) -> None:
        status = self._parser.get_status_code()
        headers = tuple(self._headers)
        self._finish(WireAnswer(status=status, headers=headers, body=b"".join(self._body)))

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        if self._done.done():
            return
        if exc is None and self._headers and not self._has("content-length"):
            self.on_message_complete()  # an answer that ends with its connection
            return
        why = "connection reset" if isinstance(exc, ConnectionResetError) else "connection closed"
        self._finish(WireAnswer(status=None, error=f"{why} before the answer was complete"))

    def _has(self, name: str) -> bool:
        return any(each == name for each, _ in self._headers)

    def _finish(self, answer: WireAnswer) -> None:
        if not self._done.done():
            self._done.set_result(answer)
        if self._transport is not None:
            self._transport.close()


def encode(request: WireRequest, authority: str) -> bytes:
    """A request's bytes; the connection is closed after the answer."""
    lines = [f"{request.method} {request.path} HTTP/1.1", f"Host: {authority}"]
    lines += [f"{name}: {value}" for name, value in request.headers.items()]
    if request.body or request.method in ("POST", "PUT", "PATCH"):
        lines.append(f"Content-Length: {len(request.body)}")
    lines.append("Connection: close")
    head = "\r\n".join(lines).encode("utf-8")
    return head + b"\r\n\r\n" + request.body


class Exchange(Protocol):
    """A way to send a request and await its answer."""

    async def __call__(
        self, host: str, port: int, request: WireRequest, *, source: str | None = None
    ) -> WireAnswer:
        """As `exchange`."""
        ...


async def exchange(
    host: str, port: int, request: WireRequest, *, source: str | None = None
) -> WireAnswer:
    """Send a request and await its answer, however long that takes (cancel to give up).

    `source` is the client's own address. Failures to connect are answers without a status.
    """
    payload = encode(request, f"{host}:{port}")
    return await _exchange(host, port, payload, request, source=source)


async def exchange_through(
    host: str, port: int, request: WireRequest, *, source: str | None = None
) -> WireAnswer:
    """The same by way of a doorway (docker/doorway.py), which gives the client its address."""
    preface = f"{source or '127.0.0.1'}\n".encode()
    return await _exchange(host, port, preface + encode(request, f"{host}:{port}"), request)


async def _exchange(
    host: str, port: int, payload: bytes, request: WireRequest, *, source: str | None = None
) -> WireAnswer:
    loop = asyncio.get_running_loop()
    done: asyncio.Future[WireAnswer] = loop.create_future()
    local = (source, 0) if source else None
    try:
        transport, _ = await loop.create_connection(
            lambda: _Exchange(payload, request.method == "HEAD", done),
            host,
            port,
            local_addr=local,
        )
    except ConnectionRefusedError:
        return WireAnswer(status=None, error="connection refused")
    except OSError as error:
        return WireAnswer(status=None, error=error.strerror or str(error))
    try:
        return await done
    finally:
        transport.close()
