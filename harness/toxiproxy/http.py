"""The HTTP side of the API: connections, guards, paths and headers as Go's net/http has them.

h11 reads the requests; answers are written here, because their headers' order and spelling are what
clients of Toxiproxy have seen so far. Source: Toxiproxy 2.12 behind Go's net/http and gorilla/mux.
"""

from __future__ import annotations

import asyncio
import contextlib
import http
import posixpath
import re
import secrets
import time
from email.utils import formatdate
from urllib.parse import quote, unquote, urlsplit

import h11

from harness.control import shows
from harness.toxiproxy.api import Answer, Api, ApiError, plain
from harness.toxiproxy.log import Log

HANDLER_TIMEOUT_S = 25.0
READ_TIMEOUT_S = 15.0
IDLE_TIMEOUT_S = 60.0
WRITE_TIMEOUT_S = 30.0
_READ_BYTES = 65536
_TIMEOUT_PAGE = b"<html><head><title>Timeout</title></head><body><h1>Timeout</h1></body></html>"
_ID_LETTERS = "0123456789abcdefghijklmnopqrstuv"


class HttpServer:
    """Serves one `Api` on a listening socket, to who shows its token where it has one."""

    def __init__(self, api: Api, log: Log, *, token: str = "") -> None:
        self._api = api
        self._log = log
        self._token = token
        self._connections: set[asyncio.Task[None]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, from its first request to its end."""
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            await _Conversation(self._api, self._log, self._token, reader, writer).run()
        except (OSError, TimeoutError, asyncio.CancelledError):
            pass  # the client left, or the server is going
        finally:
            self._connections.discard(task)
            writer.close()

    async def close(self) -> None:
        """Ends all connections."""
        for task in tuple(self._connections):
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)


_MOST_BODY = 256 << 10
"""Bytes of a request: what its reading takes, all others wait for (difference `body-bounded`)."""
_DISCARD_S = 2.0


class _TooLarge(Exception):
    """A body that would keep this server from everybody else."""


class _Conversation:
    """Requests and answers on one connection, one after another."""

    def __init__(
        self,
        api: Api,
        log: Log,
        token: str,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self._api = api
        self._log = log
        self._token = token
        self._reader = reader
        self._writer = writer
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=1 << 20)

    async def run(self) -> None:
        while True:
            try:
                request = await self._request()
                if request is not None and (complaint := _unanswerable(request)):
                    await self._send_raw(_refusal(complaint))
                    return
                if request is None or not await self._answer(request):
                    return
            except h11.RemoteProtocolError as error:
                await self._send_raw(_refusal(_complaint(str(error))))
                return
            except _TooLarge:
                await self._send_raw(_refusal("413 Request Entity Too Large"))
                await self._discard()
                return
            self._http.start_next_cycle()

    async def _request(self) -> h11.Request | None:
        event = await self._event(IDLE_TIMEOUT_S)
        return event if isinstance(event, h11.Request) else None

    async def _event(self, timeout_s: float) -> h11.Event | None:
        """The next event; None when the client has left."""
        async with asyncio.timeout(timeout_s):
            while True:
                event = self._http.next_event()
                if event is h11.NEED_DATA:
                    data = await self._reader.read(_READ_BYTES)
                    self._http.receive_data(data)
                    timeout_s = READ_TIMEOUT_S
                elif event is h11.PAUSED or isinstance(event, h11.ConnectionClosed):
                    return None
                else:
                    assert isinstance(event, h11.Event)
                    return event

    async def _answer(self, request: h11.Request) -> bool:
        """Answers one request; False when the connection ends with it."""
        started_s = time.monotonic()
        headers = {name.lower(): value for name, value in request.headers}
        if not shows(headers.get(b"authorization", b""), self._token):
            await self._send_raw(_refusal("401 Unauthorized"))
            return False
        if int(headers.get(b"content-length", b"0")) > _MOST_BODY:
            raise _TooLarge
        if self._http.they_are_waiting_for_100_continue:
            continuing = h11.InformationalResponse(status_code=100, headers=[], reason="Continue")
            await self._send_raw(self._http.send(continuing) or b"")
        body = await self._body()
        if body is None:
            return False
        method = request.method.decode("latin-1")
        target = request.target.decode("latin-1")
        agent = headers.get(b"user-agent", b"").decode("latin-1")
        answer, matched = await self._dispatch(method, target, agent, body)
        request_id = _request_id() if matched else ""
        keep = self._keeps_alive(request, headers)
        await self._send(answer, request, request_id, keep)
        if matched:
            self._log_access(method, target, agent, answer, request_id, started_s)
        return keep

    async def _body(self) -> bytes | None:
        parts: list[bytes] = []
        size = 0
        while True:
            event = await self._event(READ_TIMEOUT_S)
            if isinstance(event, h11.Data):
                parts.append(bytes(event.data))
                size += len(event.data)
                if size > _MOST_BODY:
                    raise _TooLarge
            elif isinstance(event, h11.EndOfMessage):
                return b"".join(parts)
            else:
                return None

    async def _discard(self) -> None:
        """What still comes is read for a moment, or its sender would not read the answer."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_DISCARD_S):
                while await self._reader.read(_READ_BYTES):
                    pass

    async def _dispatch(
        self, method: str, target: str, agent: str, body: bytes
    ) -> tuple[Answer, bool]:
        """The answer, and whether a route matched."""
        split = urlsplit(target) if not target.startswith("/") else None
        path_text, _, query = (split.path or "/", "", split.query) if split else _cut(target)
        path = unquote(path_text, errors="replace")
        if (cleaned := _clean(path)) != path:
            location = quote(cleaned, safe="/:@!$&'()*+,;=~-._") + (f"?{query}" if query else "")
            return Answer(status=301, headers=(("Location", location),)), False
        found = self._api.find(path)
        if found is None:
            return plain(404, "404 page not found"), False
        endpoints, variables = found
        if method not in endpoints:
            return Answer(status=405), False
        if agent.startswith("Mozilla/"):
            return plain(403, "User agent not allowed"), True
        try:
            async with asyncio.timeout(HANDLER_TIMEOUT_S):
                return await endpoints[method](body, *variables), True
        except ApiError as error:
            return error.answer(), True
        except TimeoutError:
            return Answer(status=503, body=_TIMEOUT_PAGE), True

    def _keeps_alive(self, request: h11.Request, headers: dict[bytes, bytes]) -> bool:
        tokens = headers.get(b"connection", b"").lower()
        if request.http_version < b"1.1":
            return b"keep-alive" in tokens
        return b"close" not in tokens

    async def _send(
        self, answer: Answer, request: h11.Request, request_id: str, keep: bool
    ) -> None:
        old = request.http_version < b"1.1"
        head_only = request.method == b"HEAD"
        lines = [f"HTTP/1.{0 if old else 1} {answer.status} {_reason(answer.status)}"]
        lines += [f"{name}: {value}" for name, value in answer.headers]
        if answer.content_type:
            lines.append(f"Content-Type: {answer.content_type}")
        if answer.nosniff:
            lines.append("X-Content-Type-Options: nosniff")
        if request_id:
            lines.append(f"X-Toxiproxy-Request-Id: {request_id}")
        lines.append(f"Date: {formatdate(usegmt=True)}")
        if answer.status != 204 and (answer.body or not head_only):
            lines.append(f"Content-Length: {len(answer.body)}")
        if not keep and not old:
            lines.append("Connection: close")
        elif keep and old:
            lines.append("Connection: keep-alive")
        head = "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"
        self._tell_h11(answer, keep)
        await self._send_raw(head if head_only else head + answer.body)

    def _tell_h11(self, answer: Answer, keep: bool) -> None:
        """h11 follows the state of the connection; its own bytes are not sent."""
        headers = [("Content-Length", "0")] if answer.status != 204 else []
        if not keep:
            headers.append(("Connection", "close"))
        with contextlib.suppress(h11.LocalProtocolError):
            self._http.send(h11.Response(status_code=answer.status, headers=headers))
            self._http.send(h11.EndOfMessage())

    async def _send_raw(self, data: bytes) -> None:
        self._writer.write(data)
        async with asyncio.timeout(WRITE_TIMEOUT_S):
            await self._writer.drain()

    def _log_access(
        self,
        method: str,
        target: str,
        agent: str,
        answer: Answer,
        request_id: str,
        started_s: float,
    ) -> None:
        peer = self._writer.get_extra_info("peername") or ("", 0)
        self._log.line(
            "debug", "", "api.go:107", request_id=request_id, client=f"{peer[0]}:{peer[1]}",
            method=method, url=target, user_agent=agent, status=answer.status,
            size=len(answer.body), duration=round((time.monotonic() - started_s) * 1000, 6),
        )  # fmt: skip


_BAD_ESCAPE = re.compile(rb"%(?![0-9a-fA-F]{2})")


def _complaint(protocol_error: str) -> str:
    """What Go says of a request that isn't one."""
    missing_host = "Host" in protocol_error
    return "400 Bad Request" + (": missing required Host header" if missing_host else "")


def _unanswerable(request: h11.Request) -> str:
    """What Go refuses before any route is looked for; empty when nothing is wrong."""
    if not request.http_version.startswith(b"1."):
        return "505 HTTP Version Not Supported: unsupported protocol version"
    if not request.target.startswith(b"/") and not _is_url(request.target):
        return "400 Bad Request"
    if _BAD_ESCAPE.search(request.target.partition(b"?")[0]):
        return "400 Bad Request"
    return ""


def _is_url(target: bytes) -> bool:
    """Whether a target that is no path can be read as a URL."""
    try:
        urlsplit(target.decode("latin-1"))
    except ValueError:
        return False
    return True


def _cut(target: str) -> tuple[str, str, str]:
    return target.partition("?")


def _clean(path: str) -> str:
    """As gorilla/mux cleans a path before it matches: no `.`, `..`, `//`."""
    if not path:
        return "/"
    absolute = path if path.startswith("/") else f"/{path}"
    cleaned = posixpath.normpath(absolute)
    cleaned = "/" + cleaned.lstrip("/")
    return cleaned + "/" if absolute.endswith("/") and cleaned != "/" else cleaned


def _reason(status: int) -> str:
    return http.HTTPStatus(status).phrase


def _request_id() -> str:
    return "".join(secrets.choice(_ID_LETTERS) for _ in range(20))


def _refusal(text: str) -> bytes:
    """What Go answers to something that isn't a request."""
    head = f"HTTP/1.1 {text}\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n"
    return f"{head}\r\n{text}".encode()
