"""Hostile inputs for everything that comes from outside: `make fuzz` tries 100,000 of them.

Each door takes bytes that were made by spoiling something good, and may refuse them in one way
only. Anything else that it raises is a defect; the input that shows it is printed.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path

from harness.audit import audit
from harness.engines.client import _Exchange
from harness.engines.redact import Redactor
from harness.engines.requests import kept_body
from harness.errors import HarnessError
from harness.history.events import Answered
from harness.history.lines import from_json, to_json
from harness.history.reading import read_history
from harness.scenario.loader import parse_scenario
from harness.toxiproxy.gojson import JsonError, first_value
from stub_services import Connection, build

SEEDS: dict[str, tuple[bytes, ...]] = {
    "answers": (
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"5;a=b\r\nhello\r\n0\r\nX: y\r\n\r\n",
        b"HTTP/1.0 503 Busy\r\nRetry-After: 1\r\nSet-Cookie: a=b; HttpOnly\r\n\r\nto the end",
    ),
    "bodies": (
        b'{"token": "abc", "deep": [[{"a": 1e308}], "\\ud83d\\ude00", null, true, -12]}',
        b'{"Authorization": "Basic YWRhOnBhc3N3b3Jk", "url": "https://a:b@c/?key=1"}',
    ),
    "histories": (
        b'{"kind":"answered","at_s":1.0,"by":"client","id":1,"status":200,"headers":[["a","b"]]}\n',
        b'{"kind":"sent","at_s":0.0,"by":"client","id":1,"stream":"s","number":1,"planned_s":0.0,'
        b'"method":"GET","path":"/"}\n',
    ),
    "scenarios": (
        b"title: x\nduration: 5s\ntraffic:\n  a: {request: GET /x, rate: 2/s}\n"
        b"faults:\n  - {upstream: auth, fault: delay, delay: 1s, to: 2s}\n"
        b"expect:\n  - {traffic: a, status: [200, 5xx]}\n  - never: {latency: '> 3s'}\n",
    ),
    "code": (
        b"import requests as r\nclass C:\n    def get(self, u):\n        s = r.Session()\n"
        b"        s = s.get(u) or [x for x in (r.get, s)][0](u, timeout=1)\n        return s\n",
    ),
    "api": (b'{"name": "a", "listen": "127.0.0.1:0", "attributes": {"latency": 1e2, "x": [1]}}',),
    "texts": (b"Bearer abc.def https://u:p@h/?token=x&y=z Basic YWRhOmNvcnJlY3QtaG9yc2U= can",),
}
SEEDS["stubs"] = (
    b'{"action": "status", "status": 503, "headers": {"X-A": "b"}, "json": {"a": [1]}}',
    b'{"action": "drip", "interval_s": 0.5, "encoding": "chunked", "from_call": 1, "share": 0.5}',
    b'{"sequence": [{"action": "delay", "delay_s": 1}, null], "repeat": true, "route": "GET /a"}',
    b'{"action": "headers", "headers": {"Retry-After": "1"}, "status": 199}',
    b'{"action": "truncate", "after_bytes": 3, "for_s": 5, "to_call": 9, "seed": 1}',
    b'{"ada": {"bearer": "t", "password": "p", "owns": ["p1"], "balance": 12.5, "role": "user"}}',
    b'[{"route": "GET /health", "json": {"a": "b"}, "status": 200, "headers": {"A": "b"}}]',
    b'[{"job_id": "j", "user_id": "ada", "cost": 1.25}]',
    b'{"user_id": "ada", "job_id": "j", "cost": 1, "collection_name": "c", "query_texts": ["a"]}',
)
_BITS = (
    b"\0",
    b"\xff",
    b"\r\n",
    b"{",
    b"[" * 200,
    b"9" * 400,
    b"-1",
    b"1e999",
    b"NaN",
    b"&a",
    b"*a",
)
_BITS += (b'"', b"\\ud800", b"\x1b[31m", b": ", b"- ", b"0x", b"%", b"()", b".a", b"!!python/x ")


def spoilt(door: str, chance: random.Random) -> bytes:
    """One input: a good one, bitten, doubled, swapped and stuffed a few times."""
    data = bytearray(chance.choice(SEEDS[door]))
    for _ in range(chance.randint(1, 6)):
        at = chance.randrange(len(data) + 1)
        upto = min(len(data), at + chance.randint(0, 12))
        match chance.randrange(5):
            case 0:
                del data[at:upto]
            case 1:
                data[at:at] = data[at:upto] * chance.choice((1, 3, 40))
            case 2:
                data[at:upto] = chance.choice(_BITS)
            case 3:
                data[at:at] = chance.choice(_BITS)
            case _ if data:
                data[at % len(data)] ^= 1 << chance.randrange(8)
    return bytes(data)


class _Transport(asyncio.Transport):
    def write(self, data: object) -> None:
        pass

    def close(self) -> None:
        pass


def _answers(data: bytes, chance: random.Random) -> None:
    loop = asyncio.new_event_loop()
    try:
        done = loop.create_future()
        exchange = _Exchange(b"", chance.choice(("GET", "HEAD", "POST")), done)
        exchange.connection_made(_Transport())
        at = 0
        while at < len(data):
            upto = at + chance.randint(1, 40)
            exchange.data_received(data[at:upto])
            at = upto
        exchange.connection_lost(chance.choice((None, ConnectionResetError())))
        assert done.done(), "neither an answer nor a reason why there is none"
        answer = done.result()
        assert (answer.status is None) == (answer.error is not None)
    finally:
        loop.close()


def _bodies(data: bytes, chance: random.Random) -> None:
    event = Answered(
        at_s=0.0, by="client", id=1, status=200, body=kept_body(data, Redactor(("correct-horse",)))
    )
    assert from_json(to_json(event)) == event


def _histories(data: bytes, chance: random.Random) -> None:
    _in_file("x.history.jsonl", data, read_history)


def _scenarios(data: bytes, chance: random.Random) -> None:
    parse_scenario(data.decode("utf-8", "surrogateescape"), file="x.yaml")


def _code(data: bytes, chance: random.Random) -> None:
    _in_file("x.py", data, audit)


def _api(data: bytes, chance: random.Random) -> None:
    first_value(data)


def _texts(data: bytes, chance: random.Random) -> None:
    shown = Redactor(("correct-horse",)).text(data.decode("utf-8", "surrogateescape"))
    assert "correct-horse" not in shown


def _stubs(data: bytes, chance: random.Random) -> None:
    """A control request and a call: each is answered, whatever it says."""
    services = build(("auth", "billing", "chroma"))
    service = services[chance.choice(tuple(services))]
    path = chance.choice(_CONTROLS)
    call = chance.choice((b"POST /query", b"POST /deduct", b"POST /login", b"GET /health"))
    for line in (b"PUT /_stub/" + path, call, b"GET /_stub/ledger", call):
        connection = Connection(service)
        body = b"" if line.startswith(b"GET") else data
        connection.feed(
            0.0, b"%s HTTP/1.1\r\nHost: s\r\nContent-Length: %d\r\n\r\n" % (line, len(body))
        )
        connection.feed(0.0, body)
        said = [*connection.advance(0.0), *connection.advance(1e7)]
        assert said or connection.next_wake_s > 1e7, "no answer"
        connection.eof(1e7)


_CONTROLS = (b"behaviours/x", b"users", b"routes", b"ledger")


def _in_file(name: str, data: bytes, read: Callable[[Path], object]) -> None:
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        (Path(folder) / name).write_bytes(data)
        read(Path(folder) / name)


DOORS: dict[str, Callable[[bytes, random.Random], None]] = {
    "answers": _answers,
    "bodies": _bodies,
    "histories": _histories,
    "scenarios": _scenarios,
    "code": _code,
    "api": _api,
    "texts": _texts,
    "stubs": _stubs,
}


REFUSALS = (HarnessError, JsonError)
"""How a door may refuse an input."""


def try_one(door: str, case: str) -> str:
    """What went wrong with one input, or nothing."""
    chance = random.Random(f"{door} {case}")
    data = spoilt(door, chance)
    try:
        DOORS[door](data, chance)
    except REFUSALS:
        pass
    except Exception:
        return f"{door}, case {case}: {data!r}\n{traceback.format_exc()}"
    return ""


def main(arguments: list[str] | None = None) -> int:
    """Try as many as asked, in turn at each door; 1 when something was found."""
    parser = argparse.ArgumentParser(description=__doc__.partition(":")[0])
    parser.add_argument("count", type=int, nargs="?", default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--door", choices=tuple(DOORS), action="append")
    options = parser.parse_args(arguments)
    doors = options.door or tuple(DOORS)
    found = 0
    for number in range(options.count):
        said = try_one(doors[number % len(doors)], f"{options.seed}-{number}")
        found += bool(said)
        if said:
            print(said, flush=True)
    print(f"{options.count} inputs, {found} found something")
    return int(found > 0)


if __name__ == "__main__":
    sys.exit(main())
