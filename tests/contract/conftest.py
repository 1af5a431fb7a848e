"""What the contract's cases stand on: both servers, their raw API, both ends of a link.

Every case runs against the embedded server and against a real Toxiproxy where one is found (on the
PATH, installed by `outage doctor --install toxiproxy`, or named by OUTAGE_TOXIPROXY).
"""

from __future__ import annotations

import http.client
import itertools
import json
import os
import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import pytest

from harness.toxiproxy.locate import find_toxiproxy
from harness.toxiproxy.server import ProxyServer

HOST = "127.0.0.1"
LATE_S = 1.0
"""How late anything may be on a busy machine; nothing may be early."""
QUIET_S = 0.15
"""How long nothing must come for a case to call it silence."""


REAL = find_toxiproxy(os.environ.get("OUTAGE_TOXIPROXY", ""))
# Without a real server its cases are not even collected; test_real_server.py says so, once.
KINDS: list[Any] = ["embedded"]
if REAL is not None and REAL.binary is not None:
    KINDS.append(pytest.param("toxiproxy", marks=pytest.mark.real_toxiproxy))


@dataclass(frozen=True)
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class End:
    """One end of a connection through a proxy, with the times of what happened."""

    socket: socket.socket

    def send(self, data: bytes) -> float:
        at_s = time.monotonic()
        self.socket.sendall(data)
        return at_s

    def fill(self, at_most: int = 200_000_000) -> int:
        """Sends until nobody takes any more for a second; returns how many bytes went."""
        self.socket.settimeout(1.0)
        block = b"x" * 1_000_000
        sent = 0
        try:
            while sent < at_most:
                sent += self.socket.send(block)
        except TimeoutError:
            pass
        return sent

    def receive(self, count: int, timeout_s: float = 5.0) -> bytes:
        """Exactly so many bytes, or what came before the end."""
        self.socket.settimeout(timeout_s)
        got = bytearray()
        while len(got) < count:
            data = self.socket.recv(min(65536, count - len(got)))
            if not data:
                break
            got += data
        return bytes(got)

    def receive_once(self, timeout_s: float = 5.0) -> bytes:
        self.socket.settimeout(timeout_s)
        return self.socket.recv(65536)

    def receive_all(self, timeout_s: float = 5.0) -> bytes:
        return self.receive(1 << 40, timeout_s)

    def is_silent(self, for_s: float = QUIET_S) -> bool:
        self.socket.settimeout(for_s)
        try:
            self.socket.recv(1, socket.MSG_PEEK)
        except TimeoutError:
            return True
        except ConnectionResetError:
            return False
        return False

    def fate(self, timeout_s: float = 5.0) -> str:
        """How the connection ends for this end, data skipped: `eof`, `reset` or `open`."""
        self.socket.settimeout(timeout_s)
        try:
            while self.socket.recv(65536):
                pass
        except TimeoutError:
            return "open"
        except ConnectionResetError:
            return "reset"
        return "eof"

    def reset(self) -> None:
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def close(self) -> None:
        self.socket.close()


@dataclass
class Pair:
    client: End
    server: End

    def ends(self, stream: str) -> tuple[End, End]:
        """Sender and receiver of a direction."""
        if stream == "upstream":
            return self.client, self.server
        return self.server, self.client


class Proxied:
    """A proxy with an upstream that the case itself plays."""

    def __init__(self, api: Api, name: str, listener: socket.socket, stack: ExitStack) -> None:
        self.api = api
        self.name = name
        self.path = f"/proxies/{name}"
        self._listener = listener
        self._stack = stack

    @property
    def shown(self) -> Any:
        return self.api.call("GET", self.path).json

    @property
    def port(self) -> int:
        return int(self.shown["listen"].rpartition(":")[2])

    def connect(self, port: int = 0) -> End:
        stream = socket.create_connection((HOST, port or self.port), timeout=5)
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._stack.callback(stream.close)
        return End(stream)

    def accept(self) -> End:
        self._listener.settimeout(5)
        stream, _ = self._listener.accept()
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._stack.callback(stream.close)
        return End(stream)

    def open(self, port: int = 0) -> Pair:
        client = self.connect(port)
        return Pair(client, self.accept())

    def add(
        self, kind: str, stream: str = "downstream", toxicity: float = 1.0, **attributes: int
    ) -> str:
        name = f"{kind}-{next(self.api.numbers)}"
        reply = self.api.call(
            "POST",
            f"{self.path}/toxics",
            {
                "name": name,
                "type": kind,
                "stream": stream,
                "toxicity": toxicity,
                "attributes": attributes,
            },
        )
        assert reply.status == 200, reply
        return name

    def update(self, toxic: str, **body: Any) -> Reply:
        return self.api.call("PATCH", f"{self.path}/toxics/{toxic}", body)

    def remove(self, toxic: str) -> Reply:
        return self.api.call("DELETE", f"{self.path}/toxics/{toxic}")

    def switch(self, enabled: bool) -> Reply:
        return self.api.call("PATCH", self.path, {"enabled": enabled})

    def refuses(self, port: int) -> bool:
        try:
            self.connect(port).close()
        except ConnectionRefusedError:
            return True
        return False


