"""What a client of an upstream can tell of each outage on the simulated network."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Outcome, Simulate, request, send

CLIENT = """
import os, time, requests, logging
session = requests.Session()
def work(environ):
    a = time.monotonic()
    try:
        answer = session.get(os.environ["UPSTREAM"] + "/thing", timeout=(2, 5))
        said = f"{answer.status_code} {len(answer.content)}"
    except requests.RequestException as error:
        inner = error
        while inner.__cause__ or inner.__context__:
            inner = inner.__cause__ or inner.__context__
        said = f"{type(error).__name__} {type(inner).__name__}"
    return f"{said} {time.monotonic() - a:.3f}"
"""
ROUTES = [{"route": "GET /thing", "json": {"thing": 1}}]
UPSTREAMS = [{"name": "auth", "port": 20_001, "users": {}, "routes": ROUTES}]


def timeout_toxics(*streams: str, kind: str = "timeout", **attributes: int) -> dict[str, Any]:
    return {
        "index": 0,
        "name": "fault",
        "upstreams": ["auth"],
        "apply": [["toxic", "auth", s, kind, s, attributes, 1.0] for s in streams],
        "lift": [["untoxic", "auth", s] for s in streams],
    }


def words(apply: list[list[Any]], lift: list[list[Any]]) -> dict[str, Any]:
    return {"index": 0, "name": "fault", "upstreams": ["auth"], "apply": apply, "lift": lift}


def play(simulate: Simulate, fault: dict[str, Any], *, source: str = CLIENT) -> Outcome:
    """A warm request leaves a kept-alive connection; a fault from 1 to 30 s; requests at 10, 40."""
    steps = [
        {"at_s": 1.0, "send": None, "apply": 0, "lift": None},
        send(10.0, number=1),
        {"at_s": 30.0, "send": None, "apply": None, "lift": 0},
        send(40.0, number=2),
    ]
    warm = [{"tries": [request("/", 0)], "healthy_low": 200.0, "healthy_high": 200.0}]
    outcome = simulate(
        source, upstreams=UPSTREAMS, faults=[fault], steps=steps, warm_up=warm, duration_s=60.0
    )
    assert outcome.escapes == []
    assert outcome.troubles == []
    return outcome


FAULTS = {
    "refused": (
        words([["disable", "auth", "f"]], [["enable", "auth", "f"]]),
        "ConnectionError ConnectionRefusedError 0.000",
    ),
    "empty": (
        words([["cut_off", "auth", "f"]], [["connect", "auth", "f"]]),
        "ConnectionError ",
    ),
    "unanswered": (
        words([["ignore", "auth", "f"]], [["answer", "auth", "f"]]),
        "ConnectTimeout TimeoutError 2.000",
    ),
    "blackhole": (
        timeout_toxics("upstream", "downstream", timeout=0),
        "ReadTimeout TimeoutError 5.000",
    ),
    "stall": (
        timeout_toxics("upstream", "downstream", kind="bandwidth", rate=0),
        "ReadTimeout TimeoutError 5.000",
    ),
    "reset, on a connection from before": (
        timeout_toxics("upstream", kind="reset_peer", timeout=100),
        "ConnectionError RemoteDisconnected 0.10",
    ),
    "latency": (timeout_toxics("downstream", kind="latency", latency=1500), "200 12 1.500"),
    "killed": (
        words(
            [["kill", "auth"], ["disable", "auth", "f"]],
            [["revive", "auth"], ["enable", "auth", "f"]],
        ),
        "ConnectionError ConnectionRefusedError 0.000",
    ),
    "paused": (words([["pause", "auth"]], [["resume", "auth"]]), "ReadTimeout TimeoutError 5.000"),
    "restarted": (words([["kill", "auth"], ["revive", "auth"]], []), "200 12 0.000"),
    "limit_data": (timeout_toxics("downstream", kind="limit_data", bytes=5), "ConnectionError "),
    "behaviour": (
        words(
            [["behave", "auth", "b", {"action": "status", "status": 503}]],
            [["unbehave", "auth", "b"]],
        ),
        "503 ",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_client_meets_the_fault_and_then_health(fault: str, simulate: Simulate) -> None:
    plan, met = FAULTS[fault]
    during, after = play(simulate, plan).bodies
    assert during.startswith(met), during
    assert after.startswith("200 12 0.00"), after


def test_a_new_connection_is_reset_after_its_first_bytes(simulate: Simulate) -> None:
    fault = timeout_toxics("upstream", kind="reset_peer", timeout=100)
    source = CLIENT.replace("session.get", "requests.get")
    during, after = play(simulate, fault, source=source).bodies
    assert during.startswith("ConnectionError ConnectionResetError 0.10"), during
    assert after.startswith("200 "), after


def test_lifting_a_blackhole_closes_its_connections(simulate: Simulate) -> None:
    fault = timeout_toxics("upstream", "downstream", timeout=0)
    source = CLIENT.replace("timeout=(2, 5)", "timeout=100")
    during, after = play(simulate, fault, source=source).bodies
    assert during.startswith("ConnectionError RemoteDisconnected 20.0"), during
    assert after.startswith("200 ")


def test_what_was_stalled_arrives_late(simulate: Simulate) -> None:
    fault = timeout_toxics("upstream", "downstream", kind="bandwidth", rate=0)
    source = CLIENT.replace("timeout=(2, 5)", "timeout=100")
    during, _ = play(simulate, fault, source=source).bodies
    assert during.startswith("200 12 20.0"), during


def test_refused_and_unanswered_connects_are_written_down(simulate: Simulate) -> None:
    refused = play(simulate, FAULTS["refused"][0])
    assert "refused" in [fact["what"] for fact in refused.of("crossed")]
    unanswered = play(simulate, FAULTS["unanswered"][0])
    assert "unanswered" in [fact["what"] for fact in unanswered.of("crossed")]


def test_a_sender_waits_for_a_reader_that_does_not_read(simulate: Simulate) -> None:
    outcome = simulate(
        """
