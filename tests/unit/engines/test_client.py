"""The open-loop client on real sockets."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from harness.engines.client import exchange
from harness.engines.requests import WireAnswer, WireRequest

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
    ("reply", "error"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", "closed before"),
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
