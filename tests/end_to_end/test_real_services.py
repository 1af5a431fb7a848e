"""Real services behind their proxies, one by HTTP and one that isn't, and a target behind TLS."""

from __future__ import annotations

import json
import socketserver
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.test_run import outage

pytestmark = pytest.mark.real_time
PEM = Path(__file__).parents[1] / "certificates" / "localhost.pem"

APP = """
import os, socket, threading, time, urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
address = os.environ["CACHE_URL"].removeprefix("http://").split(":")
failures, open_until, lock = 0, 0.0, threading.Lock()

def by_http():
    urllib.request.urlopen("http://%s:%s/get" % tuple(address), timeout=1).read()

def by_lines():
    with socket.create_connection((address[0], int(address[1])), timeout=1) as cache:
        cache.sendall(b"GET page\\n")
        if not cache.recv(100):
            raise OSError("closed")

ask = {"http": by_http, "lines": by_lines}[os.environ["SPEAKS"]]

def page():
    global failures, open_until
    with lock:
        if failures >= 3 and time.monotonic() < open_until:
            return 503
    try:
        ask()
    except OSError:
        with lock:
            failures += 1
            if failures >= 3 and time.monotonic() >= open_until:
                open_until = time.monotonic() + 3
        return 503
    failures = 0
    return 200

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        status = 200 if self.path == "/health" else page()
        self.send_response(status)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""
SCENARIO = """title: The cache says nothing for 5 s
duration: 10s
traffic: {page: {request: GET /page, rate: 2/s}}
faults: [{upstream: cache, fault: blackhole, to: 4s}]
expect:
  - {breaker: cache, opens: 2s ± 600ms}
  - {"while": cache is open, upstream: cache, calls: 0}
  - {traffic: page, during: 8s..10s, status: 200}
"""


class Lines(socketserver.StreamRequestHandler):
    """Answers each line with one."""

    def handle(self) -> None:
        for _ in self.rfile:
            self.wfile.write(b"here\n")


class Pages(BaseHTTPRequestHandler):
    """Answers everything."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def services() -> Iterator[dict[str, int]]:
    """The ports of a cache by lines, one by HTTP, and a page behind TLS."""
    socketserver.ThreadingTCPServer.daemon_threads = True
    servers: dict[str, socketserver.TCPServer] = {
        "lines": socketserver.ThreadingTCPServer(("127.0.0.1", 0), Lines),
        "http": ThreadingHTTPServer(("127.0.0.1", 0), Pages),
        "tls": ThreadingHTTPServer(("127.0.0.1", 0), Pages),
    }
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(PEM)
    servers["tls"].socket = context.wrap_socket(servers["tls"].socket, server_side=True)
    for server in servers.values():
        threading.Thread(target=server.serve_forever, daemon=True).start()
    yield {name: server.server_address[1] for name, server in servers.items()}
    for server in servers.values():
        server.shutdown()
        server.server_close()


def write(folder: Path, speaks: str, port: int) -> str:
    (folder / "app.py").write_text(APP, encoding="utf-8")
    (folder / "silent.yaml").write_text(SCENARIO, encoding="utf-8")
    target = {
        "name": "page with a cache",
        "start": {"command": ["{python}", "app.py"], "env": {"SPEAKS": speaks}},
        "upstreams": {"CACHE_URL": "cache"},
        "real": {"cache": f"127.0.0.1:{port}"},
        "breakers": {"cache": {"attempts": 1, "timeout": "1s", "threshold": 3, "wait": "3s"}},
    }
    (folder / f"{speaks}.yaml").write_text(json.dumps(target), encoding="utf-8")
    return f"{speaks}.yaml"


def test_both_are_judged_by_what_their_proxy_saw(services: dict[str, int], tmp_path: Path) -> None:
    words = ["run", "silent.yaml", "--target"]
    runs = {
        speaks: outage(*words, write(tmp_path, speaks, services[speaks]), cwd=tmp_path)
        for speaks in ("lines", "http")
    }
    for speaks, run in runs.items():
        said, errors = run.communicate(timeout=120)
        assert run.returncode == 0, (speaks, said, errors)
        assert "it sees requests at cache" in said
        assert "cache open 2." in said or "cache open 1.9" in said


def test_what_a_stub_would_play_is_refused_or_out_of_scope(
    services: dict[str, int], tmp_path: Path
) -> None:
    target = write(tmp_path, "http", services["http"])
    (tmp_path / "s.yaml").write_text(
        SCENARIO.replace("fault: blackhole", "fault: status, status: 503"), encoding="utf-8"
    )
    for words in (["run", "s.yaml"], ["validate", "s.yaml"]):
        run = outage(*words, "--target", target, cwd=tmp_path)
        said, errors = run.communicate(timeout=60)
        assert run.returncode == 2, (said, errors)
        assert "s.yaml:4: `status` is played inside a stub" in said + errors


def test_a_target_behind_tls(services: dict[str, int], tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_bytes(PEM.read_bytes())
    (tmp_path / "s.yaml").write_text(
        "title: t\nduration: 2s\ntraffic: {page: {request: GET /page, rate: 2/s}}\n"
        "expect: [{traffic: page, status: 200}]\n",
        encoding="utf-8",
    )
    target = f"name: t\nurl: https://127.0.0.1:{services['tls']}\nupstreams: {{A_URL: auth}}\n"
    (tmp_path / "trusted.yaml").write_text(target + "ca: ca.pem\n", encoding="utf-8")
    (tmp_path / "unknown.yaml").write_text(target + "ready_within: 1s\n", encoding="utf-8")
    run = outage("run", "s.yaml", "--target", "trusted.yaml", cwd=tmp_path)
    said, errors = run.communicate(timeout=60)
    assert run.returncode == 0, (said, errors)
    run = outage("run", "s.yaml", "--target", "unknown.yaml", cwd=tmp_path)
    said, errors = run.communicate(timeout=60)
    assert run.returncode == 4, (said, errors)
    assert "certificate not trusted" in said + errors
