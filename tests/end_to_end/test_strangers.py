"""Another account of this machine connects to a world's ports: turned away, or told."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.bundled import bundled_folder
from harness.engines.base import Job
from harness.engines.local.engine import LocalEngine
from harness.engines.local.world import World
from harness.history.events import Crossed, Event, Trouble
from harness.scenario.loader import load_scenario
from harness.target.loading import load_target
from harness.timeline import compile_timeline
from neighbours import stranger

OTHER = 65_533
"""An account that runs nothing here; becoming it takes root."""

REQUEST = b"POST /verify HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="becoming another account takes root")


@contextlib.contextmanager
def called_by_another(port: int) -> Iterator[None]:
    """A connection to a port that a process of another account holds, and has sent a request on."""
    said, heard = os.pipe()
    kept, let_go = os.pipe()
    child = os.fork()
    if child == 0:  # pragma: no cover
        try:
            os.close(let_go)
            os.setuid(OTHER)
            with socket.create_connection(("127.0.0.1", port), 5) as connection:
                connection.settimeout(5)
                connection.sendall(
                    b"POST /verify HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"
                )
                with contextlib.suppress(OSError):
                    connection.recv(1)
                os.write(heard, b"x")
                os.read(kept, 1)
        finally:
            os._exit(0)
    os.close(heard)
    os.close(kept)
    try:
        assert os.read(said, 1) == b"x", "it could not connect"
        yield
    finally:
        os.close(let_go)
        os.close(said)
        os.waitpid(child, 0)


def test_the_kernel_says_who_has_opened_a_connection() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as mine:
            ours, _ = server.accept()
            assert stranger(ours.getsockname(), mine.getsockname()) is None
            ours.close()


def job_in(folder: Path) -> Job:
    scenario = load_scenario(bundled_folder() / "auth_one_503.yaml")
    return Job(
        scenario=scenario,
        timeline=compile_timeline(scenario),
        target=load_target("reference"),
        folder=folder,
    )


def in_a_world(tmp_path: Path, proxy: str, *, known: bool) -> tuple[list[Event], int]:
    """What is recorded of a world whose proxy and stub of auth another account calls; the calls."""
    events: list[Event] = []

    async def play(world: World) -> None:
        if not known:
            world.alone_from_now()
        with called_by_another(world.proxy_ports["auth"]):
            await world.told()
            async with asyncio.timeout(10):
                while not any(isinstance(event, Crossed) for event in events):
                    await asyncio.sleep(0.01)
        before = len(calls())
        with called_by_another(world.services.links["auth"].port):
            await world.services.settled()
        assert len(calls()) == before, "the stub took a stranger's call for one of its own"

    def calls() -> list[Event]:
        return [event for event in events if event.by == "stub"]

    async def build() -> None:
        engine = LocalEngine(proxy=proxy)
        try:
            async with engine.world(job_in(tmp_path), events.append) as world:
                await play(world)
        finally:
            await engine.close()

    asyncio.run(build())
    return events, len(calls())


@pytest.mark.parametrize("known", [False, True])
def test_a_stranger_is_told_unless_it_called_before_the_outage(known: bool, tmp_path: Path) -> None:
    events, _ = in_a_world(tmp_path, "embedded", known=known)
    told = [event.what for event in events if isinstance(event, Trouble)]
    assert [f"uid {OTHER}" in what for what in told] == ([] if known else [True])


def test_whoever_else_calls_the_target_is_told(tmp_path: Path) -> None:
    events: list[Event] = []

    def told() -> list[str]:
        return [event.what for event in events if isinstance(event, Trouble)]

    async def play() -> None:
        engine = LocalEngine(proxy="embedded")
        try:
            async with engine.world(job_in(tmp_path), events.append, watched=True) as world:
                port = world.gateway.address[1]
                mine = socket.create_connection(world.gateway.address)  # nobody's business
                with mine, called_by_another(port):
                    async with asyncio.timeout(10):
                        while not told():
                            await asyncio.sleep(0.01)
        finally:
            await engine.close()

    asyncio.run(play())
    assert f"uid {OTHER}) connected to the target" in told()[0]
    assert len(told()) == 1


@pytest.mark.real_toxiproxy
def test_a_real_proxys_log_is_enough_while_the_connection_is_open(tmp_path: Path) -> None:
    events, _ = in_a_world(tmp_path, "toxiproxy", known=False)
    assert any(f"uid {OTHER}" in event.what for event in events if isinstance(event, Trouble))