import socket, threading, time
def work(environ):
    a, b = socket.socketpair()
    begun = time.monotonic(); got = []
    def drain():
        time.sleep(4)
        while data := b.recv(65536):
            got.append(len(data))
    reader = threading.Thread(target=drain); reader.start()
    a.sendall(bytes(3_000_000)); a.shutdown(socket.SHUT_WR); sent = time.monotonic() - begun
    reader.join()
    return f"{sent:.1f} {sum(got)}"
"""
    )
    assert outcome.body == "4.0 3000000"


def test_half_close_lets_the_other_direction_live(simulate: Simulate) -> None:
    outcome = simulate(
        """
import socket, threading
def serve(listener):
    peer, _ = listener.accept()
    asked = b""
    while data := peer.recv(100):
        asked += data
    peer.sendall(asked.upper()); peer.close()
def work(environ):
    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=serve, args=(listener,)).start()
    with socket.create_connection(listener.getsockname()) as sock:
        sock.sendall(b"hello"); sock.shutdown(socket.SHUT_WR)
        return sock.recv(100).decode() + str(sock.recv(100))
"""
    )
    assert outcome.body == "HELLOb''"


def test_sockets_run_out_as_in_a_real_process(simulate: Simulate) -> None:
    outcome = simulate(
        """
import socket
kept = []
def work(environ):
    try:
        while True:
            kept.append(socket.socket())
    except OSError as error:
        return f"{error.errno} {len(kept) > 900}"
"""
    )
    assert outcome.body == "24 True"


def test_closing_a_socket_does_not_wake_its_reader_but_shutdown_does(simulate: Simulate) -> None:
    outcome = simulate(
        """
import socket, threading, time
def read(sock, said):
    begun = time.monotonic()
    try:
        said.append(repr(sock.recv(1)))
    except OSError as error:
        said.append(type(error).__name__)
    said.append(f"{time.monotonic() - begun:.1f}")
def work(environ):
    out = []
    for end in ("close", "shutdown"):
        a, b = socket.socketpair(); a.settimeout(5); said = []
        t = threading.Thread(target=read, args=(a, said)); t.start(); time.sleep(1)
        a.close() if end == "close" else a.shutdown(socket.SHUT_RDWR)
        t.join(); out += said
    return " ".join(out)
"""
    )
    assert outcome.body == "TimeoutError 5.0 b'' 1.0"


def test_charges_survive_the_process_that_took_them(simulate: Simulate) -> None:
    source = """
import os, requests
def work(environ):
    body = {"user_id": "ada", "job_id": "one", "cost": 1.5, "description": ""}
    answer = requests.post(os.environ["UPSTREAM"] + "/deduct", json=body, timeout=5)
    return answer.json()["status"]
"""
    users = {"ada": {"balance": 2}}
    steps = [
        send(0.0, number=1),
        {"at_s": 1.0, "send": None, "apply": 0, "lift": None},
        send(2.0, number=2),
    ]
    outcome = simulate(
        source,
        upstreams=[{"name": "billing", "port": 20_001, "users": users, "routes": []}],
        faults=[words([["kill", "billing"], ["revive", "billing"]], [])],
        steps=steps,
    )
    assert outcome.bodies == ["success", "duplicate"]
