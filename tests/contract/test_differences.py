"""Where the embedded server differs on purpose: what each of the two does, by id."""

from __future__ import annotations

import json
import random
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.toxiproxy.differences import DIFFERENCES, SURPRISES

HOST = "127.0.0.1"
UNTESTED = {
    "accept-error": "would need a server without descriptors; its code path has a unit test",
    "quieter-log": "wording of a log",
    "token": "of a run's own servers, in tests/unit/engines/test_intruders.py",
}


def is_embedded(api: Any) -> bool:
    return bool(api.kind == "embedded")


def test_ids_are_unique_and_each_is_tested() -> None:
    ids = [item.id for item in (*DIFFERENCES, *SURPRISES)]
    assert len(ids) == len(set(ids))
    source = Path(__file__).read_text()
    assert {d.id for d in DIFFERENCES if f"`{d.id}`" not in source} == set(UNTESTED)


def unread(proxied: Any, stream: str) -> tuple[Any, Any, int]:
    """A connection whose receiver doesn't read and whose sender has filled everything."""
    sender, receiver = proxied.open().ends(stream)
    return sender, receiver, sender.fill()


def test_api_never_waits(own_api: Callable[..., Any], proxied_on: Any, stream: str) -> None:
    """`api-never-waits`"""
    proxied = proxied_on(own_api())
    _, receiver, sent = unread(proxied, stream)
    body = {"type": "latency", "stream": stream, "attributes": {"latency": 10}}
    begun_s = time.monotonic()
    if is_embedded(proxied.api):
        assert proxied.api.call("POST", f"{proxied.path}/toxics", body).status == 200
        assert proxied.update(f"latency_{stream}", attributes={"latency": 20}).status == 200
        assert proxied.api.call("GET", "/proxies").status == 200
        assert proxied.remove(f"latency_{stream}").status == 204
        assert time.monotonic() - begun_s < 5
        assert len(receiver.receive(sent, 20)) == sent
    else:
        with pytest.raises(TimeoutError):
            proxied.api.call("POST", f"{proxied.path}/toxics", body, timeout_s=1)
        with pytest.raises(TimeoutError):
            proxied.api.call("GET", "/proxies", timeout_s=1)


def test_nothing_dropped_on_removal(servers: dict[str, Any], proxied_on: Any) -> None:
    """`nothing-dropped-on-removal`: the real one is not asked, it would block for 25 s."""
    proxied = proxied_on(servers["embedded"])
    toxic = proxied.add("latency", latency=50)
    pair = proxied.open()
    sent = pair.server.fill()
    assert proxied.remove(toxic).status == 204
    time.sleep(0.2)
    assert len(pair.client.receive(sent, 20)) == sent


@pytest.mark.parametrize(
    ("kind", "attributes", "passes"),
    [
        ("slicer", {"average_size": 0}, True),
        ("slicer", {"average_size": -5, "size_variation": 2}, True),
        ("slicer", {"average_size": 5, "size_variation": 50}, True),
        ("bandwidth", {"rate": -1}, False),
    ],
)
def test_attributes_that_crash_the_real_server(
    api: Any,
    own_api: Callable[..., Any],
    proxied_on: Any,
    kind: str,
    attributes: dict[str, int],
    passes: bool,
) -> None:
    """`slicer-crash`, `negative-bandwidth`"""
    if not is_embedded(api) and attributes == {"average_size": -5, "size_variation": 2}:
        return  # as average_size 0, and each such crash takes a gigabyte of stack
    proxied = proxied_on(own_api())
    proxied.add(kind, "upstream", **attributes)
    pair = proxied.open()
    data = b"0123456789" * 100
    if is_embedded(proxied.api):
        pair.client.send(data)
        if passes:
            assert pair.server.receive(len(data)) == data
        else:
            assert pair.server.is_silent()
        assert proxied.api.process.running
        return
    deadline_s = time.monotonic() + 40  # it fills a gigabyte of stack before it gives up
    while time.monotonic() < deadline_s:
        if not proxied.api.process.running:
            return
        try:
            pair.client.send(data)
            pair.server.receive_once(0.1)
        except OSError:
            pass
        time.sleep(0.02)
    pytest.fail("the real server survived: this difference is no longer one")


