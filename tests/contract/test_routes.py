"""Every route and every error, byte for byte, as the real server answers."""

from __future__ import annotations

import re
import socket
from typing import Any

import pytest

JSON = "application/json"
TEXT = "text/plain; charset=utf-8"
P = "/proxies/p"


@pytest.fixture
def p(api: Any) -> Any:
    """A disabled proxy `p` with a latency toxic `t`."""
    body = {"name": "p", "listen": "127.0.0.1:0", "upstream": "127.0.0.1:1", "enabled": False}
    assert api.call("POST", "/proxies", body).status == 201
    assert api.call("POST", f"{P}/toxics", {"name": "t", "type": "latency"}).status == 200
    return api


def error(status: int, message: str) -> bytes:
    text = message.replace('"', '\\"')
    return f'{{"error":"{text}","status":{status}}}\n'.encode()


SHOWN_TOXIC = (
    b'{"attributes":{"latency":0,"jitter":0},"name":"t","type":"latency",'
    b'"stream":"downstream","toxicity":1}'
)
SHOWN_PROXY = (
    b'{"name":"p","listen":"127.0.0.1:0","upstream":"127.0.0.1:1","enabled":false,"Logger":{},'
    b'"toxics":[' + SHOWN_TOXIC + b"]}"
)

SUCCESSES = [
    ("GET", "/proxies", None, 200, b'{"p":' + SHOWN_PROXY + b"}"),
    ("GET", P, None, 200, SHOWN_PROXY),
    ("POST", P, {}, 200, SHOWN_PROXY),
    ("PATCH", P, {}, 200, SHOWN_PROXY),
    ("PATCH", P, b"null", 200, SHOWN_PROXY),
    ("DELETE", P, None, 204, b""),
    ("GET", f"{P}/toxics", None, 200, b"[" + SHOWN_TOXIC + b"]"),
    ("GET", f"{P}/toxics/t", None, 200, SHOWN_TOXIC),
    ("POST", f"{P}/toxics/t", {}, 200, SHOWN_TOXIC),
    ("PATCH", f"{P}/toxics/t", {}, 200, SHOWN_TOXIC),
    ("DELETE", f"{P}/toxics/t", None, 204, b""),
    ("POST", "/populate", [], 201, b'{"proxies":null}'),
    ("POST", "/populate", b"null", 201, b'{"proxies":null}'),
    ("POST", "/reset", None, 204, b""),
]


@pytest.mark.parametrize(("method", "path", "body", "status", "answer"), SUCCESSES)
def test_success(p: Any, method: str, path: str, body: Any, status: int, answer: bytes) -> None:
    reply = p.call(method, path, body)
    assert (reply.status, reply.body) == (status, answer)
    assert reply.headers.get("Content-Type") == (None if status == 204 else JSON)
    assert re.fullmatch(r"[0-9a-v]{20}", reply.headers["X-Toxiproxy-Request-Id"])


def test_version(api: Any) -> None:
    reply = api.call("GET", "/version")
    assert reply.status == 200
    assert reply.headers["Content-Type"] == "application/json;charset=utf-8"
    # A server built from source without its release flags calls its version `git`.
    assert re.fullmatch(rb'\{"version": "(2\.12\.0|git)"\}\n', reply.body)


