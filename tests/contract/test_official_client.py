"""toxiproxy-python, as its users write it, against both servers."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest
from toxiproxy import Toxiproxy
from toxiproxy.exceptions import InvalidToxic, NotFound, ProxyExists
from toxiproxy.server import APIConsumer

HOST = "127.0.0.1"


@pytest.fixture
def library(api: Any) -> Iterator[Toxiproxy]:
    """The library pointed at the server under test; its address is one for the whole process."""
    before = APIConsumer.host, APIConsumer.port
    library = Toxiproxy()
    library.update_api_consumer(HOST, api.port)
    yield library
    library.update_api_consumer(*before)


def test_life_of_a_proxy(library: Toxiproxy) -> None:
    assert library.running()
    assert b'"version"' in library.version()
    made = library.create(upstream="127.0.0.1:1", name="auth")
    assert made.listen.startswith(f"{HOST}:")
    assert library.get_proxy("auth").listen == made.listen
    made.add_toxic(type="latency", attributes={"latency": 100, "jitter": 10}, toxicity=0.5)
    toxic = made.get_toxic("latency_downstream")
    assert (toxic.attributes, toxic.toxicity) == ({"latency": 100, "jitter": 10}, 0.5)
    made.destroy_toxic("latency_downstream")
    assert made.toxics() == {}
    assert library.destroy(made)
    assert library.proxies() == {}


def test_down_refuses_and_comes_back(library: Toxiproxy) -> None:
    made = library.create(upstream="127.0.0.1:1", name="auth")
    address = (HOST, int(made.listen.rpartition(":")[2]))
    with made.down(), pytest.raises(ConnectionRefusedError):
        socket.create_connection(address, timeout=2)
    socket.create_connection(address, timeout=2).close()
    made.disable()
    assert library.reset()
    assert library.get_proxy("auth").enabled


def test_errors(library: Toxiproxy) -> None:
    made = library.create(upstream="127.0.0.1:1", name="auth")
    with pytest.raises(ProxyExists):
        library.create(upstream="127.0.0.1:1", name="auth")
    with pytest.raises(InvalidToxic):
        made.add_toxic(type="nope")
    with pytest.raises(NotFound):
        made.destroy_toxic("none")
    with pytest.raises(KeyError):
        library.create(upstream="127.0.0.1:1", name="other", listen=made.listen)


def test_populate(library: Toxiproxy) -> None:
    entries = [
        {"name": name, "upstream": "127.0.0.1:1", "listen": "127.0.0.1:0"} for name in ("a", "b")
    ]
    assert [proxy.name for proxy in library.populate(entries)] == ["a", "b"]
    library.destroy_all()
    assert library.proxies() == {}
