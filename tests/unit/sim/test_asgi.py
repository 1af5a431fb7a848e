"""ASGI targets: served on asyncio's own loop in virtual time, as uvicorn serves them."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from .conftest import Outcome, Simulate, request, send

PLAIN = """
import asyncio, time

async def answer(send, body, status=200, headers=()):
    await send({"type": "http.response.start", "status": status, "headers": list(headers)})
    await send({"type": "http.response.body", "body": str(body).encode()})

async def asgi(scope, receive, send):
    if scope["type"] == "lifespan":
        raise RuntimeError("no lifespan here")
    if scope["path"] == "/health":
        return await answer(send, "ok")
    began = time.monotonic()
    await work(scope, receive, send)
    await answer(send, round(time.monotonic() - began, 3))
"""


def work(body: str) -> str:
    lines = "".join(f"    {line}\n" for line in body.strip().split("\n"))
    return f"{PLAIN}\nasync def work(scope, receive, send):\n{lines}"


SHAPES = {
    "a coroutine function": ("", "asgi"),
    "an object": (
        """
class App:
    async def __call__(self, scope, receive, send):
        await asgi(scope, receive, send)
one = App()
""",
        "one",
    ),
    "an object whose call is set later": (
        """
class App:
    def __init__(self): self.__call__ = asgi
    def __call__(self, *_): raise TypeError
class Wrapped:
    def __call__(self, scope, receive, send): return asgi(scope, receive, send)
one = Wrapped()
""",
        "one",
    ),
    "a class that is awaited": (
        """
class App:
    def __init__(self, scope, receive, send): self.given = scope, receive, send
    def __await__(self): return asgi(*self.given).__await__()
""",
        "App",
    ),
    "a partial": ("import functools\none = functools.partial(asgi)\n", "one"),
    "a factory": ("def create(): return asgi\n", "create()"),
    "a plain function": (
        "def one(scope, receive, send): return asgi(scope, receive, send)\n",
        "one",
    ),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_an_asgi_application_is_known_by_its_look(shape: str, simulate: Simulate) -> None:
    source, name = SHAPES[shape]
    outcome = simulate(work("await asyncio.sleep(3)") + source, app=f"target:{name}")
    assert outcome.troubles == []
    assert outcome.body == "3.0"


def test_a_wsgi_application_is_none(simulate: Simulate) -> None:
    source = """
class App:
    def __call__(self, environ, start_response):
        start_response("200 OK", [])
        return [b"as ever"]
one = App()
"""
    assert simulate(source, app="target:one").body == "as ever"


def test_an_application_that_looks_like_nothing_is_named_in_the_file(simulate: Simulate) -> None:
    source = work("pass") + "def one(*given): return asgi(*given)\n"
    assert simulate(source, app="target:one", asgi=True).body == "0.0"


WAITS = {
    "sleep": "await asyncio.sleep(3)",
    "to_thread": "await asyncio.to_thread(time.sleep, 3)",
    "gather": "await asyncio.gather(asyncio.sleep(3), asyncio.to_thread(time.sleep, 2))",
    "timeout": """
try:
    async with asyncio.timeout(3):
        await asyncio.Event().wait()
except TimeoutError:
    return
raise AssertionError
""",
    "wait_for": """
try:
    await asyncio.wait_for(asyncio.sleep(9), 3)
except asyncio.TimeoutError:
    return
raise AssertionError
""",
    "task group and queue": """
queue = asyncio.Queue()
async def feed():
    await asyncio.sleep(3); await queue.put(1)
async with asyncio.TaskGroup() as group:
    group.create_task(feed()); group.create_task(queue.get())
""",
    "wait for the first": """
done, rest = await asyncio.wait([asyncio.ensure_future(asyncio.sleep(n)) for n in (5, 3, 4)],
                                return_when=asyncio.FIRST_COMPLETED)
assert len(done) == 1
for task in rest: task.cancel()
""",
    "anyio's threads": "import anyio.to_thread; await anyio.to_thread.run_sync(time.sleep, 3)",
    "anyio's deadline": """
import anyio
with anyio.move_on_after(3):
    await anyio.sleep(9)
