"""Gives requests to a WSGI application, each in a task of its own, as a threaded server does."""

from __future__ import annotations

import contextvars
import io
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import unquote_to_bytes

from .apps import Answer, Done
from .plan import RequestPlan
from .scheduler import KERNEL
from .traces import own_trace

App = Callable[..., Iterable[bytes]]

_SERVER_ERROR = b"Internal Server Error"


class WsgiServer:
    """The application with its threads; `port` is what the target believes it listens on."""

    def __init__(self, app: App, port: int, threads: int | None) -> None:
        self._app = app
        self._port = str(port)
        self._threads = threads
        self._busy = 0
        self._backlog: deque[tuple[RequestPlan, Done]] = deque()
        self._count = 0

    def start(self, within_s: float) -> None:
        """Nothing to do: a WSGI application is ready once it is imported."""

    def give(self, request: RequestPlan, done: Done) -> None:
        """Work on a request in a task of its own, or once one is free; `done` gets the answer."""
        if self._threads is not None and self._busy >= self._threads:
            self._backlog.append((request, done))
            return
        self._start(request, done)

    def hang_up(self, request: RequestPlan) -> None:
        """Its client is gone, which a WSGI application doesn't hear of."""

    def _start(self, request: RequestPlan, done: Done) -> None:
        self._busy += 1
        self._count += 1
        name = f"{request['stream'] or 'harness'} #{request['number']}"
        KERNEL.spawn(name, self._work, request, done)

    def _work(self, request: RequestPlan, done: Done) -> None:
        try:
            # A fresh context, as in a fresh thread: the OS thread below may have run others.
            done(contextvars.Context().run(self._answer, request))
        finally:
            self._busy -= 1
            if self._backlog:
                self._start(*self._backlog.popleft())
            # What stands for it to who asked for the current thread would be kept for ever.
            threading._active.pop(threading.get_ident(), None)  # type: ignore[attr-defined]

    def _answer(self, request: RequestPlan) -> Answer:
        started: list[tuple[str, list[tuple[str, str]]]] = []
        written: list[bytes] = []

        def start_response(
            status: str, headers: list[tuple[str, str]], exc_info: Any = None
        ) -> Callable[[bytes], None]:
            started[:] = [(status, list(headers))]
            return written.append

        try:
            body = self._app(self._environ(request), start_response)
            try:
                for piece in body:
                    written.append(piece)
            finally:
                close = getattr(body, "close", None)
                if close is not None:
                    close()
            status, headers = started[0]
            return int(status.split(None, 1)[0]), headers, b"".join(written), None
        except Exception as error:
            sys.stderr.write(own_trace(error))
            return 500, [("Content-Type", "text/plain")], _SERVER_ERROR, None

    def _environ(self, request: RequestPlan) -> dict[str, Any]:
        path, _, query = request["path"].partition("?")
        body = request["body"].encode("latin-1")
        environ: dict[str, Any] = {
            "REQUEST_METHOD": request["method"],
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
            "QUERY_STRING": query,
            "REQUEST_URI": request["path"],
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": self._port,
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": request["client"],
            "REMOTE_PORT": str(20_000 + self._count % 40_000),
            "HTTP_HOST": f"127.0.0.1:{self._port}",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        if body or request["method"] in ("POST", "PUT", "PATCH"):
            environ["CONTENT_LENGTH"] = str(len(body))
        for name, value in request["headers"].items():
            key = name.upper().replace("-", "_")
            environ[key if key == "CONTENT_TYPE" else f"HTTP_{key}"] = value
        return environ
