"""The gateway's routes over real stubs: healthy, and with one service down (G1-G9, B10, B12)."""

from __future__ import annotations

import pytest

from gateway.app import create_app
from gateway.money import credits

ADA = {"Authorization": "Bearer token-ada"}
BOB = {"Authorization": "Bearer token-bob"}
DOWN = {"action": "status", "status": 503}
CHAT = {"message": "hello", "project_id": "p1"}
LOGIN = {"email": "ada@example.com", "password": "correct-horse"}


@pytest.fixture
def app(stub):
    environ = {f"{name.upper()}_SERVER_URL": stub.url(name) for name in stub.ports}
    for name in stub.ports:
        # One attempt: a route's answer doesn't depend on its client's patience.
        environ |= {f"{name.upper()}_ATTEMPTS": "1", f"{name.upper()}_TIMEOUT_S": "0.3"}
    return create_app(environ)


@pytest.fixture
def client(app):
    return app.test_client()


def charges(stub) -> int:
    return len(stub.ledger()["charges"])


def test_g1_login_sets_a_guarded_cookie(client):
    answer = client.post("/v1/api/auth/login", json=LOGIN)
    assert answer.status_code == 200
    assert "token" not in answer.json
    parts = set(answer.headers["Set-Cookie"].split("; "))
    assert {"auth_token=token-ada", "HttpOnly", "Secure", "SameSite=Lax"} <= parts


def test_g1_five_wrong_passwords_then_429_for_that_address_only(client):
    wrong = {**LOGIN, "password": "wrong"}
    answers = [client.post("/v1/api/auth/login", json=wrong) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [401] * 5 + [429]
    assert not any("Set-Cookie" in answer.headers for answer in answers)
    assert 0 < int(answers[-1].headers["Retry-After"]) <= 61
    other = {"REMOTE_ADDR": "127.0.0.2"}
    assert client.post("/v1/api/auth/login", json=LOGIN, environ_base=other).status_code == 200
    shown = client.get("/v1/api/status/services").json["services"]["auth"]
    assert (shown["state"], shown["failure_count"]) == ("closed", 0)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b'{"email": 1, "password": "x"}'])
def test_g1_a_malformed_login_is_400(client, body):
    answer = client.post("/v1/api/auth/login", data=body, content_type="application/json")
    assert answer.status_code == 400
    assert "error" in answer.json


@pytest.mark.parametrize(
    "fault",
    [
        DOWN,
        {"action": "blackhole"},
        {"action": "malformed"},
        {"action": "json", "json": {"token": None}},
        {"action": "json", "json": {}},
        {"action": "status", "status": 429},
        {"action": "headers", "status": 302, "headers": {"Location": "/"}},
    ],
)
def test_g1_login_in_an_outage_is_503_without_a_cookie(stub, client, fault):
    stub.behave("auth", fault)
    answer = client.post("/v1/api/auth/login", json=LOGIN)
    assert answer.status_code == 503
    assert "error" in answer.json
    assert "Set-Cookie" not in answer.headers


ROUTES = (
    ("GET", "/v1/api/auth/check"),
    ("POST", "/v1/api/chat"),
    ("GET", "/v1/api/project/p1"),
    ("GET", "/v1/api/project/p1/file/a.txt"),
    ("PUT", "/v1/api/project/p1/file/a.txt"),
    ("POST", "/v1/api/project/p1/snapshot"),
    ("GET", "/v1/api/project/p1/history"),
    ("GET", "/v1/api/lookup?q=x"),
)


def ask(client, method: str, path: str, headers=None):
    body = {**CHAT, "content": "x"} if method != "GET" else None
    return client.open(path, method=method, json=body, headers=headers)


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_g2_users_only_and_nobody_while_auth_is_down(stub, client, method, path):
    assert ask(client, method, path, ADA).status_code == 200
    assert ask(client, method, path).status_code == 401
    assert ask(client, method, path, {"Authorization": "Bearer wrong"}).status_code == 401
    for fault in (DOWN, {"action": "malformed"}, {"action": "json", "json": {"valid": "yes"}}):
        stub.behave("auth", {**fault, "route": "POST /verify_token"})
        answer = ask(client, method, path, ADA)
        assert answer.status_code == 401
        assert "error" in answer.json