def pattern(proxied: Any) -> list[bool]:
    """Which of the first 48 connections a toxicity of a half lets through."""
    proxied.add("limit_data", "upstream", toxicity=0.5, bytes=0)
    fates = []
    for _ in range(48):
        pair = proxied.open()
        pair.client.send(b"x")
        fates.append(pair.server.receive(1, 5) == b"x")
    return fates


def test_seed(own_api: Callable[..., Any], proxied_on: Any) -> None:
    """`seed`: twice the same with it; with the real one it can't even be seen to matter."""
    probe = own_api()
    if not is_embedded(probe):
        # A chance of 2^-48 that two runs of the real one agree.
        assert pattern(proxied_on(probe, name="s")) != pattern(proxied_on(own_api(), name="s"))
        return
    first = pattern(proxied_on(own_api(seed=7), name="s"))
    assert first == pattern(proxied_on(own_api(seed=7), name="s"))
    assert first != pattern(proxied_on(own_api(seed=8), name="s"))
    assert 0 < sum(first) < 48


@pytest.fixture
def unanswering() -> Iterator[str]:
    """An address whose connects get no answer: a listener with a full backlog."""
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        listener.listen(0)
        address = listener.getsockname()
        parked = []
        for _ in range(8):
            client = socket.socket()
            client.setblocking(False)
            client.connect_ex(address)
            parked.append(client)
        time.sleep(0.05)
        yield f"{HOST}:{address[1]}"
        for client in parked:
            client.close()


def test_dials_side_by_side(own_api: Callable[..., Any], proxied_on: Any, unanswering: str) -> None:
    """`dials-side-by-side`"""
    proxied = proxied_on(own_api())
    api = proxied.api
    upstream = proxied.shown["upstream"]
    port = proxied.port
    api.call("PATCH", proxied.path, {"upstream": unanswering})
    waiting = proxied.connect(port)
    assert waiting.is_silent(0.1)
    begun_s = time.monotonic()
    if is_embedded(api):
        api.call("PATCH", proxied.path, {"upstream": upstream})
        assert waiting.fate() == "eof", "the dial was given up"
        pair = proxied.open(port)
        pair.client.send(b"x")
        assert pair.server.receive(1) == b"x"
        assert time.monotonic() - begun_s < 5
    else:
        with pytest.raises(TimeoutError):
            api.call("PATCH", proxied.path, {"enabled": False}, timeout_s=0.5)


def test_kept_port(proxied: Any) -> None:
    """`kept-port`"""
    proxied.switch(enabled=False)
    assert proxied.refuses(proxied.port)
    with socket.socket() as other:
        if is_embedded(proxied.api):
            with pytest.raises(OSError, match="in use"):
                other.bind(("127.0.0.1", proxied.port))
        else:
            other.bind(("127.0.0.1", proxied.port))
            assert "address already in use" in proxied.switch(enabled=True).json["error"]
    shown = proxied.switch(enabled=True).json
    assert (shown["enabled"], shown["listen"]) == (True, proxied.shown["listen"])
    proxied.open(proxied.port).client.close()


@pytest.mark.parametrize("how", ["never drawn", "removed"])
def test_reset_peer_linger(proxied: Any, how: str) -> None:
    """`reset-peer-linger`"""
    toxicity = 0 if how == "never drawn" else 1
    toxic = proxied.add("reset_peer", "downstream", toxicity=toxicity, timeout=0)
    pair = proxied.open()
    pair.client.send(b"x")  # both links run when this has passed
    assert pair.server.receive(1) == b"x"
    if how == "removed":
        proxied.remove(toxic)
    pair.server.close()
    assert pair.client.fate() == ("eof" if is_embedded(proxied.api) else "reset")


