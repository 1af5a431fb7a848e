"""Lifting has a deadline and escalates: a client that doesn't read hangs Toxiproxy's API.

Then the proxy is deleted; where not even that is answered, the server is restarted.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import socketserver
import threading
import time
from collections.abc import Iterator

import pytest

from harness.engines.proxies import LIFT_WITHIN_S, Proxies
from harness.errors import WorldError
from harness.scenario.faults.network import Blackhole, Refused
from harness.scenario.faults.toxics import Latency
from harness.toxiproxy.client import ToxiproxyClient
from harness.toxiproxy.locate import find_toxiproxy
from harness.toxiproxy.server import ProxyServer

SLACK_S = 8.0
"""For the deletion and the new proxy: each call has its own deadline of 5 s."""


class Flood(socketserver.BaseRequestHandler):
    """Answers any byte with more than all buffers on the way hold."""

    def handle(self) -> None:
        with contextlib.suppress(OSError):
            self.request.recv(1)
            for _ in range(512):
                self.request.sendall(b"x" * 65536)


@pytest.fixture
def flood() -> Iterator[str]:
    socketserver.ThreadingTCPServer.daemon_threads = True
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Flood) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.fixture(params=["embedded", "toxiproxy"])
def server(request: pytest.FixtureRequest) -> Iterator[ProxyServer]:
    if request.param == "embedded":
        server = ProxyServer.embedded()
    else:
        found = find_toxiproxy(os.environ.get("OUTAGE_TOXIPROXY", ""))
        if found is None or found.binary is None:
            if "toxiproxy" in os.environ.get("OUTAGE_REQUIRE", "").split(","):
                pytest.fail("OUTAGE_REQUIRE names toxiproxy, and there is none")
            pytest.skip("no real Toxiproxy: `outage doctor --install toxiproxy`")
        server = ProxyServer.real(found.binary)
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture
def client(server: ProxyServer) -> ToxiproxyClient:
    return server.start()


def slow_reader(port: int) -> socket.socket:
    """A client that asks, and then reads nothing, with all buffers on its way full."""
    reader = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    reader.connect(("127.0.0.1", port))
    reader.sendall(b"?")
    time.sleep(1.0)  # the flood needs this long to fill the buffers, not to win a race
    return reader


@pytest.mark.real_toxiproxy
def test_a_lift_ends_although_a_client_does_not_read(
    client: ToxiproxyClient, flood: str, request: pytest.FixtureRequest
) -> None:
    async def play() -> tuple[str | None, float, bool]:
        proxies = Proxies(client)
        port = await proxies.create("auth", flood)
        fault = Latency.model_validate({"fault": "latency", "upstream": "auth", "latency": "10ms"})
        await proxies.apply(0, fault)
        with await asyncio.to_thread(slow_reader, port):
            began_s = time.monotonic()
            escalated = await proxies.lift(0, fault)
            took_s = time.monotonic() - began_s
        with await asyncio.to_thread(socket.create_connection, ("127.0.0.1", port), 5) as again:
            again.sendall(b"?")
            answered = await asyncio.to_thread(again.recv, 1) == b"x"
        return escalated, took_s, answered

    escalated, took_s, answered = asyncio.run(play())

    assert took_s < LIFT_WITHIN_S + SLACK_S
    assert answered, "the port must be open again, without the fault"
    if request.node.callspec.params["server"] == "toxiproxy":
        assert escalated is not None, "its API hangs, so the plain way can't have worked"
        assert took_s >= LIFT_WITHIN_S
    else:
        assert escalated is None, "the embedded server's control path waits for nobody"


@pytest.mark.real_toxiproxy
def test_an_escalated_lift_leaves_other_faults_in_force(
    client: ToxiproxyClient, flood: str
) -> None:
    async def play() -> bool:
        proxies = Proxies(client)
        port = await proxies.create("auth", flood)
        slow = Latency.model_validate({"fault": "latency", "upstream": "auth", "latency": "10ms"})
        refused = Refused.model_validate({"fault": "refused", "upstream": "auth"})
        await proxies.apply(0, slow)
        with await asyncio.to_thread(slow_reader, port):
            await proxies.apply(1, refused)
            await proxies.lift(0, slow)
        try:
            await asyncio.to_thread(socket.create_connection, ("127.0.0.1", port), 2)
        except ConnectionRefusedError:
            return True
        return False

    assert asyncio.run(play())


@pytest.mark.real_toxiproxy
def test_a_server_that_hangs_is_restarted_with_its_other_faults(
    server: ProxyServer, flood: str
) -> None:
    """Stopped by a signal it answers nobody: neither the plain way nor a deletion helps."""

    async def restart() -> ToxiproxyClient:
        await asyncio.to_thread(server.stop)
        return await asyncio.to_thread(server.start)

    async def play() -> tuple[str | None, float, bytes, type[BaseException] | None]:
        proxies = Proxies(server.start(), restart=restart)
        ports = [await proxies.create(name, flood) for name in ("auth", "billing", "chroma")]
        dark = Blackhole.model_validate({"fault": "blackhole", "upstream": ["auth", "billing"]})
        refused = Refused.model_validate({"fault": "refused", "upstream": "billing"})
        await proxies.apply(0, dark)
        await proxies.apply(1, refused)
        os.kill(server.pid, signal.SIGSTOP)
        began_s = time.monotonic()
        escalated = await proxies.lift(0, dark)
        took_s = time.monotonic() - began_s
        with await asyncio.to_thread(socket.create_connection, ("127.0.0.1", ports[0]), 5) as again:
            again.sendall(b"?")
            answer = await asyncio.to_thread(again.recv, 1)
        try:
            await asyncio.to_thread(socket.create_connection, ("127.0.0.1", ports[1]), 2)
        except ConnectionRefusedError as error:
            met: type[BaseException] | None = type(error)
        else:
            met = None
        await proxies.lift(1, refused)
        with await asyncio.to_thread(socket.create_connection, ("127.0.0.1", ports[1]), 5):
            return escalated, took_s, answer, met

    escalated, took_s, answer, met = asyncio.run(play())

    assert escalated is not None
    assert "restarted" in escalated
    assert took_s < 2 * LIFT_WITHIN_S + SLACK_S
    assert answer == b"x"
    assert met is ConnectionRefusedError, "the other fault is still in force"


def test_a_server_that_others_use_is_never_restarted(flood: str) -> None:
    server = ProxyServer.embedded()

    async def play() -> None:
        proxies = Proxies(server.start())
        await proxies.create("auth", flood)
        refused = Refused.model_validate({"fault": "refused", "upstream": "auth"})
        await proxies.apply(0, refused)
        os.kill(server.pid, signal.SIGSTOP)
        with pytest.raises(WorldError, match=r"neither be changed .* nor deleted"):
            await proxies.lift(0, refused)

    try:
        asyncio.run(play())
    finally:
        server.stop()
