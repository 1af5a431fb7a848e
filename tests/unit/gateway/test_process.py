"""The gateways as processes: served on real sockets, with threads enough for held calls."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time

import pytest
import requests

ADA = {"Authorization": "Bearer token-ada"}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


@pytest.fixture(params=["gateway", "gateway.naive"])
def url(request, stub):
    port = free_port()
    urls = {f"{name.upper()}_SERVER_URL": stub.url(name) for name in stub.ports}
    process = subprocess.Popen(
        [sys.executable, "-m", request.param],
        env={**os.environ, **urls, "PORT": str(port)},
        stderr=subprocess.DEVNULL,
    )
    try:
        yield until_ready(f"http://127.0.0.1:{port}")
    finally:
        process.terminate()
        process.wait(10)


def until_ready(url: str) -> str:
    end_s = time.monotonic() + 20
    while True:
        try:
            requests.get(f"{url}/health", timeout=5)
            return url
        except requests.ConnectionError:
            if time.monotonic() > end_s:
                raise
            time.sleep(0.05)


def test_sixty_held_calls_leave_room_for_others(stub, url):
    stub.behave("external_data", {"action": "delay", "delay_s": 2})
    statuses: list[int] = []

    def look() -> None:
        lookup = f"{url}/v1/api/lookup?q=x"
        statuses.append(requests.get(lookup, headers=ADA, timeout=20).status_code)

    threads = [threading.Thread(target=look) for _ in range(60)]
    for thread in threads:
        thread.start()
    begun = time.monotonic()
    assert requests.get(f"{url}/health", timeout=20).status_code == 200
    assert time.monotonic() - begun < 1.9
    for thread in threads:
        thread.join()
    assert statuses == [200] * 60


def test_healthy_routes_answer(url):
    chat = {"message": "hello", "project_id": "p1"}
    answer = requests.post(f"{url}/v1/api/chat", json=chat, headers=ADA, timeout=20)
    assert answer.json()["charged"] is True
    assert set(answer.json()) == {"response", "degraded", "charged", "sources"}
    for path in ("project/p1", "project/p1/file/a", "project/p1/history", "lookup?q=x"):
        assert requests.get(f"{url}/v1/api/{path}", headers=ADA, timeout=20).status_code == 200


def test_a_taken_port_is_said_plainly():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ended = subprocess.run(
            [sys.executable, "-m", "gateway"],
            env={**os.environ, "PORT": str(taken.getsockname()[1])},
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    assert ended.returncode == 2
    assert "can't listen" in ended.stderr
    assert "Traceback" not in ended.stderr