NO_MATCH = "bad request body: "
CANNOT = f"{NO_MATCH}json: cannot unmarshal "
BAD_BODIES = [
    (b"", "EOF"),
    (b" \n", "EOF"),
    (b"{", "unexpected EOF"),
    (b'{"name":', "unexpected EOF"),
    (b'"abc', "unexpected EOF"),
    (b"tru", "unexpected EOF"),
    (b"x", "invalid character 'x' looking for beginning of value"),
    (b"'", r"invalid character '\\'' looking for beginning of value"),
    (b"}", "invalid character '}' looking for beginning of value"),
    (b"{a:1}", "invalid character 'a' looking for beginning of object key string"),
    (b'{"a":1,}', "invalid character '}' looking for beginning of object key string"),
    (b'{"a" 1}', "invalid character '1' after object key"),
    (b'{"a":1 "b"}', "invalid character '\"' after object key:value pair"),
    (b"[1 2]", "invalid character '2' after array element"),
    (b"trux", "invalid character 'x' in literal true (expecting 'e')"),
    (b"-x", "invalid character 'x' in numeric literal"),
    (b"1.x", "invalid character 'x' after decimal point in numeric literal"),
    (b"1ex", "invalid character 'x' in exponent of numeric literal"),
    (b'"\\q"', "invalid character 'q' in string escape code"),
    (b'"\\u12g4"', r"invalid character 'g' in \\u hexadecimal character escape"),
    (b'"\x01"', r"invalid character '\\x01' in string literal"),
    (b'"\n"', r"invalid character '\\n' in string literal"),
    (b"NaN", "invalid character 'N' looking for beginning of value"),
]


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/proxies"), ("PATCH", P), ("POST", f"{P}/toxics")]
)
@pytest.mark.parametrize(("body", "message"), BAD_BODIES)
def test_malformed_body(p: Any, method: str, path: str, body: bytes, message: str) -> None:
    reply = p.call(method, path, body)
    assert (reply.status, reply.body) == (400, error(400, NO_MATCH + message))


