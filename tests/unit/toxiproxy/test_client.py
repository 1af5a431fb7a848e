"""The adapter over toxiproxy-python: several servers at once, deadlines, readable errors."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest
import toxiproxy.server

from harness.errors import WorldError
from harness.toxiproxy.client import ProxyServerError, ToxiproxyClient
from harness.toxiproxy.server import ProxyServer
from harness.toxiproxy.spec import ToxicSpec


@pytest.fixture(scope="module")
def clients() -> Iterator[tuple[ToxiproxyClient, ToxiproxyClient]]:
    with ProxyServer.embedded() as first, ProxyServer.embedded() as second:
        yield first, second


@pytest.fixture
def client(clients: tuple[ToxiproxyClient, ToxiproxyClient]) -> Iterator[ToxiproxyClient]:
    yield clients[0]
    for proxy in clients[0].proxies():
        clients[0].delete(proxy.name)


def test_a_proxys_whole_life(client: ToxiproxyClient) -> None:
    made = client.create("auth", "127.0.0.1:1")
    assert made.enabled
    assert made.port > 0
    client.add_toxic("auth", ToxicSpec(type="latency", attributes={"latency": 5}))
    client.update_toxic("auth", "latency_downstream", {"jitter": 2}, toxicity=0.5)
    assert client.toxics("auth") == (
        ToxicSpec(
            type="latency",
            name="latency_downstream",
            toxicity=0.5,
            attributes={"latency": 5, "jitter": 2},
        ),
    )
    assert not client.disable("auth").enabled
    assert client.enable("auth").port == made.port
    client.remove_toxic("auth", "latency_downstream")
    assert client.toxics("auth") == ()
    client.disable("auth")
    client.reset()
    assert client.proxies()[0].enabled
    client.delete("auth")
    assert client.proxies() == ()


def test_toxics_are_in_force_before_the_port_opens(client: ToxiproxyClient) -> None:
    hole = ToxicSpec(type="timeout", stream="upstream")
    made = client.create("auth", "127.0.0.1:1", toxics=[hole])
    assert made.enabled
    assert made.port > 0
    assert len(client.toxics("auth")) == 1


@pytest.mark.parametrize("name", ["a b", "a#b", "a?b", "ü%20"])
def test_names_are_quoted(client: ToxiproxyClient, name: str) -> None:
    client.create("a", "127.0.0.1:1")
    client.create(name, "127.0.0.1:1")
    client.add_toxic(name, ToxicSpec(type="noop", name=name))
    client.remove_toxic(name, name)
    client.disable(name)
    client.delete(name)
    assert [proxy.name for proxy in client.proxies()] == ["a"]


def test_errors_are_readable_and_of_one_kind(client: ToxiproxyClient) -> None:
    made = client.create("auth", "127.0.0.1:1")
    with pytest.raises(ProxyServerError, match="409 proxy already exists") as caught:
        client.create("auth", "127.0.0.1:1")
    assert caught.value.status == 409
    assert isinstance(caught.value, WorldError)
    with pytest.raises(ProxyServerError, match=r"500 listen tcp .* address already in use"):
        client.create("other", "127.0.0.1:1", listen=made.listen)
    with pytest.raises(ProxyServerError, match="404 toxic not found"):
        client.remove_toxic("auth", "none")
    with pytest.raises(ProxyServerError, match="400 invalid toxic type"):
        client.add_toxic("auth", ToxicSpec(type="nope"))
    with pytest.raises(ProxyServerError, match="404 proxy not found"):
        client.delete("none")


def test_servers_side_by_side_in_threads(
    clients: tuple[ToxiproxyClient, ToxiproxyClient],
) -> None:
    wrong: list[str] = []

    def work(client: ToxiproxyClient, prefix: str) -> None:
        for number in range(10):
            name = f"{prefix}{number}"
            client.create(name, "127.0.0.1:1")
            client.add_toxic(name, ToxicSpec(type="latency"))
            wrong.extend(p.name for p in client.proxies() if not p.name.startswith(prefix))
            client.remove_toxic(name, "latency_downstream")
            client.delete(name)

    threads = [
        threading.Thread(target=work, args=(client, prefix))
        for client, prefix in zip(clients, "xy", strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert wrong == []


def test_proxy_variables_are_ignored(
    client: ToxiproxyClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert client.version() == "2.12.0"


def test_every_call_has_a_deadline() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        client = ToxiproxyClient(f"http://127.0.0.1:{silent.getsockname()[1]}", timeout_s=0.2)
        begun_s = time.monotonic()
        with pytest.raises(ProxyServerError, match=r"no answer within 0\.2 s"):
            client.reset()
        assert time.monotonic() - begun_s < 2


def test_no_server_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(ProxyServerError, match=f"127.0.0.1:{port}.*no proxy server there"):
        ToxiproxyClient(f"http://127.0.0.1:{port}").wait_until_ready(0.1)


def test_the_library_by_itself_works_as_ever() -> None:
    library = toxiproxy.server.Toxiproxy()
    with ProxyServer.embedded(guarded=False) as client:
        host, _, port = client.url.removeprefix("http://").partition(":")
        library.update_api_consumer(host, int(port))
        made = library.create(upstream="127.0.0.1:1", name="by hand")
        assert library.get_proxy("by hand").listen == made.listen
        assert library.destroy(made)
