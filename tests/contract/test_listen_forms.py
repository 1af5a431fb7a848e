"""Addresses to listen on that Go reads, spells or refuses otherwise than libc: the same on both."""

from __future__ import annotations

import random
import socket
from collections.abc import Iterator
from typing import Any

import pytest

ANY = "[::]"
REFUSED = {
    "*": "lookup *: no such host",
    "0": "lookup 0: no such host",
    "127.1": "lookup 127.1: no such host",
    "1.2.3": "lookup 1.2.3: no such host",
    "127.0.0.01": "lookup 127.0.0.01: no such host",
    "256.0.0.1": "lookup 256.0.0.1: no such host",
    "2130706433": "lookup 2130706433: no such host",
    "127.0.0.1%lo": "lookup 127.0.0.1%lo: no such host",
    "[::1%]": "lookup ::1%: no such host",
    "[00000::1]": "lookup 00000::1: no such host",
    "-x": "lookup -x: no such host",
    "a..b": "lookup a..b: no such host",
    "127.0.0.1 ": "lookup 127.0.0.1 : no such host",
    "127.0.0.\uff11": "lookup 127.0.0.\uff11: no such host",
    "::1": "address ::1:{port}: too many colons in address",
}
SHOWN = {
    "": ANY,
    "0.0.0.0": ANY,
    "[0.0.0.0]": ANY,
    "[::]": ANY,
    "[0:0::0]": ANY,
    "[::%lo]": ANY,
    "[::ffff:0.0.0.0]": ANY,
    "127.0.0.1": "127.0.0.1",
    "[127.0.0.1]": "127.0.0.1",
    "localhost": "127.0.0.1",
    "LOCALHOST": "127.0.0.1",
    "[::ffff:127.0.0.1]": "127.0.0.1",
    "[::ffff:7f00:1]": "127.0.0.1",
    "[::1]": "[::1]",
    "[0000::0001]": "[::1]",
    "[::1%lo]": "[::1]",
    "[::1%nope]": "[::1]",
}
"""What a host to listen on is shown as when it is bound, and `IN_USE` in an error."""
IN_USE = {
    "": "",
    "0.0.0.0": "0.0.0.0",
    "[::]": "0.0.0.0",
    "[0:0::0]": "0.0.0.0",
    "[::%lo]": "0.0.0.0",
    "[::ffff:0.0.0.0]": "0.0.0.0",
    "localhost": "127.0.0.1",
    "[::ffff:127.0.0.1]": "127.0.0.1",
    "[::ffff:127.0.0.1%lo]": "127.0.0.1%lo",
    "[::1]": "[::1]",
    "[::1%lo]": "[::1%lo]",
}


@pytest.fixture
def port() -> Iterator[int]:
    """One that nobody else asks for."""
    while True:
        port = random.randrange(20_000, 32_000)
        try:
            with socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True):
                pass
        except OSError:
            continue
        yield port
        return


def asked(api: Any, listen: str, name: str = "x") -> Any:
    body = {"name": name, "upstream": "127.0.0.1:9", "listen": listen}
    return api.call("POST", "/proxies", body)


@pytest.mark.parametrize("host", SHOWN)
def test_what_a_bound_address_is_shown_as(api: Any, port: int, host: str) -> None:
    reply = asked(api, f"{host}:{port}")
    assert reply.status == 201, reply
    shown = f"{SHOWN[host]}:{port}"
    assert reply.json["listen"] == shown
    body = [{"name": "x", "upstream": "127.0.0.1:9", "listen": f"{host}:{port}"}]
    assert api.call("POST", "/populate", body).json["proxies"][0]["listen"] == shown
    changed = api.call("PATCH", "/proxies/x", {"listen": f"{host}:{port}"})
    assert changed.json["listen"] == shown


@pytest.mark.parametrize("host", REFUSED)
def test_what_is_no_address(api: Any, port: int, host: str) -> None:
    error = REFUSED[host].replace("{port}", str(port))
    reply = asked(api, f"{host}:{port}")
    assert reply.json == {"error": f"listen tcp: {error}", "status": 500}
    assert asked(api, f"{host}:{port}").status == 500, "nothing was stored"
    stored = api.call(
        "POST", "/proxies",
        {"name": "d", "upstream": "127.0.0.1:9", "listen": f"{host}:{port}", "enabled": False},
    )  # fmt: skip
    assert stored.json["listen"] == f"{host}:{port}"
    assert api.call("PATCH", "/proxies/d", {"enabled": True}).json["error"] == error


@pytest.mark.parametrize("host", IN_USE)
def test_how_a_taken_address_is_named(api: Any, port: int, host: str) -> None:
    assert asked(api, f"[::]:{port}", name="first").status == 201
    error = f"listen tcp {IN_USE[host]}:{port}: bind: address already in use"
    assert asked(api, f"{host}:{port}").json["error"] == error


def test_a_number_that_libc_reads_is_a_name(api: Any, port: int) -> None:
    """`lookup-message`: no name server knows it, and only the real one names that server."""
    reply = asked(api, f"0x7f000001:{port}")
    assert reply.status == 500
    assert reply.json["error"].startswith("listen tcp: lookup 0x7f000001")


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (" 80", "lookup tcp/ 80: unknown port"),
        ("0x50", "lookup tcp/0x50: unknown port"),
        ("\u0668\u0660", "lookup tcp/\u0668\u0660: unknown port"),
        ("-1", "address -1: invalid port"),
        ("99999999999999999999", "address 99999999999999999999: invalid port"),
    ],
)
def test_ports(api: Any, text: str, error: str) -> None:
    assert asked(api, f"127.0.0.1:{text}").json["error"] == f"listen tcp: {error}"


def test_a_port_with_a_sign(api: Any, port: int) -> None:
    assert asked(api, f"127.0.0.1:+{port}").json["listen"] == f"127.0.0.1:{port}"
