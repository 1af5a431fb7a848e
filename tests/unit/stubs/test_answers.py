"""Routes given as data: in turn, filled from the request, late, and bounded."""

from __future__ import annotations

import json

import pytest

from stub_services import Connection, build
from stub_services.bounds import BadRequest
from stub_services.messages import Reply, Request
from stub_services.service import Service


def told(*routes: dict) -> Service:
    service = build(["mail"])["mail"]
    service.give_routes(list(routes))
    return service


def ask(service: Service, route: str, body: bytes = b"", **headers: str) -> Reply:
    method, _, target = route.partition(" ")
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    request = Request(method=method, target=target, body=body, headers=fields)
    return service.find(request, 0.0)[1]()


def test_the_kth_call_gets_the_kth_answer_and_the_last_stays():
    answers = [{"status": 503}, {"json": {"n": 2}}, {"json": {"n": 3}, "headers": {"X-Last": "1"}}]
    service = told({"route": "GET /stock", "answers": answers})
    replies = [ask(service, "GET /stock") for _ in range(5)]
    assert [reply.status for reply in replies] == [503, 200, 200, 200, 200]
    assert [reply.json for reply in replies] == [None, {"n": 2}, *[{"n": 3}] * 3]
    assert replies[-1].headers == (("X-Last", "1"),)


def test_answers_come_again_where_they_cycle_and_each_route_counts_for_itself():
    turns = [{"json": 1}, {"json": 2}]
    service = told(
        {"route": "GET /a", "answers": turns, "cycle": True},
        {"route": "GET /b", "answers": turns},
    )
    assert [ask(service, "GET /a").json for _ in range(5)] == [1, 2, 1, 2, 1]
    assert [ask(service, "GET /b").json for _ in range(3)] == [1, 2, 2]
    service.give_routes([{"route": "GET /a", "answers": turns, "cycle": True}])
    assert ask(service, "GET /a").json == 1, "told again, it begins anew"


def test_a_call_that_a_fault_answers_takes_no_turn():
    service = told({"route": "GET /a", "answers": [{"json": 1}, {"json": 2}]})
    service.put_behaviour("f", {"action": "status", "status": 500, "to_call": 1}, 0.0)
    connection, said = Connection(service), []
    for at_s in (0.0, 1.0, 2.0):
        connection.feed(at_s, b"GET /a HTTP/1.1\r\nHost: s\r\n\r\n")
        said.append(b"".join(connection.advance(at_s)).split()[1])
    assert said == [b"500", b"200", b"200"]
    assert ask(service, "GET /a").json == 2


def test_places_are_filled_from_the_request():
    template = {
        "id": "{path.2}", "all": "{path}", "asked": "{query.q}", "who": "for {header.X-User}!",
        "amount": "{json.order.amount}", "first": "{json.items.0.sku}", "whole": "{json.order}",
        "text": "n={json.order.amount}, {json.order}", "by": "{method} {call}",
        "nothing": "{query.none}", "none": "<{query.none}>", "itself": "{{path.2}}", "n": 7,
        "list": ["{path.1}"], "css": "a {b: c}", "beyond": "{path.9}",
    }  # fmt: skip
    service = told({"route": "POST /orders/*", "json": template})
    body = {"order": {"amount": 2.5}, "items": [{"sku": "s1"}]}
    reply = ask(service, "POST /orders/o%201?q=a%20b", json.dumps(body).encode(), x_user="ada")
    assert json.loads(reply.body) == {
        "id": "o 1", "all": "/orders/o%201", "asked": "a b", "who": "for ada!",
        "amount": 2.5, "first": "s1", "whole": {"amount": 2.5},
        "text": 'n=2.5, {"amount": 2.5}', "by": "POST 1",
        "nothing": None, "none": "<>", "itself": "{path.2}", "n": 7,
        "list": ["orders"], "css": "a {b: c}", "beyond": None,
    }  # fmt: skip
    assert ask(service, "POST /orders/1").json["amount"] is None, "no body holds no field"


def test_a_text_instead_of_json_and_filled_headers():
    service = told(
        {"route": "GET /xml", "body": "<ok id='{path.2}'/>", "headers": {"X-Id": "{path.2}"}}
    )
    reply = ask(service, "GET /xml/7")
    assert reply.body == b"<ok id='7'/>"
    fields = dict(reply.headers)
    assert fields == {"X-Id": "7", "Content-Type": "text/plain; charset=utf-8"}


@pytest.mark.parametrize(
    ("route", "body", "why"),
    [
        ("POST /a/x%0d%0aSet-Cookie:%20a=b", b"{}", "HTTP doesn't allow it"),
        ("POST /a/x", b"{", "not JSON"),
        ("POST /a/x", b'{"v": "%s"}' % (b"x" * 9000), "characters"),
        ("POST /a/x", b'{"v": "%s"}' % (b"x" * (300 << 10)), "256 KiB"),
    ],
)
def test_a_request_that_cannot_fill_a_place_is_answered_400(route: str, body: bytes, why: str):
    fields = {"X-Id": "{path.2}", "X-Value": "v {json.v}"}
    reply = ask(told({"route": "POST /a", "headers": fields}), route, body)
    assert reply.status == 400
    assert why in reply.json["error"]


def test_an_answer_is_late_by_its_delay_and_a_fault_adds_to_it():
    service = told({"route": "GET /a", "json": 1, "delay_s": 0.25})
    connection = Connection(service)
    connection.feed(1.0, b"GET /a HTTP/1.1\r\nHost: s\r\n\r\n")
    assert connection.advance(1.2) == []
    assert connection.next_wake_s == 1.25
    assert connection.advance(1.25)
    service.put_behaviour("d", {"action": "delay", "delay_s": 2.0}, 2.0)
    connection.feed(2.0, b"GET /a HTTP/1.1\r\nHost: s\r\n\r\n")
    assert connection.next_wake_s == 4.25


def test_a_word_wins_over_a_star_and_the_longer_over_the_shorter():
    service = told(
        {"route": "GET /stock/*", "json": "any"},
        {"route": "GET /stock/special", "json": "special"},
        {"route": "GET /", "json": "rest"},
    )
    assert ask(service, "GET /stock/special").json == "special"
    assert ask(service, "GET /stock/7").json == "any"
    assert ask(service, "GET /stock/7/deep").json == "any"
    assert ask(service, "GET /other").json == "rest"


@pytest.mark.parametrize(
    "route",
    [
        {"answers": []},
        {"answers": {"status": 200}},
        {"answers": [7]},
        {"answers": [{"status": 200}] * 101},
        {"json": "{qurey.q}"},
        {"json": ["{path.x}"]},
        {"json": {"a": "{query}"}},
        {"body": "{json.a..b}"},
        {"headers": {"A": "{call.1}"}},
        {"json": ["{path.1}"] * 101},
        {"body": 7},
        {"body": "a", "json": 1},
        {"delay_s": -1},
        {"delay_s": "1s"},
        {"delay_s": 1e9},
    ],
    ids=str,
)
def test_what_is_no_answer_is_refused_and_changes_nothing(route: dict):
    service = told({"route": "GET /a", "json": "before"})
    with pytest.raises(BadRequest):
        service.give_routes([{"route": "GET /a", **route}])
    assert ask(service, "GET /a").json == "before"
