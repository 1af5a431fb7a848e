"""`outage up` on a terminal: a real one, a real world, keys pressed one after another."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import select
import socket
import struct
import subprocess
import sys
import termios
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

pytestmark = pytest.mark.real_time

GATEWAY = """\
import json, os, sys, urllib.error, urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

VERSION = 1

def asked():
    url = os.environ["AUTH_SERVER_URL"] + "/verify_token"
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(url, b'{"token": "t"}', headers)
    try:
        return urllib.request.urlopen(request, timeout=5).status
    except urllib.error.HTTPError as error:
        return error.code

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        told = {"version": VERSION, "git": os.environ["GIT_SERVER_URL"]}
        body = json.dumps({**told, "asked": asked() if self.path == "/work" else None})
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *args):
        pass

ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""
TARGET = """\
name: mine
start: {command: [PYTHON, app.py, "{port}"]}
ready: GET /health
upstreams: {GIT_SERVER_URL: git, AUTH_SERVER_URL: auth}
"""
SCENARIO = """\
title: auth is down twice
duration: 300s
traffic: {work: {request: GET /work, rate: 5/s}}
faults:
  - {upstream: auth, fault: status, status: 503, to: 100s}
  - {upstream: auth, fault: status, status: 500, from: 200s, to: 250s}
  - {upstream: git, fault: refused, from: 260s, to: 290s}
expect: [{never: {status: 500}}]
"""


class Terminal:
    """A command on a terminal of its own: what it shows, and keys for it."""

    def __init__(self, command: list[str], cwd: Path) -> None:
        self._master, self._slave = pty.openpty()
        fcntl.ioctl(self._slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 110, 0, 0))
        self.before = termios.tcgetattr(self._slave)
        ends = {"stdin": self._slave, "stdout": self._slave, "stderr": self._slave}
        self.process = subprocess.Popen(command, cwd=cwd, start_new_session=True, **ends)
        self._shown = ""

    def press(self, keys: str) -> None:
        self._shown = ""
        os.write(self._master, keys.encode())

    def wait_for(self, pattern: str, within_s: float = 60.0) -> re.Match[str]:
        """What it shows from the last key on, once that matches."""
        until_s = time.monotonic() + within_s
        while (found := re.search(pattern, self._shown)) is None:
            assert time.monotonic() < until_s, self._shown[-3000:]
            if select.select([self._master], [], [], 0.1)[0]:
                try:
                    more = os.read(self._master, 65536).decode("utf-8", "replace")
                except OSError:
                    more = ""
                self._shown += re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", more)
        return found

    def modes(self) -> list[object]:
        return termios.tcgetattr(self._slave)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(20)
        os.close(self._master)
        os.close(self._slave)


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    (tmp_path / "app.py").write_text(GATEWAY)
    (tmp_path / "mine.yaml").write_text(TARGET.replace("PYTHON", sys.executable))
    (tmp_path / "twice.yaml").write_text(SCENARIO)
    command = [sys.executable, "-m", "harness", "up", "twice.yaml", "--target", "mine.yaml"]
    started = Terminal([*command, "--proxy", "embedded"], tmp_path)
    yield started
    started.close()


def ask(url: str, path: str) -> dict[str, object]:
    with urllib.request.urlopen(url + path, timeout=20) as answer:
        return dict(json.load(answer))


def assert_given_to_no_client(proxy: str) -> None:
    """A proxy that refuses listens no more; its port stays its own (held on Linux alone).

    It has had no connection, which would hold the port for a minute.
    """
    address = urlsplit(proxy)
    assert address.hostname
    assert address.port
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((address.hostname, address.port))
    if sys.platform == "linux":
        with socket.socket() as client, pytest.raises(OSError, match="in use"):
            client.bind((address.hostname, address.port))


def test_keys_play_pause_jump_break_heal_and_reload(terminal: Terminal, tmp_path: Path) -> None:
    url = terminal.wait_for(r"mine at (http://127\.0\.0\.1:\d+)").group(1)
    terminal.wait_for(r"standing at 0\.0 s of 300s? · nothing is broken · traffic off")
    terminal.wait_for("space play, pause")
    assert ask(url, "/work")["asked"] == 200

    terminal.press(" ")
    terminal.wait_for(r"0 s  in force: auth status")
    terminal.wait_for(r"playing \d+\.\d s of .* · 1 fault is in force")
    assert ask(url, "/work")["asked"] == 503
    terminal.wait_for(r"auth calls +2·*5")

    terminal.press("\x1b[C")
    terminal.wait_for(r"100 s  lifted: auth status")
    terminal.press("\x1b[C")
    terminal.wait_for(r"200 s  in force: auth status")
    assert ask(url, "/work")["asked"] == 500
    terminal.press(" ")
    terminal.wait_for(r"standing at 20\d\.\d s of .* · 1 fault is in force")

    terminal.press("h")
    terminal.wait_for("lifted: auth status")
    assert ask(url, "/work")["asked"] == 200
    terminal.press("b")
    terminal.wait_for("in force: auth status(.|\n)*in force: auth status")
    terminal.press("\x1b[C")
    terminal.wait_for(r"250 s  lifted: auth status")
    terminal.press("\x1b[C")
    terminal.wait_for(r"260 s  in force: git refused")
    assert_given_to_no_client(str(ask(url, "/")["git"]))
    terminal.press("t0 ")
    terminal.wait_for(r"traffic on")
    terminal.wait_for(r"work +2")

    app = tmp_path / "app.py"
    app.write_text(GATEWAY.replace("VERSION = 1", "VERSION = 2"))
    terminal.press("r")
    terminal.wait_for("mine runs anew")
    assert ask(url, "/")["version"] == 2
    app.write_text("this is no python")
    terminal.press("r")
    terminal.wait_for(r"target 'mine' ended with exit status 1 before it was ready")
    app.write_text(GATEWAY.replace("VERSION = 1", "VERSION = 3"))
    terminal.press("r")
    terminal.wait_for("mine runs anew")
    assert ask(url, "/")["version"] == 3
    file = tmp_path / "mine.yaml"
    file.write_text(file.read_text().replace("auth}", "billing}"))
    terminal.press("r")
    terminal.wait_for("needs another world")
    file.write_text("name: [")
    terminal.press("r")
    terminal.wait_for(r"mine\.yaml:\d+: ")

    assert terminal.modes() != terminal.before
    terminal.press("q")
    terminal.wait_for("taking everything down")
    assert terminal.process.wait(20) == 0
    assert terminal.modes() == terminal.before
    with pytest.raises(OSError, match="refused"):
        ask(url, "/")
