"""Whom a stub obeys: who shows its token; to all others the harness's paths are calls like any."""

from __future__ import annotations

import pytest

from stub_services import Connection, build, nobody
from stub_services.control import bearers_of

PUT = b"PUT /_stub/behaviours/x HTTP/1.1\r\nHost: s\r\n%sContent-Length: 37\r\n\r\n"
BODY = b'{"action": "status", "status":   503}'


def said(connection: Connection, data: bytes) -> bytes:
    connection.feed(0.0, data)
    return b"".join(part for part in connection.advance(0.0) if isinstance(part, bytes))


@pytest.mark.parametrize(
    ("shown", "obeyed"),
    [
        (b"Authorization: Bearer t0ken\r\n", True),
        (b"", False),
        (b"Authorization: Bearer t0ke\r\n", False),
        (b"Authorization: t0ken\r\n", False),
        (b"Authorization: Bearer t\xf6ken\r\n", False),
    ],
)
def test_a_token_is_asked_for(shown: bytes, obeyed: bool) -> None:
    service = build(["auth"])["auth"]
    connection = Connection(service, admits=bearers_of("t0ken"))

    answer = said(connection, PUT % shown + BODY)

    assert answer.startswith(b"HTTP/1.1 200" if obeyed else b"HTTP/1.1 404"), answer
    assert ("x" in service.behaviours) == obeyed
    calls = [record["path"] for record in service.recorder.records if record["kind"] == "call"]
    assert calls == ([] if obeyed else ["/_stub/behaviours/x"])


def test_one_that_was_started_by_hand_obeys_anyone_and_one_in_the_simulation_nobody() -> None:
    for admits, status in ((bearers_of(""), b"200"), (nobody, b"404")):
        service = build(["auth"])["auth"]
        answer = said(Connection(service, admits=admits), PUT % b"" + BODY)
        assert answer.split()[1] == status


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("behaviours/x", '{"action": "delay", "delay_s": 1e999}'),
        ("behaviours/x", '{"action": "delay", "delay_s": NaN}'),
        ("behaviours/x", '{"action": "drip", "interval_s": 1e300}'),
        ("behaviours/x", '{"action": "status", "status": 503, "headers": {"A": "b\\r\\nC: d"}}'),
        ("behaviours/x", '{"action": "status", "status": 503, "headers": {"A": "\\u20ac"}}'),
        ("behaviours/x", '{"action": "status", "status": 503, "headers": {"Content-Length": "9"}}'),
        ("behaviours/x", f'{{"action": "json", "json": {"[" * 400}1{"]" * 400}}}'),
        ("behaviours/x", '{"action": "empty", "from_call": 1e300}'),
        ("behaviours/x", f'{{"sequence": [{", ".join(["null"] * 2000)}]}}'),
        ("behaviours/" + "x" * 9000, '{"action": "empty"}'),
        ("users", '{"ada": {"balance": "NaN"}}'),
        ("users", '{"ada": {"owns": 7}}'),
        ("users", f'{{"ada": {{"bearer": "{"x" * 9000}"}}}}'),
        ("routes", f'[{{"route": "GET /{"x" * 9000}"}}]'),
        ("ledger", '[{"job_id": "j", "user_id": "ada", "cost": 1e400}]'),
        ("users", f'{{"ada": {{"role": "{"x" * (5 << 20)}"}}}}'),
    ],
    ids=lambda text: text[:40],
)
def test_what_a_stub_is_told_is_bounded(path: str, value: str) -> None:
    connection = Connection(build(["billing"])["billing"])
    head = b"PUT /_stub/%s HTTP/1.1\r\nHost: s\r\nContent-Length: %d\r\n\r\n"
    assert said(connection, head % (path.encode(), len(value)) + value.encode()).startswith(
        b"HTTP/1.1 400"
    )


def test_what_a_stub_is_asked_is_bounded() -> None:
    service = build(["chroma"])["chroma"]
    asked = b'{"collection_name": "%s", "query_texts": [%s]}'
    for body in (asked % (b"c" * 9000, b'"a"'), asked % (b"c", b", ".join([b'"a"'] * 200))):
        head = b"POST /query HTTP/1.1\r\nHost: s\r\nContent-Length: %d\r\n\r\n" % len(body)
        assert said(Connection(service), head + body).startswith(b"HTTP/1.1 400")