def test_g2_the_cookie_counts_only_without_a_bearer(client):
    client.set_cookie("auth_token", "token-ada")
    assert client.get("/v1/api/auth/check").json["user_id"] == "ada"
    wrong = {"Authorization": "Bearer wrong"}
    assert client.get("/v1/api/auth/check", headers=wrong).status_code == 401
    client.delete_cookie("auth_token")
    client.set_cookie("auth_token", "nobody's")
    assert client.get("/v1/api/auth/check").status_code == 401


def test_g8_a_revoked_token_is_refused_at_once(stub, client):
    assert client.get("/v1/api/auth/check", headers=ADA).status_code == 200
    stub.behave("auth", {"action": "revoke", "user": "ada"})
    assert client.get("/v1/api/auth/check", headers=ADA).status_code == 401
    assert client.get("/v1/api/auth/check", headers=BOB).status_code == 200


def test_g3_owner_other_none_and_lookup_down(stub, client):
    def status(headers, project="p1"):
        return client.get(f"/v1/api/project/{project}", headers=headers).status_code

    assert (status(ADA), status(BOB), status(ADA, "p9")) == (200, 403, 404)
    assert status(ADA, "..") == 404
    for fault in (
        DOWN,
        {"action": "malformed"},
        {"action": "json", "json": {"owner_id": None}},
        {"action": "json", "json": {}},
        {"action": "status", "status": 429},
        {"action": "headers", "status": 302, "headers": {"Location": "/"}},
    ):
        stub.behave("auth", {**fault, "route": "GET /internal/projects/*/owner"})
        assert status(ADA) == 403


def test_g4_a_chat_is_charged_once(stub, client):
    before = charges(stub)
    answer = client.post("/v1/api/chat", json=CHAT, headers=ADA)
    assert answer.status_code == 200
    assert answer.json["charged"] is True
    assert answer.json["degraded"] is False
    assert answer.json["sources"] == ["p1/notes.md", "p1/design.md", "p1/tasks.md"]
    assert charges(stub) == before + 1


@pytest.mark.parametrize(
    "fault",
    [
        DOWN,
        {"action": "malformed"},
        {"action": "json", "json": {"balance": "much"}},
        {"action": "json", "json": {"balance": None}},
        {"action": "json", "json": {"balance": True}},
        {"action": "status", "status": 404},
        {"action": "status", "status": 429},
    ],
)
def test_g4_g7_without_a_balance_the_chat_is_free(stub, client, fault):
    before = charges(stub)
    stub.behave("billing", {**fault, "route": "GET /balance"})
    answer = client.post("/v1/api/chat", json=CHAT, headers=ADA)
    assert (answer.status_code, answer.json["charged"]) == (200, False)
    stub.heal("billing")
    assert client.post("/v1/api/chat", json=CHAT, headers=ADA).json["charged"] is True
    assert charges(stub) == before + 1


def test_g7_a_known_balance_that_is_used_up_is_402_and_no_charge(stub, client):
    before = charges(stub)
    stub.behave("billing", {"action": "json", "json": {"balance": 0.0}, "route": "GET /balance"})
    assert client.post("/v1/api/chat", json=CHAT, headers=ADA).status_code == 402
    assert charges(stub) == before


@pytest.mark.parametrize(("times", "known"), [(1, True), (2, False)])
def test_g7_a_charge_whose_reply_is_lost_is_made_once(stub, times, known):
    environ = {f"{name.upper()}_SERVER_URL": stub.url(name) for name in stub.ports}
    client = create_app(environ | {"BILLING_TIMEOUT_S": "0.3"}).test_client()
    before = charges(stub)
    stub.behave("billing", {"action": "reply_lost", "route": "POST /deduct", "to_call": times})
    answer = client.post("/v1/api/chat", json=CHAT, headers=ADA)
    assert (answer.status_code, answer.json["charged"]) == (200, known)
    assert charges(stub) == before + 1


def test_g7_a_charge_that_is_refused_is_not_claimed(stub, client):
    for fault in (DOWN, {"action": "status", "status": 402}, {"action": "malformed"}):
        stub.behave("billing", {**fault, "route": "POST /deduct"})
        answer = client.post("/v1/api/chat", json=CHAT, headers=ADA)
        assert (answer.status_code, answer.json["charged"]) == (200, False)


