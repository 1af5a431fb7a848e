"""The stubs' protocol logic, without sockets, on times of the test's choice."""

from __future__ import annotations

import json
import math

import pytest

from stub_services import Connection, End, build
from stub_services.bounds import BadRequest


def ask(method: str, path: str, body: object = None, *, close: bool = False) -> bytes:
    data = b"" if body is None else json.dumps(body).encode()
    head = f"{method} {path} HTTP/1.1\r\nHost: stub\r\nContent-Length: {len(data)}\r\n"
    return (head + ("Connection: close\r\n" if close else "") + "\r\n").encode() + data


def answer_of(outputs: list) -> tuple[int, object]:
    data = b"".join(item for item in outputs if isinstance(item, bytes))
    head, _, body = data.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body) if body else None


@pytest.fixture
def services():
    return build(salt=b"s")


def say(service, at_s: float, data: bytes) -> list:
    connection = Connection(service)
    connection.feed(at_s, data)
    return connection.advance(at_s)


def test_an_answer_is_due_at_once_and_the_connection_is_kept(services):
    connection = Connection(services["auth"])
    for at_s in (1.0, 2.0):
        connection.feed(at_s, ask("GET", "/health"))
        assert answer_of(connection.advance(at_s)) == (200, {"status": "ok"})
    assert not connection.ended


def test_pipelined_requests_are_answered_in_order(services):
    connection = Connection(services["external_data"])
    services["external_data"].put_behaviour("d", {"action": "delay", "delay_s": 1, "to_call": 1}, 0)
    connection.feed(0.0, ask("GET", "/lookup?q=a") + ask("GET", "/lookup?q=b"))
    assert connection.advance(0.0) == []
    data = b"".join(connection.advance(1.0))
    assert data.index(b'"query": "a"') < data.index(b'"query": "b"')


def test_a_delayed_answer_wakes_the_driver_at_its_instant(services):
    service = services["auth"]
    service.put_behaviour("d", {"action": "delay", "delay_s": 2.5}, 0.0)
    connection = Connection(service)
    connection.feed(10.0, ask("GET", "/health"))
    assert connection.advance(12.4) == []
    assert connection.next_wake_s == 12.5
    assert answer_of(connection.advance(12.5))[0] == 200


def test_delay_and_status_combine_and_a_loss_wins(services):
    service = services["auth"]
    service.put_behaviour("a", {"action": "delay", "delay_s": 1}, 0.0)
    service.put_behaviour("b", {"action": "status", "status": 503}, 0.0)
    service.put_behaviour("c", {"action": "status", "status": 500}, 0.0)
    connection = Connection(service)
    connection.feed(0.0, ask("GET", "/health"))
    assert connection.advance(0.9) == []
    assert answer_of(connection.advance(1.0))[0] == 503
    service.put_behaviour("d", {"action": "empty"}, 0.0)
    connection.feed(2.0, ask("GET", "/health"))
    assert connection.advance(3.0) == [End.CLOSE]


def test_lost_reply_charges_and_lifting_closes_the_silent_connection(services):
    service = services["billing"]
    service.put_behaviour("l", {"action": "reply_lost", "route": "POST /deduct"}, 0.0)
    woken = []
    connection = Connection(service, lambda: woken.append(True))
    charge = {"user_id": "ada", "job_id": "j", "cost": 0.1}
    connection.feed(0.0, ask("POST", "/deduct", charge))
    assert connection.advance(0.0) == []
    assert connection.next_wake_s == math.inf
    assert [c["job_id"] for c in service.ledger()["charges"]] == ["j"]
    service.remove_behaviour("l")
    assert woken
    assert connection.advance(5.0) == [End.CLOSE]


def test_blackhole_and_status_do_no_work(services):
    service = services["billing"]
    charge = ask("POST", "/deduct", {"user_id": "ada", "job_id": "j", "cost": 0.1})
    for action in ("blackhole", "request_lost", "empty", "reset", "malformed"):
        service.put_behaviour("x", {"action": action}, 0.0)
        say(service, 0.0, charge)
    service.put_behaviour("x", {"action": "status", "status": 500}, 0.0)
    say(service, 0.0, charge)
    assert service.ledger()["charges"] == []


def test_a_silence_ends_when_its_behaviour_runs_out(services):
    service = services["auth"]
    service.put_behaviour("x", {"action": "blackhole", "for_s": 3}, 1.0)
    connection = Connection(service)
    connection.feed(2.0, ask("GET", "/health"))
    assert connection.advance(2.0) == []
    assert connection.next_wake_s == 4.0
    assert connection.advance(4.0) == [End.CLOSE]
    assert answer_of(say(service, 4.0, ask("GET", "/health")))[0] == 200


