"""The open-loop client on real sockets."""

import asyncio
import contextlib
import errno
import os
import sys
from collections.abc import Awaitable, Callable

import pytest

from harness.engines.client import exchange, socket_of
from harness.engines.requests import WireAnswer, WireRequest
from harness.errors import WorldError

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def ask(serve: Serve, request: WireRequest, source: str | None = None) -> WireAnswer:
    async def run() -> WireAnswer:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        try:
            return await asyncio.wait_for(exchange("127.0.0.1", port, request, source=source), 5)
        finally:
            server.close()

    return asyncio.run(run())


def replying(reply: bytes, seen: list[bytes] | None = None) -> Serve:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        data = await reader.readuntil(b"\r\n\r\n")
        if seen is not None:
            seen.append(data)
            seen.append(str(writer.get_extra_info("peername")[0]).encode())
        writer.write(reply)
        writer.close()

    return serve


GET = WireRequest(method="GET", path="/")
CHUNKED = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def test_status_headers_and_body_come_back() -> None:
    reply = b"HTTP/1.1 503 Busy\r\nContent-Length: 2\r\nSet-Cookie: a=b\r\nRetry-After: 1\r\n\r\nno"

    answer = ask(replying(reply), GET)

    assert (answer.status, answer.body, answer.error) == (503, b"no", None)
    assert answer.headers == (("content-length", "2"), ("set-cookie", "a=b"), ("retry-after", "1"))


def test_header_fields_of_one_name_stay_apart() -> None:
    reply = b"HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nContent-Length: 0\r\nset-cookie: b=2\r\n\r\n"
    fields = ask(replying(reply), GET).headers
    assert [value for name, value in fields if name == "set-cookie"] == ["a=1", "b=2"]


def test_a_body_that_ends_with_the_connection_is_whole() -> None:
    assert ask(replying(b"HTTP/1.0 200 OK\r\nServer: x\r\n\r\nhello"), GET).body == b"hello"


@pytest.mark.parametrize(
    ("reply", "body"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", b""),
        (b"HTTP/1.1 200 OK\r\n\r\nto the end", b"to the end"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 500 smuggled\r\n\r\n", b"ok"),
        (f"{CHUNKED}5;ext=1\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n".encode(), b"hello"),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", b"ok"),
    ],
)
def test_an_answer_is_whole_by_its_framing(reply: bytes, body: bytes) -> None:
    answer = ask(replying(reply), GET)

    assert (answer.status, answer.body, answer.error) == (200, body, None)
    assert "x-sum" not in dict(answer.headers)


def test_the_answer_to_a_head_has_no_body_to_wait_for() -> None:
    reply = b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n"

    assert ask(replying(reply), WireRequest(method="HEAD", path="/")).status == 200


def test_a_head_without_end_is_given_up() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n")
        with contextlib.suppress(OSError):
            while True:
                writer.write(b"X: y\r\n" * 1000)
                await writer.drain()

    assert "not an HTTP answer" in (ask(serve, GET).error or "")


@pytest.mark.parametrize("code", [errno.EMFILE, errno.EADDRNOTAVAIL])
def test_what_this_machine_lacks_is_no_answer_of_the_target(
    code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run() -> None:
        async def none_left(*args: object, **kwargs: object) -> None:
            raise OSError(code, os.strerror(code))

        monkeypatch.setattr(asyncio.get_running_loop(), "create_connection", none_left)
        await exchange("127.0.0.1", 1, GET)

    with pytest.raises(WorldError, match=os.strerror(code)):
        asyncio.run(run())


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", "closed before"),
        (f"{CHUNKED}1388\r\nhello".encode(), "closed before"),
        (f"{CHUNKED}5\r\nhello\r\n".encode(), "closed before"),
        (f"{CHUNKED}5\r\nhello\r\n0\r\n".encode(), "closed before"),
        (b"HTTP/1.1 200 OK\r\nX: y\r\n", "closed before"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", "not an HTTP"),
        (f"{CHUNKED}zz\r\nhello".encode(), "not an HTTP answer"),
        (b"HTTP/1.1 100 Continue\r\n\r\n", "closed before"),
        (b"HTTP/1.1 103 Early Hints\r\n\r\n" * 101, "answers like 100"),
        (b"", "closed before"),
        (b"what?\r\n\r\n", "not an HTTP answer"),
    ],
)
def test_what_is_no_answer_has_no_status(reply: bytes, error: str) -> None:
    answer = ask(replying(reply), GET)

    assert answer.status is None
    assert error in (answer.error or "")


def test_the_body_and_headers_of_a_request_arrive() -> None:
    seen: list[bytes] = []
    request = WireRequest(method="POST", path="/x", headers={"A": "b"}, body=b"{}")

    ask(replying(b"HTTP/1.1 204 No Content\r\n\r\n", seen), request)

    assert seen[0].startswith(b"POST /x HTTP/1.1\r\n")
    assert b"A: b\r\n" in seen[0]
    assert b"Content-Length: 2\r\n" in seen[0]


def test_a_client_can_have_an_address_of_its_own() -> None:
    seen: list[bytes] = []

    ask(replying(b"HTTP/1.1 204 No Content\r\n\r\n", seen), GET, source="127.0.0.9")

    assert seen[1] == b"127.0.0.9"


def test_a_refused_connection_is_an_answer_without_a_status() -> None:
    answer = asyncio.run(exchange("127.0.0.1", 1, GET))

    assert (answer.status, answer.error) == (None, "connection refused")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can pick a port that late")
def test_a_port_is_picked_as_a_client_connects_not_before() -> None:
    with socket_of("127.0.0.9") as own:
        assert own.getsockname() == ("127.0.0.9", 0)