def test_g7_a_chat_that_can_not_be_answered_is_not_charged(stub, client):
    before = charges(stub)
    for body in ({}, {"message": 1, "project_id": "p1"}, {"message": "x", "project_id": "../p2"}):
        assert client.post("/v1/api/chat", json=body, headers=ADA).status_code == 400
    assert client.post("/v1/api/chat", data=b"{", headers=ADA).status_code == 400
    assert charges(stub) == before


def test_g7_credits_are_rounded_not_truncated():
    assert credits(0.57) == 5700
    assert credits(0.29) == 2900
    assert credits(1000.0) == 10_000_000
    assert all(credits(n / 10_000) == n for n in range(20_000))


@pytest.mark.parametrize(
    "fault",
    [
        DOWN,
        {"action": "malformed"},
        {"action": "json", "json": {"documents": [["x"]], "metadatas": [[{}]]}},
        {"action": "json", "json": {"documents": None, "metadatas": []}},
        {"action": "status", "status": 429},
    ],
)
def test_g5_without_the_vector_store_the_chat_is_degraded(stub, client, fault):
    stub.behave("chroma", fault)
    answer = client.post("/v1/api/chat", json=CHAT, headers=ADA)
    assert answer.status_code == 200
    assert (answer.json["degraded"], answer.json["sources"]) == (True, [])
    again = client.post("/v1/api/chat", json=CHAT, headers=ADA)
    assert again.json["sources"] == ["p1/conversation"]


def test_g5_g8_the_fallback_shows_nobody_anothers_context(stub, client):
    client.post("/v1/api/chat", json=CHAT, headers=ADA)
    stub.behave("chroma", DOWN)
    for project in ("p1", "p2"):
        body = {"message": "hello", "project_id": project}
        assert client.post("/v1/api/chat", json=body, headers=BOB).json["sources"] == []


@pytest.mark.parametrize(
    ("name", "method", "path"),
    [
        ("filesystem", "GET", "/v1/api/project/p1/file/a.txt"),
        ("filesystem", "PUT", "/v1/api/project/p1/file/a.txt"),
        ("git", "POST", "/v1/api/project/p1/snapshot"),
        ("git", "GET", "/v1/api/project/p1/history"),
        ("external_data", "GET", "/v1/api/lookup?q=x"),
    ],
)
def test_g6_b10_503_while_its_service_is_down_and_the_others_go_on(
    stub, client, name, method, path
):
    for fault in (DOWN, {"action": "malformed"}, {"action": "truncate"}, {"action": "empty"}):
        stub.behave(name, fault)
        answer = ask(client, method, path, ADA)
        assert answer.status_code == 503
        assert "error" in answer.json
    stub.behave(name, DOWN)
    for _ in range(3):
        ask(client, method, path, ADA)
    shown = client.get("/v1/api/status/services").json["services"]
    assert [key for key, value in shown.items() if value["state"] == "open"] == [name]
    assert client.post("/v1/api/chat", json=CHAT, headers=ADA).status_code == 200


def test_b12_the_status_route_shows_each_breaker(stub, client):
    shown = client.get("/v1/api/status/services").json["services"]
    closed = {
        "state": "closed",
        "failure_count": 0,
        "last_failure": None,
        "last_state_change": None,
    }
    assert shown == dict.fromkeys(stub.ports, closed)
    stub.behave("git", DOWN)
    for _ in range(5):
        client.get("/v1/api/project/p1/history", headers=ADA)
    git = client.get("/v1/api/status/services").json["services"]["git"]
    assert (git["state"], git["failure_count"]) == ("open", 5)
    assert git["last_failure"] is not None
    assert git["last_state_change"] is not None


def test_errors_are_json_and_logging_out_needs_nobody(stub, client):
    stub.behave("auth", DOWN)
    assert client.post("/v1/api/auth/logout").status_code == 200
    for answer in (client.get("/nope"), client.delete("/v1/api/chat")):
        assert answer.status_code in (404, 405)
        assert "error" in answer.json
    assert client.get("/health").json == {"status": "ok"}


def test_a_saved_file_is_read_back(client):
    path = "/v1/api/project/p1/file/notes.txt"
    assert client.put(path, json={"content": "new"}, headers=ADA).status_code == 200
    assert client.get(path, headers=ADA).json["content"] == "new"
    text = client.put(path, data="plain", content_type="text/plain", headers=ADA)
    assert text.status_code == 200
    assert client.put(path, json={"contents": "x"}, headers=ADA).status_code == 400