""",
    "a call that blocks": "time.sleep(3)",
    "executor": "await asyncio.get_running_loop().run_in_executor(None, time.sleep, 3)",
}


@pytest.mark.parametrize("wait", WAITS)
def test_three_virtual_seconds_pass_without_real_ones(wait: str, simulate: Simulate) -> None:
    outcome = simulate(work(WAITS[wait]), app="target:asgi")
    assert outcome.logs == []
    assert outcome.troubles == []
    assert outcome.escapes == []
    assert outcome.body == "3.0"


def test_requests_share_the_loop_and_what_blocks_it_holds_up_all(simulate: Simulate) -> None:
    steps = [send(0.0, "/a", 1), send(0.1, "/b", 2), send(0.2, "/c", 3)]
    source = work("await asyncio.sleep(2)\nif scope['path'] == '/c': time.sleep(1)")
    outcome = simulate(source, app="target:asgi", steps=steps)
    answered = [fact["at"] - outcome.document["zero"] for fact in outcome.of("answered")]
    assert answered == pytest.approx([2.0, 2.1, 3.2], abs=0.01)
    blocked = source.replace("await asyncio.sleep(2)", "time.sleep(2)")
    outcome = simulate(blocked, app="target:asgi", steps=steps)
    answered = [fact["at"] - outcome.document["zero"] for fact in outcome.of("answered")]
    assert answered == pytest.approx([2.0, 4.0, 7.0], abs=0.01)


def test_what_a_request_is_to_the_application(simulate: Simulate) -> None:
    source = work(
        """
import json
body = await receive()
shown = {k: str(v) for k, v in scope.items() if k not in ("headers", "asgi")}
shown["headers"] = {k.decode(): v.decode() for k, v in scope["headers"]}
shown["body"] = body["body"].decode()
print(json.dumps(shown), flush=True)
"""
    )
    asked = request("/a%20b/c?d=%C3%A4") | {
        "method": "POST", "headers": {"X-Who": "me"}, "body": "hello",
    }  # fmt: skip
    step = {"at_s": 0.0, "send": asked, "apply": None, "lift": None}
    outcome = simulate(source, app="target:asgi", steps=[step])
    (line,) = outcome.logs
    shown = json.loads(line)
    assert shown["type"] == "http"
    assert (shown["method"], shown["path"]) == ("POST", "/a b/c")
    assert shown["raw_path"] == "b'/a%20b/c'"
    assert shown["query_string"] == "b'd=%C3%A4'"
    assert shown["client"].startswith("('127.0.0.2', ")
    assert shown["body"] == "hello"
    assert shown["headers"] == {
        "host": "127.0.0.1:5000", "x-who": "me", "content-length": "5", "connection": "close",
    }  # fmt: skip


def test_a_policy_of_the_targets_is_not_asked(simulate: Simulate) -> None:
    """`uvloop.install()`: its loops would open real sockets."""
    policy = """
class Policy(asyncio.DefaultEventLoopPolicy):
    def new_event_loop(self): raise AssertionError
asyncio.set_event_loop_policy(Policy())
"""
    outcome = simulate(work("await asyncio.sleep(3)") + policy, app="target:asgi")
    assert outcome.troubles == []
    assert outcome.body == "3.0"


LIFESPAN = """
import asyncio, contextlib, time
async def asgi(scope, receive, send):
    if scope["type"] == "lifespan":
        assert (await receive())["type"] == "lifespan.startup"
        STARTUP
        scope["state"]["since"] = time.monotonic()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        raise AssertionError("a play ends hard")
    await send({"type": "http.response.start", "status": 200, "headers": []})
    body = str(scope["state"]["since"]).encode()
    await send({"type": "http.response.body", "body": body})
"""


def test_the_lifespan_begins_before_the_first_request(simulate: Simulate) -> None:
    outcome = simulate(LIFESPAN.replace("STARTUP", "await asyncio.sleep(2)"), app="target:asgi")
    assert outcome.troubles == []
    assert float(outcome.body) == pytest.approx(1002.0, abs=0.01)


@pytest.mark.parametrize(
    ("startup", "said"),
    [
        (
            'await send({"type": "lifespan.startup.failed", "message": "no database"}); return',
            "could not be started: no database",
        ),
        (
            "await asyncio.sleep(99)",
            "could not be started: its startup took more than 5 s",
        ),
    ],
)
def test_a_startup_that_fails_is_named(startup: str, said: str, simulate: Simulate) -> None:
    outcome = simulate(LIFESPAN.replace("STARTUP", startup), app="target:asgi")
    assert [fact["why"] for fact in outcome.of("unstarted")] == [said]


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ("raise ValueError('mine')", 500, "ValueError: mine"),
        ("scope['asked'] = True; raise asyncio.CancelledError", 500, "CancelledError"),
        (
            "await send({'type': 'http.response.start', 'status': 200, 'headers': []})\n"
            "raise ValueError('in the middle')",
            None,
            "ValueError: in the middle",
        ),
        ("await send({'type': 'http.response.body', 'body': b''})", 500, "unexpected ASGI message"),
    ],
)
def test_a_broken_application(body: str, status: int | None, said: str, simulate: Simulate) -> None:
    outcome = simulate(work(body), app="target:asgi", steps=[send(0.0), send(1.0, "/health", 2)])
    first, second = outcome.of("answered")
    assert first["status"] == status
    assert second["status"] == 200, "the loop goes on"
    assert any(said in line for line in outcome.logs)
    if status is None:
        assert "before the answer was complete" in first["error"]


HTTPX = """
import os, httpx
client = httpx.AsyncClient(timeout=2)
""" + work(
    """
