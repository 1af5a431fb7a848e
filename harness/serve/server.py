"""Answers a browser on this machine: the page, what has changed, a scenario's scene. Nothing else.

Only loopback is listened on, only GET is answered, and only to requests that name this machine as
their host: a page of somebody else's whose name has been pointed here is refused.
"""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from harness.serve.state import State

HOST = "127.0.0.1"
_PATIENCE_S = 20.0
_EVERY_S = 1.0
"""How often a browser is told that something has changed, at the most."""
_FIELDS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
}


class Server(ThreadingHTTPServer):
    """Serves one state."""

    daemon_threads = True

    def __init__(self, port: int, state: State) -> None:
        """Listen on a port, 0 for any.

        Raises: OSError when that can't be done.
        """
        super().__init__((HOST, port), Handler)
        self.state = state
        self.hosts = {f"{name}:{self.server_port}" for name in (HOST, "localhost")}
        self._waiting: dict[int, float] = {}
        self._lock = threading.Lock()
        self._last_s = 0.0

    def seen(self) -> None:
        """A browser has asked for something."""
        with self._lock:
            self._last_s = time.monotonic()

    def idle_s(self) -> float:
        """For how long nobody has asked for anything."""
        with self._lock:
            return time.monotonic() - self._last_s


class Handler(BaseHTTPRequestHandler):
    """One request."""

    server: Server
    timeout = 30

    def do_GET(self) -> None:
        """The page, what has changed, or a scene."""
        self.server.seen()
        if self.headers.get("Host", "").lower() not in self.server.hosts:
            self._answer(403, "text/plain", "this is for a browser on this machine only\n")
            return
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        state = self.server.state
        match parts.path:
            case "/":
                self._answer(200, "text/html", state.page())
            case "/state":
                self._state(query.get("since", ""))
            case "/scene":
                text = state.scene(query.get("name", ""))
                self._answer(404 if text is None else 200, "text/plain", text or "")
            case _:
                self._answer(404, "text/plain", "there is nothing of that name\n")

    def _state(self, since: str) -> None:
        state = self.server.state
        version = int(since) if since.isdecimal() and len(since) < 12 else 0
        began_s = time.monotonic()
        state.wait_beyond(version, _PATIENCE_S)
        if not state.over:
            time.sleep(max(0.0, began_s + _EVERY_S - time.monotonic()))
        told = {"version": state.version, "over": state.over}
        self._answer(200, "application/json", json.dumps(told))

    def _answer(self, status: int, kind: str, text: str) -> None:
        body = text.encode("utf-8", "replace")
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        for name, value in _FIELDS.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the terminal is the run's."""
