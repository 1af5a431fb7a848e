"""Gives requests to an ASGI application as uvicorn does: one event loop, a task for each request.

The loop is asyncio's own, in a task of the simulation: its clock and its sockets are virtual
already. What blocks it (`time.sleep` in an `async def`) holds up all requests, as in real life.
Only the lifespan's startup is played: a play ends hard, as for every target.
"""

from __future__ import annotations

import asyncio
import contextvars
import sys
from typing import Any
from urllib.parse import unquote

from .apps import Done, NotStarted
from .plan import RequestPlan
from .scheduler import KERNEL
from .traces import own_trace

_ASGI = {"version": "3.0", "spec_version": "2.3"}
_SERVER_ERROR = b"Internal Server Error"
_UNFINISHED = "connection closed before the answer was complete"

Message = dict[str, Any]


class AsgiServer:
    """The application on its event loop; `port` is what the target believes it listens on."""

    def __init__(self, app: Any, port: int) -> None:
        self._app = app
        self._port = port
        self._count = 0
        self._state: dict[str, Any] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._exchanges: dict[int, _Exchange] = {}
        # Not by the policy: a target may have put one in place whose loops are written in C.
        self._loop = asyncio.SelectorEventLoop()
        self._context = contextvars.Context()
        self._up = False
        self._failed: str | None = None

    def start(self, within_s: float) -> None:
        """Run the lifespan's startup.

        Raises: NotStarted.
        """
        main = KERNEL.here()
        KERNEL.spawn("event loop", self._run, lambda: KERNEL.wake(main))
        until_s = KERNEL.now_s + within_s
        while not self._up and KERNEL.now_s < until_s:
            KERNEL.park("the application's startup", until_s)
        if self._failed is not None:
            raise NotStarted(self._failed.rpartition("\n")[2], self._failed)
        if not self._up:
            raise NotStarted(f"its startup took more than {within_s:g} s")

    def give(self, request: RequestPlan, done: Done) -> None:
        """Work on a request in a task of the loop's; `done` gets the answer."""
        self._loop.call_soon_threadsafe(self._begin, request, done, context=self._context)

    def hang_up(self, request: RequestPlan) -> None:
        """Its client is gone: the application may hear of it by `receive`."""
        self._loop.call_soon_threadsafe(self._disconnect, request, context=self._context)

    def _disconnect(self, request: RequestPlan) -> None:
        exchange = self._exchanges.get(id(request))
        if exchange is not None:
            exchange.disconnect()

    def _run(self, started: Any) -> None:
        try:
            asyncio.set_event_loop(self._loop)
            self._loop.run_until_complete(self._serve(started))
        except BaseException as error:
            if KERNEL.on_failure is not None:
                KERNEL.on_failure(error)
            raise

    async def _serve(self, started: Any) -> None:
        lifespan = _Lifespan(self._state)
        task = self._loop.create_task(lifespan.run(self._app), name="lifespan")
        await lifespan.decided.wait()
        self._failed = lifespan.failed
        self._up = True
        started()
        await asyncio.Event().wait()
        task.cancel()

    def _begin(self, request: RequestPlan, done: Done) -> None:
        self._count += 1
        exchange = _Exchange(self._scope(request), request["body"].encode("latin-1"), done)
        name = f"{request['stream'] or 'harness'} #{request['number']}"
        task = self._loop.create_task(exchange.run(self._app), name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self._exchanges[id(request)] = exchange
        task.add_done_callback(lambda _: self._exchanges.pop(id(request), None))

    def _scope(self, request: RequestPlan) -> dict[str, Any]:
        path, _, query = request["path"].partition("?")
        headers = [(b"host", f"127.0.0.1:{self._port}".encode())]
        headers += [
            (name.lower().encode("latin-1"), value.encode("utf-8"))
            for name, value in request["headers"].items()
        ]
        if request["body"] or request["method"] in ("POST", "PUT", "PATCH"):
            headers.append((b"content-length", str(len(request["body"])).encode()))
        return {
            "type": "http",
            "asgi": _ASGI,
            "http_version": "1.1",
            "server": ("127.0.0.1", self._port),
            "client": (request["client"], 20_000 + self._count % 40_000),
            "scheme": "http",
            "method": request["method"],
            "root_path": "",
            "path": unquote(path),
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": [*headers, (b"connection", b"close")],
            "state": self._state.copy(),
        }


class _Lifespan:
    """The application's startup; an application that knows no lifespan is served without."""

    def __init__(self, state: dict[str, Any]) -> None:
        self._scope = {"type": "lifespan", "asgi": _ASGI, "state": state}
        self._asked = False
        self.decided = asyncio.Event()
        self.failed: str | None = None

    async def run(self, app: Any) -> None:
        """Until the end of the play, or until the application raises."""
        try:
            await app(self._scope, self._receive, self._send)
        except Exception:
            return  # as with uvicorn: it knows no lifespan, or has said already why it failed
        finally:
            self.decided.set()

    async def _receive(self) -> Message:
        if self._asked:
            await asyncio.Event().wait()  # the shutdown never comes
        self._asked = True
        return {"type": "lifespan.startup"}

    async def _send(self, message: Message) -> None:
        if message["type"] == "lifespan.startup.failed":
            self.failed = str(message.get("message", "")).strip() or "its startup failed"
        self.decided.set()


class _Exchange:
    """One request and its answer, as the application's `receive` and `send`."""

    def __init__(self, scope: dict[str, Any], body: bytes, done: Done) -> None:
        self._scope = scope
        self._request: Message | None = {"type": "http.request", "body": body, "more_body": False}
        self._done = done
        self._start: Message | None = None
        self._body: list[bytes] = []
        self._complete = asyncio.Event()
        self._gone = False

    def disconnect(self) -> None:
        """Nobody waits for its answer any more."""
        self._gone = True
        self._complete.set()

    async def run(self, app: Any) -> None:
        """Call the application; whatever it does, the request is answered once."""
        try:
            result = await app(self._scope, self._receive, self._send)
            if result is not None:
                raise TypeError(f"ASGI callable should return None, but returned {result!r}")
            if not self._complete.is_set():
                raise RuntimeError("ASGI callable returned without completing the response")
        except BaseException as error:
            sys.stderr.write(own_trace(error))
        if not self._complete.is_set():
            self._give_up()

    def _give_up(self) -> None:
        self._complete.set()
        if self._start is None:
            headers = [("content-type", "text/plain; charset=utf-8")]
            self._done((500, headers, _SERVER_ERROR, None))
        else:
            self._done((None, [], b"", _UNFINISHED))

    async def _receive(self) -> Message:
        message, self._request = self._request, None
        if message is not None:
            return message
        await self._complete.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        if self._gone:
            return  # as with uvicorn
        expected = "http.response.start" if self._start is None else "http.response.body"
        if message["type"] != expected or self._complete.is_set():
            raise RuntimeError(f"unexpected ASGI message {message['type']!r}")
        if self._start is None:
            self._start = message
            return
        self._body.append(bytes(message.get("body", b"")))
        if not message.get("more_body", False):
            self._complete.set()
            self._done((int(self._start["status"]), self._headers(), self._answer(), None))

    def _headers(self) -> list[tuple[str, str]]:
        assert self._start is not None
        given = self._start.get("headers", ())
        return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in given]

    def _answer(self) -> bytes:
        return b"" if self._scope["method"] == "HEAD" else b"".join(self._body)