def test_reset_is_an_end_of_its_own(services):
    services["git"].put_behaviour("x", {"action": "reset"}, 0.0)
    assert say(services["git"], 0.0, ask("GET", "/history/p1")) == [End.RESET]


def test_a_dripping_body_comes_a_byte_an_interval(services):
    service = services["auth"]
    service.put_behaviour("x", {"action": "drip", "interval_s": 0.5}, 0.0)
    connection = Connection(service)
    connection.feed(0.0, ask("GET", "/health"))
    assert b"Content-Length: 16" in b"".join(connection.advance(0.0))
    assert [b"".join(connection.advance(0.5 * k)) for k in range(1, 4)] == [b"{", b'"', b"s"]
    assert service.recorder.records[-1]["kind"] == "call"
    connection.advance(8.0)
    assert service.recorder.records[-1]["outcome"] == "sent"


def test_dripping_chunks_and_headers(services):
    service = services["auth"]
    service.put_behaviour("x", {"action": "drip", "interval_s": 1, "encoding": "chunked"}, 0.0)
    connection = Connection(service)
    connection.feed(0.0, ask("GET", "/health"))
    assert b"ransfer-Encoding: chunked" in b"".join(connection.advance(0.0))
    assert connection.advance(1.0) == [b"1\r\n{\r\n"]
    service.put_behaviour("x", {"action": "drip", "interval_s": 1, "encoding": "headers"}, 0.0)
    connection = Connection(service)
    connection.feed(0.0, ask("GET", "/health"))
    assert connection.advance(0.5) == []
    assert connection.advance(4.0) == [b"H", b"T", b"T", b"P"]


@pytest.mark.parametrize("part", ["headers", "content-length", "chunked"])
def test_a_dripping_answer_is_sent_with_its_last_byte(services, part):
    service = services["auth"]
    service.put_behaviour("x", {"action": "drip", "interval_s": 1, "encoding": part}, 0.0)
    connection = Connection(service)
    connection.feed(0.0, ask("GET", "/health"))
    while not math.isinf(connection.next_wake_s):
        last = b"".join(connection.advance(at_s := connection.next_wake_s))
        assert last
    connection.eof(at_s + 0.001)
    assert service.recorder.records[-1]["outcome"] == "sent"


def test_a_truncated_body_announces_its_whole_length_and_is_recorded_so(services):
    service = services["auth"]
    service.put_behaviour("x", {"action": "truncate", "after_bytes": 3}, 0.0)
    data, end = say(service, 0.0, ask("GET", "/health"))
    assert b"Content-Length: 16" in data
    assert data.endswith(b'\r\n\r\n{"s')
    assert end is End.CLOSE
    assert service.recorder.records[-1]["outcome"] == "truncated"


def test_a_client_that_leaves_before_its_answer_is_recorded_as_left(services):
    service = services["auth"]
    service.put_behaviour("x", {"action": "delay", "delay_s": 2}, 0.0)
    connection = Connection(service)
    connection.feed(0.0, ask("GET", "/health"))
    connection.advance(0.0)
    connection.eof(1.0)
    assert service.recorder.records[-1] == {
        "kind": "answered", "at": 1.0, "service": "auth", "id": 1, "status": 200, "outcome": "left",
    }  # fmt: skip
    assert connection.advance(3.0) == [End.CLOSE]


def test_calls_are_counted_from_the_put_over_the_route_only(services):
    service = services["billing"]
    behaviour = {"route": "GET /balance", "action": "status", "status": 503}
    service.put_behaviour("x", {**behaviour, "from_call": 2, "to_call": 3}, 0.0)
    paths = ["/health", "/balance/ada", "/balance/bob", "/health", "/balance/ada", "/balance/ada"]
    got = [answer_of(say(service, 0.0, ask("GET", path)))[0] for path in paths]
    assert got == [200, 200, 503, 200, 503, 200]
    service.put_behaviour("x", {**behaviour, "to_call": 1}, 0.0)
    got = [answer_of(say(service, 0.0, ask("GET", "/balance/ada")))[0] for _ in range(2)]
    assert got == [503, 200]


def test_a_sequence_gives_each_call_its_own_action(services):
    service = services["auth"]
    turns = [{"action": "status", "status": 500}, None, {"action": "status", "status": 429}]
    service.put_behaviour("x", {"sequence": turns}, 0.0)
    got = [answer_of(say(service, 0.0, ask("GET", "/health")))[0] for _ in range(4)]
    assert got == [500, 200, 429, 200]
    service.put_behaviour("x", {"sequence": turns[:2], "repeat": True}, 0.0)
    got = [answer_of(say(service, 0.0, ask("GET", "/health")))[0] for _ in range(4)]
    assert got == [500, 200, 500, 200]
    service.put_behaviour("x", {"sequence": turns[:1]}, 0.0)
    got = [answer_of(say(service, 0.0, ask("GET", "/health")))[0] for _ in range(2)]
    assert got == [500, 200]


