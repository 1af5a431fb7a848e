"""The server as a process: start, journal, signals, ends; and its loop's timers."""

from __future__ import annotations

import errno
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from typing import Any

import pytest

from harness.errors import WorldError
from harness.toxiproxy import proxy as proxy_module
from harness.toxiproxy.client import ProxyServerError
from harness.toxiproxy.log import Log
from harness.toxiproxy.loop import new_event_loop
from harness.toxiproxy.proxy import Proxy
from harness.toxiproxy.server import ProxyServer, free_port

HOST = "127.0.0.1"


def answer_once(listener: socket.socket, reply: bytes) -> None:
    stream, _ = listener.accept()
    with stream:
        stream.recv(65536)
        stream.sendall(reply)
        stream.recv(1)


def test_a_port_is_found_without_all_being_shuffled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random, "sample", lambda *_: pytest.fail("there are free ones"))
    with socket.create_server((HOST, free_port())):
        pass


def test_every_port_is_tried_before_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = set()

    def taken(address: tuple[str, int]) -> None:
        tried.add(address[1])
        raise OSError(errno.EADDRINUSE, "taken")

    monkeypatch.setattr(socket, "create_server", taken)
    with pytest.raises(WorldError, match="no port from 20000 to 31999"):
        free_port()
    assert tried == set(range(20_000, 32_000))


def test_journal_of_a_request() -> None:
    lines: list[tuple[float, Any]] = []
    server = ProxyServer.embedded(on_line=lambda at_s, record: lines.append((at_s, dict(record))))
    with server as client, socket.create_server((HOST, 0)) as upstream:
        reply = b"HTTP/1.1 204 No Content\r\n\r\n"
        thread = threading.Thread(target=answer_once, args=(upstream, reply))
        thread.start()
        made = client.create("billing", f"{HOST}:{upstream.getsockname()[1]}")
        begun_s = time.monotonic()
        with socket.create_connection((HOST, made.port), timeout=5) as stream:
            stream.sendall(b"POST /deduct HTTP/1.1\r\nHost: x\r\n\r\n")
            assert stream.recv(65536) == reply
        thread.join(5)
        ended_s = time.monotonic()
        deadline_s = ended_s + 5
        while time.monotonic() < deadline_s:
            if any(record.get("message") == "Closed" for _, record in lines):
                break
            time.sleep(0.01)
    journal = [(at_s, record) for at_s, record in lines if "conn" in record]
    assert [record["message"] for _, record in journal] == [
        "Accepted client", "Request", "Response", "Closed",
    ]  # fmt: skip
    assert {record["name"] for _, record in journal} == {"billing"}
    assert {record["conn"] for _, record in journal} == {1}
    accepted, request, response, closed = (record for _, record in journal)
    assert accepted["client"].startswith(f"{HOST}:")
    assert (request["method"], request["path"]) == ("POST", "/deduct")
    assert response["status"] == 204
    assert closed["by"] == "client"
    for arrived_s, record in journal:
        assert begun_s <= record["at"] <= arrived_s


def test_refused_upstream_is_in_the_journal() -> None:
    lines: list[Any] = []
    server = ProxyServer.embedded(on_line=lambda at_s, record: lines.append(dict(record)))
    with socket.create_server((HOST, 0)) as closed:
        port = closed.getsockname()[1]
    with server as client:
        made = client.create("git", f"{HOST}:{port}")
        with socket.create_connection((HOST, made.port), timeout=5) as stream:
            assert stream.recv(1) == b""
    messages = [line["message"] for line in lines if line.get("name") == "git"]
    assert messages[:4] == [
        "Started proxy", "Accepted client", "Unable to open connection to upstream", "Closed",
    ]  # fmt: skip
    error = next(line["error"] for line in lines if "Unable" in line["message"])
    assert error == f"dial tcp {HOST}:{port}: connect: connection refused"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_end_it_cleanly(number: signal.Signals) -> None:
    command = [sys.executable, "-m", "harness.toxiproxy", "--host", HOST, "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        where = json.loads(process.stdout.readline())["address"]
        address = (HOST, int(where.rpartition(":")[2]))
        with socket.create_connection(address, timeout=5):  # an open connection holds up nothing
            begun_s = time.monotonic()
            process.send_signal(number)
            _, errors = process.communicate(timeout=5)
        assert time.monotonic() - begun_s < 2
        assert process.returncode == 0
        assert errors == b""
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address, timeout=1)


def test_a_reader_that_leaves_does_not_end_it() -> None:
    command = [sys.executable, "-m", "harness.toxiproxy", "--host", HOST, "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        where = json.loads(process.stdout.readline())["address"]
        process.stdout.close()
        for _ in range(2):
            with socket.create_connection((HOST, int(where.rpartition(":")[2])), timeout=5) as api:
                api.sendall(b"GET /version HTTP/1.1\r\nHost: x\r\n\r\n")
                assert api.recv(65536).startswith(b"HTTP/1.1 200 OK")
        process.terminate()
        assert process.wait(5) == 0


def test_a_program_that_is_no_proxy_server() -> None:
    with pytest.raises(ProxyServerError, match="did not start"):
        ProxyServer.real("/bin/false").start(timeout_s=2)
    with pytest.raises(ProxyServerError, match="No such file"):
        ProxyServer.real("/nowhere/toxiproxy").start(timeout_s=2)


def test_stop_may_be_called_twice_and_leaves_no_process() -> None:
    server = ProxyServer.embedded()
    server.start()
    pid = server.pid
    server.stop()
    server.stop()
    assert not server.running
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_accepting_goes_on_after_running_out_of_descriptors(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(proxy_module, "_ACCEPT_PAUSE_S", 0.02)
    lines: list[bytes] = []
    loop = new_event_loop()

    class Exhausted:
        """A listener whose first accept fails."""

        def __init__(self, real: socket.socket) -> None:
            self.real = real
            self.failed = 0

        def accept(self) -> Any:
            if not self.failed:
                self.failed += 1
                raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
            return self.real.accept()

        def __getattr__(self, name: str) -> Any:
            return getattr(self.real, name)

    async def play() -> bytes:
        proxy = Proxy("p", f"{HOST}:0", f"{HOST}:1", log=Log(lines.append))
        await proxy.start()
        assert proxy._listener is not None
        proxy._listener = Exhausted(proxy._listener)  # type: ignore[assignment]
        host, _, port = proxy.listen.partition(":")
        client = socket.socket()
        client.setblocking(False)
        await loop.sock_connect(client, (host, int(port)))
        try:
            return await loop.sock_recv(client, 1)
        finally:
            client.close()
            proxy.stop()

    try:
        assert loop.run_until_complete(play()) == b"", "accepted at the second try, then closed"
    finally:
        loop.close()
    assert b"too many open files" in b"".join(lines)


@pytest.mark.real_time
def test_short_timers_are_exact_and_never_early() -> None:
    loop = new_event_loop()
    late: list[float] = []

    async def wait(delay_s: float) -> None:
        due_s = loop.time() + delay_s
        done = loop.create_future()
        loop.call_at(due_s, done.set_result, None)
        await done
        late.append(loop.time() - due_s)

    async def play() -> None:
        for _ in range(60):
            await wait(0.0003)
        for _ in range(20):
            await wait(0.0052)

    loop.run_until_complete(play())
    loop.close()
    assert min(late) > -1e-6
    # Where epoll rounds up to whole milliseconds, 0.3 ms are late by 0.7 ms, each time.
    assert min(late[:60]) < 0.0005
    assert min(late[60:]) < 0.0005
