"""Stubs as processes and on real sockets."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time

import pytest
import requests

from tests.unit.stubs.served import served


def start(*words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "stub_services", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_process_says_where_it_listens_and_ends_on_sigterm():
    process = start("auth", "search", "--port", "search=0")
    try:
        ready = json.loads(process.stdout.readline())["ready"]
        assert sorted(ready) == ["auth", "search"]
        url = f"http://127.0.0.1:{ready['auth']}/health"
        assert requests.get(url, timeout=5).json() == {"status": "ok"}
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
        process.communicate()


def test_a_record_survives_the_stub_that_made_it():
    process = start("billing")
    try:
        port = json.loads(process.stdout.readline())["ready"]["billing"]
        records = socket.create_connection(("127.0.0.1", port), 5)
        records.sendall(b"GET /_stub/records?from=0 HTTP/1.1\r\nHost: x\r\n\r\n")
        records.recv(1000)
        charge = {"user_id": "ada", "job_id": "j1", "cost": 1}
        requests.post(f"http://127.0.0.1:{port}/deduct", json=charge, timeout=5)
    finally:
        process.kill()
        process.communicate()
    seen = b"".join(iter(lambda: records.recv(65536), b""))
    records.close()
    assert seen.count(b'"kind":"call"') == seen.count(b'"kind":"charge"') == 1


@pytest.mark.parametrize("words", [("auth", "--port", "auth"), ("auth", "--port", "git=1")])
def test_wrong_usage_is_exit_status_2_without_a_traceback(words):
    process = start(*words)
    _, said = process.communicate(timeout=10)
    assert process.returncode == 2
    assert "Traceback" not in said


def test_a_taken_port_is_said_plainly():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        process = start("auth", "--port", f"auth={taken.getsockname()[1]}")
        _, said = process.communicate(timeout=10)
    assert process.returncode == 2
    assert "can't listen" in said
    assert "Traceback" not in said


def test_a_reset_is_an_rst_and_an_empty_answer_a_fin():
    with served("auth") as (stub, _):
        for action, how in (("reset", ConnectionResetError), ("empty", None)):
            stub.behave("auth", {"action": action})
            with socket.create_connection(("127.0.0.1", stub.ports["auth"]), 5) as client:
                client.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
                if how is None:
                    assert client.recv(100) == b""
                else:
                    with pytest.raises(how):
                        client.recv(100)


def test_a_delay_is_never_early_and_silence_ends_when_lifted():
    with served("auth") as (stub, _):
        stub.behave("auth", {"action": "delay", "delay_s": 0.2})
        begun = time.monotonic()
        assert requests.get(stub.url("auth", "/health"), timeout=5).status_code == 200
        assert 0.2 <= time.monotonic() - begun < 2
        stub.behave("auth", {"action": "blackhole"})
        with socket.create_connection(("127.0.0.1", stub.ports["auth"]), 5) as client:
            client.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
            client.settimeout(0.2)
            with pytest.raises(TimeoutError):
                client.recv(100)
            client.settimeout(5)
            stub.heal("auth")
            assert client.recv(100) == b""