ERRORS = [
    ("POST", "/proxies", {}, 400, "missing required field: name"),
    ("POST", "/proxies", {"name": "", "upstream": "u"}, 400, "missing required field: name"),
    ("POST", "/proxies", {"name": None}, 400, "missing required field: name"),
    ("POST", "/proxies", {"name": "x"}, 400, "missing required field: upstream"),
    ("POST", "/proxies", {"name": "p", "upstream": "u"}, 409, "proxy already exists"),
    (
        "POST", "/proxies", {"name": "p", "upstream": "u", "listen": "nonsense"},
        409, "proxy already exists",
    ),
    (
        "POST", "/proxies", {"name": "x", "upstream": "u", "listen": "foo"},
        500, "listen tcp: address foo: missing port in address",
    ),
    (
        "POST", "/proxies", {"name": "x", "upstream": "u", "listen": "127.0.0.1:70000"},
        500, "listen tcp: address 70000: invalid port",
    ),
    (
        "POST", "/proxies", {"name": "x", "upstream": "u", "listen": "::1"},
        500, "listen tcp: address ::1: too many colons in address",
    ),
    (
        "POST", "/proxies", {"name": "x", "upstream": "u", "listen": "[::1"},
        500, "listen tcp: address [::1: missing ']' in address",
    ),
    ("PATCH", P, {"listen": "foo"}, 500, "address foo: missing port in address"),
    ("PATCH", P, {"listen": ":70000"}, 500, "address 70000: invalid port"),
    ("GET", "/proxies/none", None, 404, "proxy not found"),
    ("PATCH", "/proxies/none", b"x", 404, "proxy not found"),
    ("DELETE", "/proxies/none", None, 404, "proxy not found"),
    ("GET", "/proxies/none/toxics", None, 404, "proxy not found"),
    ("POST", "/proxies/none/toxics", b"x", 404, "proxy not found"),
    ("GET", "/proxies/none/toxics/t", None, 404, "proxy not found"),
    ("PATCH", "/proxies/none/toxics/t", b"x", 404, "proxy not found"),
    ("DELETE", "/proxies/none/toxics/t", None, 404, "proxy not found"),
    ("GET", f"{P}/toxics/none", None, 404, "toxic not found"),
    ("PATCH", f"{P}/toxics/none", b"x", 404, "toxic not found"),
    ("DELETE", f"{P}/toxics/none", None, 404, "toxic not found"),
    ("POST", f"{P}/toxics", {"type": "nope"}, 400, "invalid toxic type"),
    ("POST", f"{P}/toxics", {"type": "Latency"}, 400, "invalid toxic type"),
    ("POST", f"{P}/toxics", {}, 400, "invalid toxic type"),
    (
        "POST", f"{P}/toxics", {"type": "nope", "stream": "sideways"},
        400, "stream was invalid, can be either upstream or downstream",
    ),
    (
        "POST", f"{P}/toxics", {"type": "latency", "stream": ""},
        400, "stream was invalid, can be either upstream or downstream",
    ),
    ("POST", f"{P}/toxics", {"name": "t", "type": "noop"}, 409, "toxic already exists"),
    (
        "POST", f"{P}/toxics", {"name": "t", "type": "noop", "stream": "upstream"},
        409, "toxic already exists",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path", "body", "status", "message"), ERRORS)
def test_error(p: Any, method: str, path: str, body: Any, status: int, message: str) -> None:
    reply = p.call(method, path, body)
    assert (reply.status, reply.body) == (status, error(status, message))
    assert reply.headers["Content-Type"] == TEXT
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert len(reply.headers["X-Toxiproxy-Request-Id"]) == 20


WRONG_TYPES = [
    ("POST", "/proxies", b"[]", "array into Go value of type toxiproxy.Proxy"),
    ("POST", "/proxies", b'{"name":1}', "number into Go struct field Proxy.name of type string"),
    ("POST", "/proxies", b'{"NAME":true}', "bool into Go struct field Proxy.name of type string"),
    ("POST", "/proxies", b'{"enabled":1}', "number into Go struct field Proxy.enabled of type"),
    ("POST", "/proxies", b'{"enabled":"yes"}', "string into Go struct field Proxy.enabled of"),
    ("POST", "/proxies", b'{"listen":{},"name":1}', "object into Go struct field Proxy.listen"),
    ("PATCH", P, b'{"upstream":[]}', "array into Go struct field Proxy.upstream of type string"),
    ("PATCH", P, b'{"Logger":"x"}', "string into Go struct field Proxy.Logger of type zerolog"),
    ("POST", "/populate", b'[{"Logger":1}]', "number into Go struct field .Proxy.Logger of type"),
    ("POST", f"{P}/toxics", b'{"toxicity":"1"}', "string into Go struct field ToxicWrapper.tox"),
    ("POST", f"{P}/toxics", b'{"attributes":5}', "number into Go struct field ToxicWrapper.att"),
    (
        "POST", f"{P}/toxics", b'{"type":"latency","name":"x","attributes":{"latency":100.0}}',
        "number 100.0 into Go struct field",
    ),
    (
        "POST", f"{P}/toxics", b'{"type":"latency","name":"x","attributes":{"latency":1e3}}',
        "number 1e3 into Go struct field",
    ),
    (
        "POST", f"{P}/toxics", b'{"type":"latency","name":"x","attributes":{"latency":"100"}}',
        "string into Go struct field",
    ),
    (
        "POST", f"{P}/toxics", b'{"type":"bandwidth","name":"x","attributes":{"rate":true}}',
        "bool into Go struct field",
    ),
    (
        "POST", f"{P}/toxics",
        b'{"type":"latency","name":"x","attributes":{"latency":9223372036854775808}}',
        "number 9223372036854775808 into Go struct field",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path", "body", "message"), WRONG_TYPES)
def test_wrong_type(p: Any, method: str, path: str, body: bytes, message: str) -> None:
    reply = p.call(method, path, body)
    assert reply.status == 400
    assert reply.json["error"].startswith(CANNOT + message)
    assert p.call("GET", P).body == SHOWN_PROXY, "nothing may have changed"


def test_port_in_use_names_the_resolved_address(api: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        body = {"name": "x", "upstream": "u", "listen": f"localhost:{port}"}
        reply = api.call("POST", "/proxies", body)
    message = f"listen tcp 127.0.0.1:{port}: bind: address already in use"
    assert (reply.status, reply.body) == (500, error(500, message))
    assert api.call("GET", "/proxies").json == {}, "nothing may be stored"


@pytest.mark.parametrize(
    "path",
    ["/", "/nope", "/proxies/", "/version/", f"{P}/", f"{P}/toxics/", f"{P}/toxics/t/x", "/Proxies",
     "/proxies/a%2Fb", "/metrics"],
)  # fmt: skip
def test_unknown_route(p: Any, path: str) -> None:
    reply = p.call("GET", path, headers={"User-Agent": "Mozilla/5.0"})
    assert (reply.status, reply.body) == (404, b"404 page not found\n")
    assert reply.headers["Content-Type"] == TEXT
    assert "X-Toxiproxy-Request-Id" not in reply.headers


def test_head_of_an_unknown_route_has_the_length_of_what_get_answers(api: Any) -> None:
    reply = api.call("HEAD", "/nope")
    assert (reply.status, reply.body) == (404, b"")
    assert reply.headers["Content-Length"] == "19"
    assert "Content-Length" not in api.call("HEAD", "/proxies").headers


@pytest.mark.parametrize(
    ("method", "path"),
    [("PUT", "/proxies"), ("HEAD", "/proxies"), ("OPTIONS", "/version"), ("GET", "/populate"),
     ("GET", "/reset"), ("PUT", P), ("DELETE", f"{P}/toxics"), ("PUT", f"{P}/toxics/t")],
)  # fmt: skip
def test_wrong_method(p: Any, method: str, path: str) -> None:
    reply = p.call(method, path, headers={"User-Agent": "Mozilla/5.0"})
    assert (reply.status, reply.body) == (405, b"")
    assert "Allow" not in reply.headers
    assert "X-Toxiproxy-Request-Id" not in reply.headers


@pytest.mark.parametrize(
    ("path", "location"),
    [("//proxies", "/proxies"), ("/proxies//p", P), ("/proxies/./p?a=b", f"{P}?a=b"),
     ("/proxies/x/../p", P)],
)  # fmt: skip
def test_unclean_path_is_redirected(p: Any, path: str, location: str) -> None:
    reply = p.call("GET", path)
    assert (reply.status, reply.headers["Location"], reply.body) == (301, location, b"")


@pytest.mark.parametrize(
    ("agent", "status"),
    [("Mozilla/5.0", 403), ("Mozilla/", 403), ("mozilla/5.0", 200), ("x Mozilla/5.0", 200)],
)
def test_browsers_are_kept_out(api: Any, agent: str, status: int) -> None:
    reply = api.call("GET", "/proxies", headers={"User-Agent": agent})
    assert reply.status == status
    if status == 403:
        assert reply.body == b"User agent not allowed\n"
        assert reply.headers["Content-Type"] == TEXT
        assert "X-Toxiproxy-Request-Id" in reply.headers


def raw(api: Any, data: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", api.port), timeout=5) as stream:
        stream.sendall(data)
        answer = bytearray()
        while got := stream.recv(65536):
            answer += got
    return re.sub(rb"(Date|X-Toxiproxy-Request-Id): [^\r]*", rb"\1: *", bytes(answer))


def test_head_of_an_answer_in_the_servers_order(p: Any) -> None:
    answer = raw(p, b"GET /proxies/p/toxics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.split(b"\r\n") == [
        b"HTTP/1.1 200 OK",
        b"Content-Type: application/json",
        b"X-Toxiproxy-Request-Id: *",
        b"Date: *",
        b"Content-Length: %d" % len(body),
        b"Connection: close",
    ]


@pytest.mark.parametrize(
    ("request_bytes", "answer"),
    [
        (b"garbage\r\n\r\n", b"400 Bad Request"),
        (b"GET /version HTTP/1.1\r\n\r\n", b"400 Bad Request: missing required Host header"),
        (b"GET /proxies/% HTTP/1.1\r\nHost: x\r\n\r\n", b"400 Bad Request"),
    ],
)
def test_what_is_no_request(api: Any, request_bytes: bytes, answer: bytes) -> None:
    lines = [
        b"HTTP/1.1 " + answer,
        b"Content-Type: text/plain; charset=utf-8",
        b"Connection: close",
        b"",
        answer,
    ]
    assert raw(api, request_bytes) == b"\r\n".join(lines)


def test_body_in_chunks_and_connection_kept(api: Any) -> None:
    chunked = (
        b"POST /proxies HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"2\r\n{}\r\n0\r\n\r\n"
    )
    answer = raw(api, chunked + b"GET /version HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert answer.count(b"HTTP/1.1 400 Bad Request") == 1
    assert answer.count(b"HTTP/1.1 200 OK") == 1


def test_expect_continue(api: Any) -> None:
    answer = raw(
        api,
        b"POST /proxies HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
        b"Content-Length: 2\r\nConnection: close\r\n\r\n{}",
    )
    assert answer.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 400 Bad Request\r\n")