try:
    got = await client.get(os.environ["UPSTREAM"] + "/thing")
    print(got.status_code, got.text)
except httpx.HTTPError as error:
    print(type(error).__name__)
"""
)
UPSTREAMS = [
    {"name": "auth", "port": 20_001, "users": {}, "routes": [{"route": "GET /thing", "json": 1}]}
]


def test_an_async_client_meets_each_fault(simulate: Simulate) -> None:
    def words(*apply: Any, lift: Any) -> dict[str, Any]:
        return {
            "index": 0, "name": "f", "upstreams": ["auth"], "apply": list(apply), "lift": [lift],
        }  # fmt: skip

    silent = ["toxic", "auth", "t", "timeout", "downstream", {"timeout": 0}, 1.0]
    faults = [
        words(["disable", "auth", "f0"], lift=["enable", "auth", "f0"]),
        words(silent, lift=["untoxic", "auth", "t"]),
    ]

    def step(at_s: float, **what: Any) -> dict[str, Any]:
        return {"at_s": at_s, "send": None, "apply": None, "lift": None, **what}

    steps = [
        send(0.0, "/a", 1), step(1.0, apply=0), send(1.5, "/b", 2), step(2.0, lift=0),
        step(3.0, apply=1), send(3.5, "/c", 3), step(6.0, lift=1), send(7.0, "/d", 4),
    ]  # fmt: skip
    outcome = simulate(HTTPX, app="target:asgi", steps=steps, faults=faults, upstreams=UPSTREAMS)
    assert outcome.logs == ["200 1", "ConnectError", "ReadTimeout", "200 1"]
    assert outcome.bodies == ["0.0", "0.0", "2.0", "0.0"]
    assert outcome.escapes == []


def played(simulate: Simulate, source: str, seed: int, **more: Any) -> Outcome:
    steps = [send(0.01 * i, f"/{i}", i + 1) for i in range(40)]
    return simulate(source, app="target:asgi", seed=seed, steps=steps, upstreams=UPSTREAMS, **more)


RACY = """
import os, httpx
client = httpx.AsyncClient(timeout=2, limits=httpx.Limits(max_connections=4))
count = 0
""" + work(
    """
global count
seen = count
await asyncio.wait([asyncio.ensure_future(client.get(os.environ["UPSTREAM"] + "/thing")),
                    asyncio.ensure_future(asyncio.to_thread(time.sleep, 0.01 * (seen % 3)))])
count = seen + 1
print(scope["path"], count)
"""
)


@pytest.mark.parametrize("seed", [0, 1, 7])
def test_the_same_seed_leaves_the_same_facts(seed: int, simulate: Simulate) -> None:
    first, second = (played(simulate, RACY, seed) for _ in range(2))
    assert first.facts == second.facts
    assert first.document["switches"] == second.document["switches"]
    assert len(first.logs) == 40


def test_another_seed_takes_another_order(simulate: Simulate) -> None:
    assert len({tuple(played(simulate, RACY, seed).logs) for seed in range(8)}) > 1


def test_reading_a_library_is_no_wait_of_the_targets(simulate: Simulate, tmp_path: Path) -> None:
    """A disk that takes its time in an import is not time that the simulation didn't see."""
    import os
    import threading

    source = """
import os
text = "def wait(): return os.read(os.open('PIPE', os.O_RDONLY), 1)"
wait = {"os": os}
exec(compile(text, "FILE", "exec"), wait)
def work(environ): return wait["wait"]()
"""

    def read(file: str) -> Outcome:
        pipe = tmp_path / "pipe"
        pipe.unlink(missing_ok=True)
        os.mkfifo(pipe)

        def write() -> None:
            with pipe.open("wb") as end:
                time.sleep(0.6)
                end.write(b"x")

        thread = threading.Thread(target=write)
        thread.start()
        outcome = simulate(source.replace("PIPE", str(pipe)).replace("FILE", file))
        thread.join()
        return outcome

    assert read("<frozen importlib._bootstrap_external>").escapes == []
    assert "waited in real time" in read("driver.py").escapes[0]
