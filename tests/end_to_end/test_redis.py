"""A real redis behind its proxy: `protocol: tcp`, connections that are kept, cut and refused."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.toxiproxy.server import free_port
from tests.end_to_end.test_run import outage

pytestmark = pytest.mark.real_time

APP = """
import os, socket

HOST, PORT = os.environ["REDIS_HOST"], int(os.environ["REDIS_PORT"])
assert os.environ["REDIS_ADDRESS"] == f"{HOST}:{PORT}"
kept = None

def ask():
    # One connection for all, as a client's pool keeps it; made anew once it failed.
    global kept
    if kept is None:
        kept = socket.create_connection((HOST, PORT), timeout=0.5)
        kept.sendall(b"PING\\r\\n")
        if kept.recv(100) != b"+PONG\\r\\n":
            raise OSError("no pong")
    kept.sendall(b"INCR pages\\r\\n")
    if not kept.recv(100).startswith(b":"):
        raise OSError("closed")

ERRORS = OSError
"""
PAGE = """
import os, threading, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

failures, open_until, lock = 0, 0.0, threading.Lock()
THRESHOLD = int(os.environ.get("THRESHOLD", "3"))

def page():
    global kept, failures, open_until
    with lock:
        if failures >= THRESHOLD and time.monotonic() < open_until:
            return 503
        try:
            ask()
        except ERRORS:
            if kept is not None:
                kept.close()
                kept = None
            failures += 1
            if failures >= THRESHOLD:
                open_until = time.monotonic() + 3
            return 503
        failures = 0
        return 200

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        status = 200 if self.path == "/health" else page()
        self.send_response(status)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")
    def log_message(self, *words):
        pass

ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""
"""A server with a breaker around `ask`, which has its connection in `kept`, fails by `ERRORS`."""
TARGET = """
name: page with a real redis
start:
  command: ["{{python}}", app.py]
  env: {{REDIS_HOST: "{{redis.host}}", REDIS_PORT: "{{redis.port}}", THRESHOLD: "{threshold}"}}
upstreams: {{REDIS_ADDRESS: redis}}
real: {{redis: {{address: "127.0.0.1:{port}", protocol: tcp}}}}
breakers: {{redis: {{attempts: 1, timeout: 500ms, threshold: 3, wait: 3s}}}}
"""
SCENARIO = """
title: redis says nothing for 4 s
duration: 10s
traffic: {page: {request: GET /page, rate: 1/s}}
faults: [{upstream: redis, fault: blackhole, to: 4s}]
expect:
  - {breaker: redis, opens: 2500ms ± 500ms}
  - {"while": redis is open, upstream: redis, calls: 0}
  - {traffic: page, during: 8s..10s, status: 200}
  - {upstream: redis, connections: "<= 1"}
  - {upstream: redis, connections: 1, during: 8s..10s}
  - {upstream: redis, new_connections: 3..4}
"""


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a redis of our own; without one a skip, or a failure where it is required."""
    program = shutil.which("redis-server") or shutil.which("valkey-server")
    if program is None:
        if "redis" in os.environ.get("OUTAGE_REQUIRE", "").split(","):
            pytest.fail("OUTAGE_REQUIRE names redis, and there is none")
        pytest.skip("there is no redis-server (Debian: apt-get install redis-server)")
    port = free_port()
    server = subprocess.Popen(
        [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"],
        cwd=tmp_path_factory.mktemp("redis"),
        stdout=subprocess.DEVNULL,
    )
    try:
        await_listening(server, port)
        yield port
    finally:
        server.terminate()
        server.wait(10)


def await_listening(server: subprocess.Popen[bytes], port: int) -> None:
    deadline_s = time.monotonic() + 10
    while time.monotonic() < deadline_s and server.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.02)
    pytest.fail(f"it did not come up (exit status {server.poll()})")


def files(folder: Path, port: int, *, threshold: int) -> None:
    (folder / "app.py").write_text(APP + PAGE, encoding="utf-8")
    target = TARGET.format(port=port, threshold=threshold)
    (folder / "target.yaml").write_text(target, encoding="utf-8")
    (folder / "silent.yaml").write_text(SCENARIO, encoding="utf-8")


def test_a_sound_client_passes_and_one_without_breaker_fails(redis: int, tmp_path: Path) -> None:
    runs = {}
    for name, threshold in (("sound", 3), ("broken", 1000)):
        folder = tmp_path / name
        folder.mkdir()
        files(folder, redis, threshold=threshold)
        runs[name] = outage(
            "run", "silent.yaml", "--target", "target.yaml", "--retries", "2", cwd=folder
        )
    said = {name: run.communicate(timeout=120) for name, run in runs.items()}
    assert runs["sound"].returncode == 0, said["sound"]
    assert "redis open" in said["sound"][0]
    assert runs["broken"].returncode == 1, said["broken"]


def test_what_needs_http_is_refused_before_anything_is_started(redis: int, tmp_path: Path) -> None:
    files(tmp_path, redis, threshold=3)
    wrong = SCENARIO.replace("fault: blackhole", "fault: status, status: 503").replace(
        "redis, calls: 0", "redis, on: GET /x, calls: 0"
    )
    (tmp_path / "silent.yaml").write_text(wrong, encoding="utf-8")
    run = outage("validate", "silent.yaml", "--target", "target.yaml", cwd=tmp_path)
    said = "".join(run.communicate(timeout=60))
    assert run.returncode == 2, said
    assert "silent.yaml:5: `status` is played inside a stub" in said
    assert "silent.yaml:8: redis doesn't speak HTTP (`protocol: tcp`)" in said
