"""The reference gateway without any harness: processor seconds for so many token checks.

    python benchmarks/gateway_alone.py wsgi|loopback N

`wsgi` calls the application in this thread and answers for its upstream; `loopback` serves it with
waitress, and its upstream beside it, in this process, and asks over sockets with `requests`.
"""

from __future__ import annotations

import asyncio
import io
import os
import sys
import threading
import time
from typing import Any

import requests

from stub_services.people import DEFAULT_USERS
from stub_services.roster import build
from stub_services.server import listen, port_of

_TOKEN = f"token-{next(iter(DEFAULT_USERS))}"
_PATH = "/v1/api/auth/check"


def _stub_port() -> int:
    """Serves auth in a thread."""
    ready: list[int] = []
    up = threading.Event()

    async def serve() -> None:
        servers = await listen(build(["auth"]), host="127.0.0.1", ports={})
        ready.append(port_of(servers["auth"]))
        up.set()
        await asyncio.Event().wait()

    threading.Thread(target=lambda: asyncio.run(serve()), daemon=True).start()
    up.wait(10)
    return ready[0]


def _loopback(count: int) -> float:
    import waitress

    from gateway.app import create_app

    server = waitress.create_server(create_app(), host="127.0.0.1", port=0, threads=8)
    threading.Thread(target=server.run, daemon=True).start()
    url = f"http://127.0.0.1:{server.effective_port}{_PATH}"
    headers = {"Authorization": f"Bearer {_TOKEN}"}
    with requests.Session() as session:
        for _ in range(10):
            assert session.get(url, headers=headers).status_code == 200
        begun_s = time.process_time()
        for _ in range(count):
            session.get(url, headers=headers)
        return time.process_time() - begun_s


def _wsgi(count: int) -> float:
    from gateway.app import create_app

    app = create_app()
    real_send = requests.Session.send
    canned: list[requests.Response] = []

    def record(*arguments: Any, **named: Any) -> requests.Response:
        answer = real_send(*arguments, **named)
        canned.append(answer)
        return answer

    def ask() -> str:
        said: list[str] = []
        environ = {
            "REQUEST_METHOD": "GET",
            "PATH_INFO": _PATH,
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "HTTP_AUTHORIZATION": f"Bearer {_TOKEN}",
            "wsgi.input": io.BytesIO(),
            "wsgi.errors": sys.stderr,
            "wsgi.url_scheme": "http",
            "wsgi.version": (1, 0),
        }
        b"".join(app(environ, lambda status, headers, info=None: said.append(status)))
        return said[0]

    requests.Session.send = record  # type: ignore[method-assign,assignment]
    assert ask().startswith("200")
    answer = canned[-1]
    requests.Session.send = lambda *_, **__: answer  # type: ignore[method-assign,assignment]
    for _ in range(10):
        assert ask().startswith("200")
    begun_s = time.process_time()
    for _ in range(count):
        ask()
    return time.process_time() - begun_s


if __name__ == "__main__":
    os.environ["AUTH_SERVER_URL"] = f"http://127.0.0.1:{_stub_port()}"
    print({"wsgi": _wsgi, "loopback": _loopback}[sys.argv[1]](int(sys.argv[2])))