def test_a_share_is_drawn_from_its_seed():
    def play(seed: int) -> list[int]:
        service = build(["auth"])["auth"]
        behaviour = {"action": "status", "status": 503, "share": 0.3, "seed": seed}
        service.put_behaviour("x", behaviour, 0.0)
        return [answer_of(say(service, 0.0, ask("GET", "/health")))[0] for _ in range(200)]

    assert play(1) == play(1) != play(2)
    assert 30 <= play(1).count(503) <= 90


def test_records_stream_each_record_as_it_is_made(services):
    service = services["billing"]
    woken = []
    stream = Connection(service, lambda: woken.append(True))
    stream.feed(0.0, ask("GET", "/_stub/records?from=1"))
    stream.advance(0.0)
    say(service, 1.0, ask("GET", "/balance/ada"))
    assert woken
    data = b"".join(stream.advance(1.0))
    assert b'"kind":"answered"' in data
    assert b'"kind":"call"' not in data
    stream.eof(2.0)
    assert service.recorder.listeners == []


def test_records_show_no_secret(services):
    service = services["auth"]
    say(service, 0.0, ask("POST", "/verify_token", {"token": "token-ada"}))
    login = {"email": "ada@example.com", "password": "correct-horse"}
    say(service, 0.0, ask("POST", "/login", login))
    text = json.dumps(service.recorder.records)
    assert "token-ada" not in text
    assert "correct-horse" not in text


def test_attempts_of_the_same_call_are_counted(services):
    service = services["billing"]
    for _ in range(2):
        say(service, 0.0, ask("POST", "/deduct", {"user_id": "ada", "job_id": "j", "cost": 1}))
        say(service, 0.0, ask("GET", "/balance/ada"))
    calls = [r for r in service.recorder.records if r["kind"] == "call"]
    assert [(c["of"] == "j", c["attempt"]) for c in calls] == [
        (True, 1), (False, 1), (True, 2), (False, 2),
    ]  # fmt: skip


def test_control_calls_are_neither_recorded_nor_faulted(services):
    service = services["auth"]
    service.put_behaviour("x", {"action": "empty"}, 0.0)
    assert answer_of(say(service, 7.0, ask("GET", "/_stub/clock"))) == (200, {"now": 7.0})
    assert service.recorder.records == []
    assert answer_of(say(service, 0.0, ask("DELETE", "/_stub/behaviours")))[0] == 200
    assert answer_of(say(service, 0.0, ask("GET", "/health")))[0] == 200


@pytest.mark.parametrize(
    "behaviour",
    [
        [],
        {},
        {"action": "nonsense"},
        {"action": "status"},
        {"action": "status", "status": 99},
        {"action": "status", "status": True},
        {"action": "delay"},
        {"action": "delay", "delay_s": -1},
        {"action": "drip", "encoding": "smoke"},
        {"action": "revoke"},
        {"action": "empty", "route": "balance"},
        {"action": "empty", "share": "half"},
        {"sequence": []},
    ],
)
def test_a_behaviour_that_is_none_is_refused_and_changes_nothing(services, behaviour):
    with pytest.raises(BadRequest):
        services["auth"].put_behaviour("x", behaviour, 0.0)
    assert services["auth"].behaviours.ids == ()
    asked = ask("PUT", "/_stub/behaviours/x", behaviour)
    assert answer_of(say(services["auth"], 0.0, asked))[0] == 400


def test_what_is_not_http_gets_400_and_the_end(services):
    data, end = say(services["auth"], 0.0, b"\x16\x03\x01 not http\r\n\r\n")
    assert data.startswith(b"HTTP/1.1 400 ")
    assert end is End.CLOSE


def test_bytes_may_come_one_by_one(services):
    connection = Connection(services["auth"])
    out = []
    for byte in ask("POST", "/verify_token", {"token": "token-bob"}):
        connection.feed(0.0, bytes([byte]))
        out += connection.advance(0.0)
    assert answer_of(out) == (200, {"valid": True, "user_id": "bob", "role": "user"})


def test_a_head_is_told_of_a_body_and_never_sent_it(services):
    connection = Connection(services["auth"])
    for at_s in (1.0, 2.0):
        connection.feed(at_s, ask("HEAD", "/health"))
        outputs = connection.advance(at_s)
        head, _, body = b"".join(outputs).partition(b"\r\n\r\n")
        assert b"Content-Length: 37" in head  # of `404: no such route`
        assert body == b""
    assert not connection.ended
