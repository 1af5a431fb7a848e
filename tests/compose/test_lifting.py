"""Lifting has a deadline and escalates: a client that doesn't read hangs Toxiproxy's API."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import socketserver
import threading
import time
from collections.abc import Iterator

import pytest

from harness.engines.proxies import LIFT_WITHIN_S, Proxies
from harness.scenario.faults import Latency, Refused
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
def client(request: pytest.FixtureRequest) -> Iterator[ToxiproxyClient]:
    server = ProxyServer.embedded()
    if request.param == "toxiproxy":
        found = find_toxiproxy(os.environ.get("OUTAGE_TOXIPROXY", ""))
        if found is None or found.binary is None:
            if "toxiproxy" in os.environ.get("OUTAGE_REQUIRE", "").split(","):
                pytest.fail("OUTAGE_REQUIRE names toxiproxy, and there is none")
            pytest.skip("no real Toxiproxy: `outage doctor --install toxiproxy`")
        server = ProxyServer.real(found.binary)
    try:
        yield server.start()
    finally:
        server.stop()


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
    if request.node.callspec.params["client"] == "toxiproxy":
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
