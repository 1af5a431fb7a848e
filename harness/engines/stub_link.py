"""The harness's line to one stub: its settings, its behaviours, and the stream of its records."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable
from typing import Any

import h11

from harness.control import showing
from harness.engines.client import encode, exchange
from harness.engines.requests import WireRequest
from harness.errors import WorldError

_ANSWER_WITHIN_S = 5.0
_IDS_OF_A_LIFE = 1_000_000_000
"""More calls than one process ever gets: ids of the next one begin above."""


class StubLink:
    """One stub at an address. `on_record` gets each record as the stub sent it.

    `token` is what the stub's process was given to tell the harness by.
    """

    def __init__(
        self,
        upstream: str,
        host: str,
        port: int,
        on_record: Callable[[dict[str, Any]], None],
        *,
        token: str = "",
    ) -> None:
        self.upstream = upstream
        self.host = host
        self.port = port
        self._headers = showing(token)
        self._on_record = on_record
        self._reader: asyncio.Task[None] | None = None
        self._seen = 0
        self._lives = 0
        self.lost: str | None = None
        """Why the stream of records ended by itself; None while it goes on."""

    async def put(self, path: str, value: object) -> None:
        """`PUT /_stub/...` with JSON.

        Raises: WorldError when the stub doesn't take it.
        """
        await self._control("PUT", path, json.dumps(value).encode())

    async def delete(self, path: str) -> None:
        """`DELETE /_stub/...`.

        Raises: WorldError when the stub doesn't take it.
        """
        await self._control("DELETE", path, b"")

    async def get(self, path: str) -> Any:
        """`GET /_stub/...`, its JSON.

        Raises: WorldError when there is none.
        """
        return await self._control("GET", path, b"")

    async def _control(self, method: str, path: str, body: bytes) -> Any:
        headers = self._headers | ({"Content-Type": "application/json"} if body else {})
        request = WireRequest(method=method, path=f"/_stub/{path}", headers=headers, body=body)
        try:
            async with asyncio.timeout(_ANSWER_WITHIN_S):
                answer = await exchange(self.host, self.port, request)
        except TimeoutError as error:
            raise WorldError(
                f"the {self.upstream} stub does not answer the harness", late=True
            ) from error
        if answer.status is None or answer.status >= 300:
            said = answer.error or f"{answer.status} {answer.body[:200].decode('utf-8', 'replace')}"
            raise WorldError(f"the {self.upstream} stub did not take {method} {path}: {said}")
        return json.loads(answer.body) if answer.body else None

    async def listen(self) -> None:
        """Begin to receive records, all from the stub's first; returns once the stream is open.

        Raises: WorldError when the stub can't be reached.
        """
        try:
            reader, writer = await asyncio.open_connection(self.host, self.port)
        except OSError as error:
            raise WorldError(f"the {self.upstream} stub can't be reached: {error}") from error
        self.lost = None
        path = f"/_stub/records?from={self._seen}"
        request = WireRequest(method="GET", path=path, headers=self._headers)
        writer.write(encode(request, f"{self.host}:{self.port}"))
        self._reader = asyncio.create_task(self._receive(reader, writer))

    async def _receive(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lines = _Lines(self._take)
        http = h11.Connection(h11.CLIENT)
        http.send(h11.Request(method="GET", target="/", headers=[("Host", "stub")]))
        http.send(h11.EndOfMessage())
        try:
            while data := await reader.read(65536):
                http.receive_data(data)
                while (event := http.next_event()) is not h11.NEED_DATA:
                    if isinstance(event, h11.Data):
                        lines.on_body(bytes(event.data))
                    elif not isinstance(event, h11.Response):
                        self.lost = "the stub ended it"
                        return
            self.lost = "the stub closed it"
        except (OSError, h11.RemoteProtocolError) as error:
            self.lost = str(error)
        finally:
            writer.close()

    def _take(self, line: bytes) -> None:
        self._seen += 1
        record = json.loads(line)
        if "id" in record:
            record["id"] += self._lives * _IDS_OF_A_LIFE
        self._on_record(record)

    def restarted(self) -> None:
        """A new process has taken the stub's place: its records and calls count anew."""
        self._seen = 0
        self._lives += 1

    async def close(self) -> None:
        """Stop receiving."""
        if self._reader is not None:
            self._reader.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._reader


class _Lines:
    """Cuts an HTTP body into lines as it comes."""

    def __init__(self, take: Callable[[bytes], None]) -> None:
        self._take = take
        self._rest = b""

    def on_body(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            if line.strip():
                self._take(line)
