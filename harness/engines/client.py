"""The open-loop HTTP client: one connection a request, from an address of the caller's choice.

A raw asyncio protocol over h11, which knows when an answer is whole: by its length, its last chunk,
or the end of a connection that nothing else could end. What comes is bounded, whatever comes.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import sys
from typing import Any, Protocol

import h11

from harness.engines.requests import WireAnswer, WireRequest
from harness.errors import SHORTAGES, WorldError, own_error

_MOST_HEAD = 256 << 10
"""Bytes of one head, chunk's head or trailer."""
_MOST_BODY = 1 << 30
"""Bytes of a body; of those only the first are kept."""
_KEPT_BODY = 1_000_000
_MOST_INTERIM = 100
"""Answers like 100 or 103 before the answer."""


class _Exchange(asyncio.Protocol):
    """Sends one request on its connection and collects the answer."""

    def __init__(self, payload: bytes, method: str, done: asyncio.Future[WireAnswer]) -> None:
        self._payload = payload
        self._done = done
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=_MOST_HEAD)
        # Its own bytes are not sent: it only has to know what was asked.
        self._http.send(h11.Request(method=method, target="/", headers=[("Host", "target")]))
        self._http.send(h11.EndOfMessage())
        self._response: h11.Response | None = None
        self._interim = 0
        self._body: list[bytes] = []
        self._size = 0
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(self._payload)

    def data_received(self, data: bytes) -> None:
        try:
            self._http.receive_data(data)
            self._read()
        except h11.RemoteProtocolError as error:
            self._fail(f"not an HTTP answer: {error}")

    def _read(self) -> None:
        """Take what has come in so far.

        Raises: RemoteProtocolError when that is no answer, or ended before it was whole.
        """
        while not self._done.done():
            match self._http.next_event():
                case h11.InformationalResponse():
                    self._interim += 1
                    if self._interim > _MOST_INTERIM:
                        self._fail(f"more than {_MOST_INTERIM} answers like 100 Continue")
                case h11.Response() as response:
                    self._response = response
                case h11.Data(data=data):
                    self._take(bytes(data))
                case h11.EndOfMessage():
                    self._finish(self._answer())
                case _:
                    return

    def _take(self, body: bytes) -> None:
        if self._size < _KEPT_BODY:
            self._body.append(body)
        self._size += len(body)
        if self._size > _MOST_BODY:
            self._fail(f"more than {_MOST_BODY >> 20} MiB of body, and no end")

    def _answer(self) -> WireAnswer:
        assert self._response is not None
        return WireAnswer(
            status=self._response.status_code,
            headers=tuple(
                (name.decode("latin-1"), value.decode("latin-1"))
                for name, value in self._response.headers
            ),
            body=b"".join(self._body),
        )

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        if exc is None and not self._done.done():
            try:
                self._http.receive_data(b"")
                self._read()
            except h11.RemoteProtocolError:
                pass  # cut off: said below
        why = "connection reset" if isinstance(exc, ConnectionResetError) else "connection closed"
        self._fail(f"{why} before the answer was complete")

    def _fail(self, error: str) -> None:
        self._finish(WireAnswer(status=None, error=error))

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
    head = "\r\n".join(lines).encode("utf-8", "surrogatepass")
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

    Raises: WorldError when this machine has no socket left for the harness.
    """
    payload = encode(request, f"{host}:{port}")
    return await _exchange(host, port, payload, request, source=source)


def over_tls(trusted: ssl.SSLContext) -> Exchange:
    """The same by https: whose certificate isn't trusted for its name gets no request."""

    async def exchange(
        host: str, port: int, request: WireRequest, *, source: str | None = None
    ) -> WireAnswer:
        payload = encode(request, f"{host}:{port}")
        return await _exchange(host, port, payload, request, source=source, tls=trusted)

    return exchange


async def exchange_through(
    host: str, port: int, request: WireRequest, *, source: str | None = None
) -> WireAnswer:
    """The same by way of a doorway (docker/doorway.py), which gives the client its address."""
    preface = f"{source or '127.0.0.1'}\n".encode()
    return await _exchange(host, port, preface + encode(request, f"{host}:{port}"), request)


async def _exchange(
    host: str,
    port: int,
    payload: bytes,
    request: WireRequest,
    *,
    source: str | None = None,
    tls: ssl.SSLContext | None = None,
) -> WireAnswer:
    loop = asyncio.get_running_loop()
    done: asyncio.Future[WireAnswer] = loop.create_future()
    there: dict[str, Any] = {"host": host, "port": port}
    try:
        if source is not None:
            there = {"sock": await _connected(source, host, port)}
            there |= {} if tls is None else {"server_hostname": host}
        transport, _ = await loop.create_connection(
            lambda: _Exchange(payload, request.method, done), ssl=tls, **there
        )
    except ConnectionRefusedError:
        return WireAnswer(status=None, error="connection refused")
    except ssl.SSLCertVerificationError as error:
        return WireAnswer(status=None, error=f"certificate not trusted: {error.verify_message}")
    except ssl.SSLError as error:
        return WireAnswer(status=None, error=f"no TLS there: {error.reason or error}")
    except OSError as error:
        if error.errno in SHORTAGES:
            raise WorldError(own_error(error)) from error
        return WireAnswer(status=None, error=error.strerror or str(error))
    try:
        return await done
    finally:
        transport.close()


async def _connected(source: str, host: str, port: int) -> socket.socket:
    """A connection from an address of this machine.

    Raises: OSError, as `connect`.
    """
    own = socket_of(source)
    try:
        await asyncio.get_running_loop().sock_connect(own, (host, port))
    except BaseException:
        own.close()
        raise
    return own


def socket_of(source: str) -> socket.socket:
    """A socket of an address, whose port the system picks as it connects.

    Picked before that (by `bind`, on Linux), it must be free of whatever came from this address in
    the last minute, to any server; and once half of all ports are not (some 14,000 requests) each
    search takes a tenth of a second, in which nothing else is sent.
    """
    own = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    own.setblocking(False)
    if sys.platform == "linux":
        with contextlib.suppress(OSError):  # a kernel that can't do that, as in some sandboxes
            own.setsockopt(socket.IPPROTO_IP, socket.IP_BIND_ADDRESS_NO_PORT, 1)
    try:
        own.bind((source, 0))
    except OSError:
        own.close()
        raise
    return own