@dataclass
class Api:
    """A server's HTTP API."""

    kind: str
    url: str
    process: ProxyServer
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        headers: dict[str, str] | None = None,
        timeout_s: float = 10.0,
    ) -> Reply:
        """`body` goes out as JSON unless it is bytes."""
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        connection = http.client.HTTPConnection(HOST, self.port, timeout=timeout_s)
        try:
            connection.request(method, path, data, headers or {})
            answer = connection.getresponse()
            return Reply(answer.status, dict(answer.getheaders()), answer.read())
        finally:
            connection.close()

    def clear(self) -> None:
        for name in self.call("GET", "/proxies").json:
            self.call("DELETE", f"/proxies/{quote(name, safe='')}")


def start_server(kind: str, stack: ExitStack, **options: Any) -> Api:
    """A server of its own for those who want to break it."""
    if kind == "embedded":
        server = ProxyServer.embedded(journal=False, guarded=False, **options)
    else:
        assert REAL is not None
        assert REAL.binary is not None
        server = ProxyServer.real(REAL.binary, **options)
    stack.callback(server.stop)
    client = server.start()
    return Api(kind, client.url, server)


@pytest.fixture(scope="session")
def servers() -> Iterator[dict[str, Api]]:
    """The session's servers by kind, started when first asked for."""
    with ExitStack() as stack:

        class Servers(dict[str, Api]):
            def __missing__(self, kind: str) -> Api:
                self[kind] = start_server(kind, stack)
                return self[kind]

        yield Servers()


@pytest.fixture(params=KINDS)
def api(request: pytest.FixtureRequest, servers: dict[str, Api]) -> Iterator[Api]:
    """One of the servers, empty before and after."""
    api = servers[request.param]
    if not api.process.running:
        servers.pop(request.param)
        api = servers[request.param]
    yield api
    api.clear()


@pytest.fixture
def own_api(request: pytest.FixtureRequest, api: Api) -> Iterator[Callable[..., Api]]:
    """Starts a server of the same kind for this case alone."""
    with ExitStack() as stack:
        yield lambda **options: start_server(api.kind, stack, **options)


@pytest.fixture
def proxied_on() -> Iterator[Callable[..., Proxied]]:
    """Creates proxies on a given server, with upstreams played by the case."""
    with ExitStack() as stack:

        def create(api: Api, **fields: Any) -> Proxied:
            listener = stack.enter_context(socket.create_server((HOST, 0), backlog=1024))
            name = fields.pop("name", f"proxy-{next(api.numbers)}")
            body = {
                "name": name,
                "listen": f"{HOST}:0",
                "upstream": f"{HOST}:{listener.getsockname()[1]}",
                **fields,
            }
            reply = api.call("POST", "/proxies", body)
            assert reply.status == 201, reply
            return Proxied(api, name, listener, stack)

        yield create


@pytest.fixture
def proxied(api: Api, proxied_on: Callable[..., Proxied]) -> Proxied:
    """A proxy on the server under test."""
    return proxied_on(api)


@pytest.fixture(params=["upstream", "downstream"])
def stream(request: pytest.FixtureRequest) -> str:
    """Each direction in turn."""
    return str(request.param)


@pytest.fixture
def in_time() -> Callable[[float, float, float], None]:
    """Asserts that something came no earlier than due, and not much later."""

    def check(begun_s: float, due_s: float, late_s: float = LATE_S) -> None:
        took_s = time.monotonic() - begun_s
        assert took_s >= due_s, f"early: after {took_s:.4f} s instead of {due_s} s"
        assert took_s < due_s + late_s, f"late: after {took_s:.4f} s instead of {due_s} s"

    return check
