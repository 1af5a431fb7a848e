"""Each service's wire format, as the contract's section 5 tabulates it."""

from __future__ import annotations

import pytest

from stub_services import build
from stub_services.messages import Request


def call(service, method: str, target: str, body: bytes = b"", **headers: str):
    request = Request(method=method, target=target, body=body, headers=headers)
    _, work, _ = service.find(request, 0.0)
    reply = work()
    return reply.status, reply.json


@pytest.fixture
def services():
    return build(internal_token="secret")


def test_auth_logs_in_by_password_only(services):
    auth = services["auth"]
    good = b'{"email": "ada@example.com", "password": "correct-horse"}'
    user = {"user_id": "ada", "email": "ada@example.com", "role": "user"}
    assert call(auth, "POST", "/login", good) == (200, {"token": "token-ada", "user": user})
    bad = b'{"email": "ada@example.com", "password": "battery-staple"}'
    assert call(auth, "POST", "/login", bad)[0] == 401
    assert call(auth, "POST", "/login", b"{")[0] == 400
    assert call(auth, "POST", "/login", b'{"email": "ada@example.com"}')[0] == 400


def test_a_revoked_token_is_not_valid_while_the_behaviour_lasts(services):
    auth = services["auth"]
    body = b'{"token": "token-ada"}'
    auth.put_behaviour("r", {"action": "revoke", "user": "ada"}, 0.0)
    assert call(auth, "POST", "/verify_token", body) == (200, {"valid": False})
    assert call(auth, "POST", "/verify_token", b'{"token": "token-bob"}')[1]["valid"] is True
    auth.remove_behaviour("r")
    assert call(auth, "POST", "/verify_token", body)[1]["user_id"] == "ada"
    auth.people.replace({"ada": {"revoked": True}})
    assert call(auth, "POST", "/verify_token", body) == (200, {"valid": False})


def test_owner_lookup_asks_for_the_internal_token(services):
    auth, path = services["auth"], "/internal/projects/p1/owner"
    assert call(auth, "GET", path, **{"x-internal-token": "secret"}) == (200, {"owner_id": "ada"})
    assert call(auth, "GET", path)[0] == 403
    assert call(auth, "GET", path, **{"x-internal-token": "wrong"})[0] == 403
    none = "/internal/projects/p9/owner"
    assert call(auth, "GET", none, **{"x-internal-token": "secret"})[0] == 404


def test_billing_charges_each_job_once_and_exactly(services):
    billing = services["billing"]
    for number in range(3):
        body = b'{"user_id": "ada", "job_id": "j%d", "cost": 0.1, "description": ""}' % number
        assert call(billing, "POST", "/deduct", body) == (200, {"status": "success"})
        assert call(billing, "POST", "/deduct", body) == (200, {"status": "duplicate"})
    ledger = billing.ledger()
    assert len(ledger["charges"]) == ledger["duplicates"] == 3
    assert ledger["balances"]["ada"] == 999.7
    status, answer = call(billing, "GET", "/balance/ada")
    assert (status, float(answer["balance"])) == (200, 999.7)


def test_billing_refuses_what_it_can_not_charge(services):
    billing = services["billing"]
    big = b'{"user_id": "ada", "job_id": "j", "cost": 1000.01}'
    assert call(billing, "POST", "/deduct", big)[0] == 402
    assert call(billing, "POST", "/deduct", big.replace(b"ada", b"eve"))[0] == 404
    for cost in (b"-1", b"true", b'"1"', b"NaN"):
        body = big.replace(b"1000.01", cost)
        assert call(billing, "POST", "/deduct", body)[0] == 400
    assert call(billing, "GET", "/balance/eve")[0] == 404
    assert billing.ledger()["charges"] == []


def test_chroma_answers_from_the_collection_that_was_asked(services):
    body = b'{"collection_name": "p1", "query_texts": ["x", "y"], "n_results": 2}'
    status, answer = call(services["chroma"], "POST", "/query", body)
    assert status == 200
    assert [len(found) for found in answer["documents"]] == [2, 2]
    assert answer["metadatas"][0] == [
        {"source_file": "p1/notes.md"},
        {"source_file": "p1/design.md"},
    ]


def test_filesystem_git_and_lookups(services):
    files, git = services["filesystem"], services["git"]
    saved = b'{"project_id": "p1", "name": "a", "content": "new"}'
    assert call(files, "GET", "/file/p1/a")[1]["content"] == "a of p1"
    assert call(files, "POST", "/save_file", saved)[0] == 200
    assert call(files, "GET", "/file/p1/a")[1]["content"] == "new"
    assert call(git, "POST", "/snapshot/p1")[1]["snapshot_id"] == "p1-1"
    assert call(git, "GET", "/history/p1")[1]["snapshots"] == [{"snapshot_id": "p1-1"}]
    assert call(services["external_data"], "GET", "/lookup?q=a%20b")[1]["query"] == "a b"


def test_routes_given_as_data_come_before_the_own_ones():
    search = build(["search"])["search"]
    assert call(search, "GET", "/search?q=1")[0] == 404
    search.give_routes([{"route": "GET /search", "json": {"hits": []}, "status": 203}])
    assert call(search, "GET", "/search?q=1") == (203, {"hits": []})
    auth = build(["auth"])["auth"]
    auth.give_routes([{"route": "POST /verify_token", "json": {"valid": True, "role": "admin"}}])
    assert call(auth, "POST", "/verify_token")[1]["role"] == "admin"


def test_users_replace_those_before_and_a_bad_one_changes_nothing(services):
    people = services["billing"].people
    assert people is services["auth"].people
    people.replace({"eve": {"bearer": "t", "owns": ["p7"], "balance": 0.57}})
    assert people.of_token("t").user_id == people.owner_of("p7").user_id == "eve"
    assert people.get("ada") is None
    for bad in ([], {"eve": 1}, {"eve": {"balance": "much"}}, {"eve": {"colour": "red"}}):
        with pytest.raises(ValueError, match="user"):
            people.replace(bad)
    assert people.get("eve") is not None
