"""What proxies do when they are created, changed, switched, populated, reset and deleted."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

HOST = "127.0.0.1"


def created(api: Any, **fields: Any) -> Any:
    reply = api.call("POST", "/proxies", {"name": "x", "upstream": "127.0.0.1:1", **fields})
    assert reply.status == 201, reply
    return reply.json


@pytest.mark.parametrize(
    ("listen", "shown"),
    [("127.0.0.1:0", "127.0.0.1:"), ("localhost:0", "127.0.0.1:"), ("0.0.0.0:0", "[::]:"),
     (":0", "[::]:"), ("", "[::]:"), ("[::1]:0", "[::1]:")],
)  # fmt: skip
def test_listen_is_shown_as_bound(api: Any, listen: str, shown: str) -> None:
    where = created(api, listen=listen)["listen"]
    assert where.startswith(shown)
    assert int(where.removeprefix(shown)) > 0


def test_answer_of_a_creation(api: Any) -> None:
    reply = api.call(
        "POST", "/proxies", {"name": "x", "upstream": "<nowhere>&", "listen": "127.0.0.1:0"}
    )
    port = reply.json["listen"].rpartition(":")[2].encode()
    assert reply.status == 201
    assert reply.headers["Content-Type"] == "application/json"
    assert reply.body == (
        b'{"name":"x","listen":"127.0.0.1:' + port + b'","upstream":"\\u003cnowhere\\u003e\\u0026",'
        b'"enabled":true,"Logger":{},"toxics":[]}'
    )


def test_toxics_of_a_creation_are_ignored_even_when_malformed(api: Any) -> None:
    assert created(api, listen="127.0.0.1:0", toxics=["nonsense", 5])["toxics"] == []


def test_unknown_keys_any_case_and_only_the_first_value(api: Any) -> None:
    body = b'{"NAME":"a","uPstream":"u","Enabled":false,"colour":7} and the rest'
    reply = api.call("POST", "/proxies", body)
    assert (reply.status, reply.json["name"], reply.json["enabled"]) == (201, "a", False)


def test_disabled_proxy_is_stored_unbound(api: Any) -> None:
    shown = created(api, listen="127.0.0.1:0", enabled=False)
    assert (shown["listen"], shown["enabled"]) == ("127.0.0.1:0", False)
    enabled = api.call("PATCH", "/proxies/x", {"enabled": True}).json
    assert enabled["enabled"]
    assert not enabled["listen"].endswith(":0")


def test_disabled_proxy_may_claim_a_taken_port(api: Any, proxied: Any) -> None:
    listen = proxied.shown["listen"]
    assert created(api, listen=listen, enabled=False)["listen"] == listen
    reply = api.call("PATCH", "/proxies/x", {"enabled": True})
    assert reply.status == 500
    assert reply.json["error"] == f"listen tcp {listen}: bind: address already in use"
    assert api.call("GET", "/proxies/x").json["enabled"] is False


@pytest.mark.parametrize("name", ["a b", "ü€😀", "a?b#c", "q\"uo'te", "<&>", "%2e", "a\tb"])
def test_names_that_need_quoting(api: Any, name: str) -> None:
    created(api, name=name, listen="127.0.0.1:0")
    path = f"/proxies/{quote(name, safe='')}"
    assert api.call("GET", path).json["name"] == name
    assert api.call("POST", f"{path}/toxics", {"name": name, "type": "noop"}).status == 200
    assert api.call("GET", f"{path}/toxics/{quote(name, safe='')}").json["name"] == name
    assert api.call("DELETE", f"{path}/toxics/{quote(name, safe='')}").status == 204
    assert list(api.call("GET", "/proxies").json) == [name]
    assert api.call("DELETE", path).status == 204


def test_name_with_a_slash_can_be_made_but_not_addressed(own_api: Callable[..., Any]) -> None:
    api = own_api()
    created(api, name="a/b", listen="127.0.0.1:0")
    assert list(api.call("GET", "/proxies").json) == ["a/b"]
    assert api.call("DELETE", "/proxies/a%2Fb").status == 404


def test_listing_is_sorted_by_name(api: Any) -> None:
    for name in ("b", "é", "a", "B", "10", "9"):
        created(api, name=name, enabled=False)
    assert list(api.call("GET", "/proxies").json) == ["10", "9", "B", "a", "b", "é"]


def test_echoed_object_is_accepted(proxied: Any) -> None:
    pair = proxied.open()
    reply = proxied.api.call("POST", proxied.path, proxied.shown)
    assert reply.status == 200
    pair.client.send(b"still here")
    assert pair.server.receive(10) == b"still here"


def test_disable_refuses_and_closes_and_enable_takes_the_port_again(proxied: Any) -> None:
    port = proxied.port
    pair = proxied.open()
    pair.client.send(b"x")
    assert pair.server.receive(1) == b"x"
    assert proxied.switch(False).json["enabled"] is False
    # When the answer is here, this has happened already.
    assert proxied.refuses(port)
    assert pair.client.fate() == "eof"
    assert pair.server.fate() == "eof"
    assert proxied.switch(True).json["listen"] == f"{HOST}:{port}"
    again = proxied.open(port)
    again.server.send(b"back")
    assert again.client.receive(4) == b"back"


def test_disable_keeps_toxics_and_delete_refuses(proxied: Any) -> None:
    port = proxied.port
    proxied.add("latency", latency=5)
    proxied.switch(False)
    assert len(proxied.switch(True).json["toxics"]) == 1
    pair = proxied.open()
    assert proxied.api.call("DELETE", proxied.path).status == 204
    assert proxied.refuses(port)
    assert pair.client.fate() == "eof"


def test_disable_drops_what_toxics_hold(proxied: Any) -> None:
    proxied.add("latency", latency=300)
    pair = proxied.open()
    pair.server.send(b"late")
    assert pair.client.is_silent(0.1)
    proxied.switch(False)
    assert pair.client.receive_all() == b""


def test_update_without_change_keeps_connections(proxied: Any) -> None:
    pair = proxied.open()
    listen = proxied.shown["listen"]
    body = {"listen": listen, "upstream": proxied.shown["upstream"], "name": "other"}
    assert proxied.api.call("PATCH", proxied.path, body).json["name"] == proxied.name
    pair.server.send(b"x")
    assert pair.client.receive(1) == b"x"


def test_update_of_the_upstream_moves_new_connections(
    api: Any, proxied_on: Callable[..., Any]
) -> None:
    first, second = proxied_on(api), proxied_on(api)
    port = first.port
    first.add("latency", latency=1)
    pair = first.open()
    reply = api.call("PATCH", first.path, {"upstream": second.shown["upstream"]})
    assert reply.json["listen"] == f"{HOST}:{port}"
    assert len(reply.json["toxics"]) == 1
    assert pair.client.fate() == "eof"
    client = first.connect(port)
    server = second.accept()
    client.send(b"hello")
    assert server.receive(5) == b"hello"


def test_update_to_port_0_always_takes_a_new_port(proxied: Any) -> None:
    port = proxied.port
    pair = proxied.open()
    reply = proxied.api.call("PATCH", proxied.path, {"listen": f"{HOST}:0"})
    assert reply.json["listen"] != f"{HOST}:{port}"
    assert pair.client.fate() == "eof"
    assert proxied.refuses(port)


def test_failed_update_leaves_it_disabled_with_the_new_values(proxied: Any) -> None:
    with socket.create_server((HOST, 0)) as taken:
        listen = f"{HOST}:{taken.getsockname()[1]}"
        reply = proxied.api.call("PATCH", proxied.path, {"listen": listen, "upstream": "new:1"})
        assert reply.status == 500
    shown = proxied.shown
    assert (shown["listen"], shown["upstream"], shown["enabled"]) == (listen, "new:1", False)
    assert proxied.switch(True).status == 200


def test_update_may_empty_the_upstream_and_clients_are_closed(proxied: Any) -> None:
    assert proxied.api.call("PATCH", proxied.path, {"upstream": ""}).json["upstream"] == ""
    assert proxied.connect().fate(2) == "eof"


def test_upstream_down_accepts_then_closes(api: Any) -> None:
    with socket.create_server((HOST, 0)) as closed:
        port = closed.getsockname()[1]
    listen = created(api, upstream=f"{HOST}:{port}", listen="127.0.0.1:0")["listen"]
    with socket.create_connection((HOST, int(listen.rpartition(":")[2])), timeout=5) as client:
        assert client.recv(1) == b""


@pytest.mark.parametrize("upstream", ["localhost:{port}", ":{port}", "127.0.0.1:{port}"])
def test_spellings_of_an_upstream(api: Any, proxied_on: Callable[..., Any], upstream: str) -> None:
    proxied = proxied_on(api)
    port = proxied.shown["upstream"].rpartition(":")[2]
    api.call("PATCH", proxied.path, {"upstream": upstream.format(port=port)})
    pair = proxied.open()
    pair.client.send(b"hi")
    assert pair.server.receive(2) == b"hi"


# Populate


def entry(name: str, **fields: Any) -> dict[str, Any]:
    return {"name": name, "upstream": "127.0.0.1:1", "listen": "127.0.0.1:0", **fields}


def test_populate_creates_in_order_and_leaves_others(api: Any) -> None:
    created(api, name="old", listen="127.0.0.1:0")
    reply = api.call("POST", "/populate", [entry("b"), entry("a", enabled=False)])
    assert reply.status == 201
    assert reply.headers["Content-Type"] == "application/json"
    assert [(p["name"], p["enabled"]) for p in reply.json["proxies"]] == [("b", True), ("a", False)]
    assert set(api.call("GET", "/proxies").json) == {"old", "a", "b"}


def test_populate_leaves_the_same_proxy_alone(api: Any, proxied: Any) -> None:
    proxied.add("latency", latency=1)
    pair = proxied.open()
    shown = proxied.shown
    body = {key: shown[key] for key in ("name", "listen", "upstream")}
    reply = api.call("POST", "/populate", [{**body, "enabled": False}])
    assert reply.json["proxies"] == [shown], "toxics kept, the given enabled ignored"
    pair.client.send(b"x")
    assert pair.server.receive(1) == b"x"


def test_populate_resolves_host_names_before_it_compares(api: Any, proxied: Any) -> None:
    shown = proxied.shown
    body = {"name": shown["name"], "upstream": shown["upstream"]}
    pair = proxied.open()
    api.call("POST", "/populate", [{**body, "listen": shown["listen"].replace(HOST, "localhost")}])
    pair.client.send(b"x")
    assert pair.server.receive(1) == b"x"


@pytest.mark.parametrize("change", ["upstream", "port 0"])
def test_populate_replaces_what_differs_and_loses_its_toxics(
    api: Any, proxied: Any, change: str
) -> None:
    proxied.add("latency", latency=1)
    pair = proxied.open()
    shown = proxied.shown
    body = {"name": shown["name"], "upstream": shown["upstream"], "listen": shown["listen"]}
    body |= {"upstream": "127.0.0.1:1"} if change == "upstream" else {"listen": f"{HOST}:0"}
    assert api.call("POST", "/populate", [body]).json["proxies"][0]["toxics"] == []
    assert pair.client.fate() == "eof"


def test_populate_checks_all_entries_before_it_creates_any(api: Any) -> None:
    for body, message in (
        ([entry("a"), {"upstream": "u"}], "missing required field: name at proxy 2"),
        ([entry("a"), {"name": "b"}], "missing required field: upstream at proxy 2"),
        ([{}], "missing required field: name at proxy 1"),
    ):
        reply = api.call("POST", "/populate", body)
        assert reply.status == 400
        assert reply.headers["Content-Type"] == "application/json"
        assert reply.body == f'{{"error":"{message}","status":400,"proxies":null}}'.encode()
    assert api.call("GET", "/proxies").json == {}


@pytest.mark.parametrize("body", [b"{}", b"5", b'"x"', b'[{"name":1}]', b"[5]", b"[", b""])
def test_populate_wants_a_list_of_objects(api: Any, body: bytes) -> None:
    reply = api.call("POST", "/populate", body)
    assert reply.status == 400
    assert reply.json["error"].startswith("bad request body: ")
    assert reply.json["proxies"] is None


def test_populate_stops_at_the_first_failure(api: Any, proxied: Any) -> None:
    listen = proxied.shown["listen"]
    reply = api.call("POST", "/populate", [entry("a"), entry("b", listen=listen), entry("c")])
    assert reply.status == 500
    assert reply.headers["Content-Type"] == "application/json"
    assert list(reply.json) == ["error", "status", "proxies"]
    assert reply.json["error"] == f"listen tcp {listen}: bind: address already in use"
    assert [p["name"] for p in reply.json["proxies"]] == ["a"]
    assert set(api.call("GET", "/proxies").json) == {proxied.name, "a"}


def test_populate_that_fails_to_replace_leaves_the_old_one_disabled(
    api: Any, proxied_on: Callable[..., Any]
) -> None:
    first, second = proxied_on(api), proxied_on(api)
    listen = second.shown["listen"]
    reply = api.call("POST", "/populate", [entry(first.name, listen=listen)])
    assert reply.status == 500
    assert first.shown["enabled"] is False
    assert first.shown["listen"] != listen


# Reset


def test_reset_enables_everything_and_removes_all_toxics(
    api: Any, proxied_on: Callable[..., Any]
) -> None:
    first, second = proxied_on(api), proxied_on(api)
    first.add("latency", latency=5000)
    first.add("latency", "upstream", latency=5000)
    second.switch(False)
    created(api, name="never", listen="127.0.0.1:0", enabled=False)
    pair = first.open()
    assert api.call("POST", "/reset").status == 204
    assert all(p["enabled"] and not p["toxics"] for p in api.call("GET", "/proxies").json.values())
    pair.client.send(b"x")
    assert pair.server.receive(1, 3) == b"x"


def test_reset_that_cannot_start_a_proxy_is_an_error(api: Any, proxied: Any) -> None:
    listen = proxied.shown["listen"]
    proxied.add("noop")
    created(api, name="clash", listen=listen, enabled=False)
    api.call("POST", "/proxies/clash/toxics", {"type": "noop"})
    reply = api.call("POST", "/reset")
    assert reply.status == 500
    assert reply.json["error"] == f"listen tcp {listen}: bind: address already in use"
    assert len(api.call("GET", "/proxies/clash").json["toxics"]) == 1, "its toxics stay"
