"""A target behind https: its certificate is verified, for its name, against whom the file names."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import pytest

from harness.engines.client import over_tls
from harness.engines.requests import WireAnswer, WireRequest
from harness.errors import InvalidFile
from harness.target.loading import parse_target

PEM = Path(__file__).parents[2] / "certificates" / "localhost.pem"
GET = WireRequest(method="GET", path="/")


def ask(trusted: ssl.SSLContext, *, host: str = "127.0.0.1", tls: bool = True) -> WireAnswer:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        writer.close()

    async def run() -> WireAnswer:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(PEM)
        server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context if tls else None)
        port = server.sockets[0].getsockname()[1]
        try:
            return await asyncio.wait_for(over_tls(trusted)(host, port, GET), 10)
        finally:
            server.close()

    return asyncio.run(run())


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_whom_the_file_trusts_is_spoken_to(host: str) -> None:
    answer = ask(ssl.create_default_context(cafile=PEM), host=host)
    assert (answer.status, answer.body, answer.error) == (200, b"ok", None)


def test_nobody_else_is() -> None:
    answer = ask(ssl.create_default_context())
    assert answer.status is None
    assert answer.error is not None
    assert answer.error.startswith("certificate not trusted: self")


def test_what_speaks_no_tls_is_named() -> None:
    answer = ask(ssl.create_default_context(cafile=PEM), tls=False)
    assert answer.status is None
    assert answer.error is not None
    assert answer.error.startswith("no TLS there")


def target(**fields: str) -> str:
    return "name: t\n" + "".join(f"{key}: {value}\n" for key, value in fields.items())


def test_where_a_target_is(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_bytes(PEM.read_bytes())
    file = str(tmp_path / "t.yaml")
    plain = parse_target(target(url="http://127.0.0.1"), file)
    assert (plain.address, plain.over_tls) == (("127.0.0.1", 80), False)
    secret = parse_target(target(url="https://localhost/", ca="ca.pem"), file)
    assert (secret.address, secret.over_tls) == (("localhost", 443), True)
    assert secret.ca_file == tmp_path / "ca.pem"
    assert parse_target(target(url="https://[::1]:8443"), file).address == ("::1", 8443)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"url": "https://localhost", "ca": "none.pem"}, "none.pem can't be read: No such file"),
        ({"url": "https://localhost", "ca": "t.yaml"}, "t.yaml holds no certificates in PEM form"),
        ({"url": "https://localhost", "ca": "."}, "can't be read"),
        ({"url": "http://localhost", "ca": "t.yaml"}, "whose `url` begins with https://"),
        ({"start": "{wsgi: 'a:b'}", "ca": "t.yaml"}, "whose `url` begins with https://"),
        ({"url": "http://localhost/api"}, "no more than scheme, host and port"),
        ({"url": "http://me:secret@localhost"}, "no more than scheme, host and port"),
    ],
)
def test_what_is_refused(tmp_path: Path, fields: dict[str, str], said: str) -> None:
    text = target(**fields)
    (tmp_path / "t.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(InvalidFile, match=r"t\.yaml:") as refused:
        parse_target(text, str(tmp_path / "t.yaml"))
    assert said in str(refused.value)
