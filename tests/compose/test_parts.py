"""The parts that need no Docker: packets, timestamps, the keeper, the doorway, the vacancy."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.engines.client import exchange_through
from harness.engines.compose import layout
from harness.engines.compose.command import OVERRIDE, find_compose
from harness.engines.compose.dockerd import unix_seconds
from harness.engines.compose.images import sources_digest
from harness.engines.compose.sight import handshake_of
from harness.engines.compose.vacancy import Vacancy
from harness.engines.requests import WireRequest
from harness.errors import UsageError, WorldError

ROOT = Path(__file__).resolve().parents[2]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def listens(port: int, within_s: float = 20.0) -> bool:
    deadline_s = time.monotonic() + within_s
    while time.monotonic() < deadline_s:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return True
        time.sleep(0.05)
    return False


@contextlib.contextmanager
def script(name: str, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, str(ROOT / "containers" / name), *arguments]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(10)


# The files agree with each other


def compose_file(name: str) -> Any:
    return yaml.safe_load((ROOT / name).read_text())


def test_the_engine_knows_the_ports_of_the_compose_file() -> None:
    services = compose_file("docker-compose.yml")["services"]

    for name, port in layout.STUB_PORTS.items():
        assert f"{name}={port}" in services[name]["command"]
        variable = f"{name.upper()}_SERVER_URL"
        proxied = services["gateway"]["environment"][variable]
        assert proxied == f"http://toxiproxy:{layout.PROXY_PORTS[name]}"


def test_nothing_is_published_beyond_loopback() -> None:
    base, host = compose_file("docker-compose.yml"), compose_file("containers/host.yml")

    assert all("ports" not in service for service in base["services"].values())
    assert base["networks"]["default"]["internal"] is True
    published = [port for service in host["services"].values() for port in service.get("ports", ())]
    assert published
    assert all(port.startswith("127.0.0.1::") for port in published)


def test_every_container_is_read_only_and_without_capabilities() -> None:
    for name, service in compose_file("docker-compose.yml")["services"].items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert "cap_add" not in service or name == "harness", name
        assert "/var/run/docker.sock" not in str(service), name


def test_an_override_that_is_not_there_is_a_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(OVERRIDE, "/nowhere/mine.yml")

    with pytest.raises(UsageError, match="there is no file /nowhere/mine"):
        find_compose()


def test_a_changed_source_is_another_digest(tmp_path: Path) -> None:
    for name in ("containers", "stub_services", "gateway"):
        (tmp_path / name).mkdir()
    (tmp_path / "pyproject.toml").write_text("[project]")
    before = sources_digest(tmp_path)
    assert sources_digest(tmp_path) == before

    (tmp_path / "gateway" / "app.py").write_text("x = 1")

    assert sources_digest(tmp_path) != before
    assert len(before) == len(hashlib.sha256().hexdigest()) // 4


# Instants


@pytest.mark.parametrize(
    ("stamp", "seconds"),
    [
        ("1970-01-01T00:00:01.5Z", 1.5),
        ("1970-01-01T00:00:01.123456789Z", 1.123456789),
        ("1970-01-01T01:00:01.250000000+01:00", 1.25),
        ("1970-01-01T00:00:02Z", 2.0),
    ],
)
def test_dockers_timestamps_are_read_whole(stamp: str, seconds: float) -> None:
    assert unix_seconds(stamp) == pytest.approx(seconds, abs=1e-7)


# Connections seen on the wire


def packet(*, source: int, flags: int, protocol: int = 6, options: int = 0) -> bytes:
    ip = struct.pack(
        "!BBHHHBBH4s4s", 0x45 + options, 0, 40, 0, 0, 64, protocol, 0, b"\1" * 4, b"\2" * 4
    )
    tcp = struct.pack("!HHIIBBHHH", source, 40000, 77, 0, 0x50, flags, 0, 0, 0)
    return ip + b"\0" * 4 * options + tcp


def test_a_syn_ack_from_a_proxy_is_a_connection_accepted() -> None:
    found = handshake_of(packet(source=7001, flags=0x12))

    assert found is not None
    assert (found.proxy_port, found.client_port, found.sequence) == (7001, 40000, 77)
    assert handshake_of(packet(source=7006, flags=0x12 | 0x40, options=1)) is not None


@pytest.mark.parametrize(
    "other",
    [
        packet(source=7001, flags=0x02),
        packet(source=7001, flags=0x14),
        packet(source=7001, flags=0x18),
        packet(source=8474, flags=0x12),
        packet(source=7001, flags=0x12, protocol=17),
        b"",
        b"\x60" * 60,
    ],
    ids=["syn", "refused", "data", "another port", "udp", "nothing", "ipv6"],
)
def test_nothing_else_is(other: bytes) -> None:
    assert handshake_of(other) is None


# The keeper


def ask(port: int, order: str) -> str:
    with socket.create_connection(("127.0.0.1", port), 10) as connection:
        connection.sendall(f"{order}\n".encode())
        return connection.makefile("r").readline().strip()


def test_the_keeper_restarts_kills_and_starts_what_it_keeps() -> None:
    control, kept = free_port(), free_port()
    serving = [sys.executable, "-m", "stub_services", "auth", "--port", f"auth={kept}"]
    with script("keeper.py", f"127.0.0.1:{control}", *serving) as keeper:
        assert listens(kept)
        assert ask(control, "restart") == "done"
        assert listens(kept)
        assert ask(control, "kill") == "done"
        assert not listens(kept, 0.5)
        assert keeper.poll() is None
        assert ask(control, "start") == "done"
        assert listens(kept)
        assert ask(control, "dance") == "unknown order 'dance'"
    assert not listens(kept, 0.5)


def test_the_keeper_ends_with_what_it_keeps() -> None:
    control = free_port()
    with script("keeper.py", f"127.0.0.1:{control}", sys.executable, "-c", "exit(7)") as keeper:
        assert keeper.wait(20) == 7


# The doorway


def test_the_doorway_gives_each_client_its_address() -> None:
    async def through(door: int, client: str) -> str:
        request = WireRequest(method="GET", path="/")
        answer = await exchange_through("127.0.0.1", door, request, source=client)
        return answer.body.decode()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        seen = writer.get_extra_info("peername")[0].encode()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(seen), seen))
        await writer.drain()
        writer.close()

    async def play(door: int) -> list[str]:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        behind = server.sockets[0].getsockname()[1]
        with script("doorway.py", str(door), str(behind)):
            assert await asyncio.to_thread(listens, door)
            seen = [await through(door, f"127.0.0.{number}") for number in (2, 3, 250)]
            seen.append(await through(door, "10.0.0.1"))
        server.close()
        return seen

    assert asyncio.run(play(free_port())) == ["127.0.0.2", "127.0.0.3", "127.0.0.250", ""]


# The vacancy


def test_a_vacant_port_leaves_connects_unanswered_until_it_is_given_back() -> None:
    control, port = free_port(), free_port()

    async def play() -> None:
        held = await Vacancy.hold(("127.0.0.1", control), port)
        with pytest.raises(TimeoutError):
            await asyncio.to_thread(socket.create_connection, ("127.0.0.1", port), 0.5)
        with pytest.raises(WorldError, match="could not be taken"):
            await Vacancy.hold(("127.0.0.1", control), port)
        await held.close()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.to_thread(socket.create_connection, ("127.0.0.1", port), 2)

    with script("vacancy.py", str(control)):
        assert listens(control)
        asyncio.run(play())