def test_reset_peer_wait(proxied: Any) -> None:
    """`reset-peer-wait`"""
    toxic = proxied.add("reset_peer", "upstream", timeout=1500)
    pair = proxied.open()
    begun_s = pair.client.send(b"x")
    assert pair.server.is_silent(0.1)
    assert proxied.remove(toxic).status == 204
    answered_s = time.monotonic() - begun_s
    assert pair.server.fate() == "reset"
    closed_s = time.monotonic() - begun_s
    assert closed_s >= 1.5, "the wait can't be cut short"
    assert (answered_s < 1.3) == is_embedded(proxied.api)


def test_bandwidth_schedule(proxied: Any) -> None:
    """`bandwidth-schedule`: both keep the rate; the embedded one also on average, exactly."""
    proxied.add("bandwidth", rate=10)
    pair = proxied.open()
    begun_s = pair.server.send(b"x" * 10_500)
    pair.client.receive(10_000)
    took_s = time.monotonic() - begun_s
    assert took_s >= 1.0
    assert took_s < (1.3 if is_embedded(proxied.api) else 2.5)


def test_api_port_taken() -> None:
    """`api-port-taken`: the real one is not asked; it would have to be killed by its silence."""
    with socket.create_server((HOST, 0)) as taken:
        port = taken.getsockname()[1]
        command = [sys.executable, "-m", "harness.toxiproxy", "--host", HOST, "--port", str(port)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert f"{HOST}:{port}" in done.stderr
    assert "in use" in done.stderr


def test_api_address_logged(own_api: Callable[..., Any]) -> None:
    """`api-address-logged`: a server asked for port 0 is found by what it logs."""
    lines: list[Any] = []
    api = own_api(on_line=lambda at_s, record: lines.append(record))
    said = [line["address"] for line in lines if "address" in line]
    assert said == [api.url.removeprefix("http://")]


def test_lookup_message(api: Any) -> None:
    """`lookup-message`"""
    name = f"no-such-host-{random.randrange(10**9)}.invalid"
    body = {"name": "x", "upstream": "u", "listen": f"{name}:1"}
    reply = api.call("POST", "/proxies", body)
    assert reply.status == 500
    assert reply.json["error"].startswith(f"listen tcp: lookup {name}")
    if is_embedded(api):
        assert reply.json["error"] == f"listen tcp: lookup {name}: no such host"


def test_metrics(api: Any) -> None:
    """`metrics`: without its flags the real one has none either."""
    assert api.call("GET", "/metrics").status == 404


@pytest.mark.parametrize("flag", ["-proxy-metrics", "-runtime-metrics=true"])
def test_metrics_that_were_asked_for(flag: str) -> None:
    """`metrics`: it serves, and says that it has none."""
    command = [sys.executable, "-m", "harness.toxiproxy", "-host", HOST, "-port=0", flag]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = [json.loads(process.stdout.readline()) for _ in range(3)]
        process.terminate()
    assert [line["level"] for line in lines] == ["info", "warn", "info"]
    assert "/metrics" in lines[1]["message"]


@pytest.mark.parametrize("words", [["-port", "abc"], ["-port=70000"], ["and", "-port=0"]])
def test_arguments_that_leave_no_api(words: list[str]) -> None:
    """`api-port-checked`: the real one is not asked; it would live on without an API."""
    command = [sys.executable, "-m", "harness.toxiproxy", *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 2
    assert done.stdout == ""


def test_body_bounded(api: Any) -> None:
    """`body-bounded`"""
    body = [{"name": "x" * 300_000, "listen": f"{HOST}:0", "upstream": f"{HOST}:1"}]
    answer = api.call("POST", "/populate", body)
    assert answer.status == (413 if is_embedded(api) else 201)
    if not is_embedded(api):
        api.call("DELETE", f"/proxies/{body[0]['name']}")
