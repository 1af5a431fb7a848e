"""Control of proxies is the harness's alone: asked for by a token, or found out afterwards."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from typing import Any

import pytest
import requests

from harness.engines.journal import intruder_in
from harness.engines.proxies import Proxies
from harness.errors import WorldError
from harness.scenario.faults.toxics import Latency
from harness.toxiproxy.client import ToxiproxyClient
from harness.toxiproxy.locate import find_toxiproxy
from harness.toxiproxy.server import ProxyServer
from harness.toxiproxy.spec import ToxicSpec


def test_an_embedded_server_obeys_only_who_shows_its_token() -> None:
    with ProxyServer.embedded() as client:
        for headers in ({}, {"Authorization": "Bearer guess"}):
            for method, path in (("POST", "/reset"), ("GET", "/proxies"), ("GET", "/version")):
                answer = requests.request(method, client.url + path, headers=headers, timeout=5)
                assert answer.status_code == 401
        assert client.proxies() == ()


def changes() -> dict[str, Callable[[ToxiproxyClient], Any]]:
    return {
        "made a proxy": lambda client: client.create("more", "127.0.0.1:1"),
        "left auth's proxy closed": lambda client: client.disable("auth"),
        "had auth's proxy lead to": lambda client: client.set_upstream("auth", "127.0.0.1:2"),
        "changed the toxics": lambda client: client.add_toxic("auth", ToxicSpec(type="latency")),
        "changed the toxics of": lambda client: client.update_toxic(
            "auth", "f0_0_latency_downstream", {"latency": 5}
        ),
        "is gone": lambda client: client.delete("auth"),
    }


def test_what_somebody_else_changed_is_found_at_the_end() -> None:
    latency = Latency.model_validate({"fault": "latency", "upstream": "auth", "latency": "1s"})

    async def play(client: ToxiproxyClient, change: Callable[[ToxiproxyClient], Any]) -> None:
        async def restart() -> ToxiproxyClient:
            raise NotImplementedError

        proxies = Proxies(client, restart=restart)
        await proxies.create("auth", "127.0.0.1:1")
        await proxies.apply(0, latency)
        await proxies.check()
        change(client)
        await proxies.check()

    with ProxyServer.embedded() as client:
        for words, change in changes().items():
            with pytest.raises(WorldError, match=words):
                asyncio.run(play(client, change))
            for left in client.proxies():
                client.delete(left.name)


@pytest.mark.real_toxiproxy
def test_a_real_server_tells_who_changed_its_proxies() -> None:
    found = find_toxiproxy(os.environ.get("OUTAGE_TOXIPROXY", ""))
    if found is None or found.binary is None:
        if "toxiproxy" in os.environ.get("OUTAGE_REQUIRE", "").split(","):
            pytest.fail("OUTAGE_REQUIRE names toxiproxy, and there is none")
        pytest.skip("no real Toxiproxy: `outage doctor --install toxiproxy`")
    lines: list[dict[str, Any]] = []
    server = ProxyServer.real(found.binary, on_line=lambda at_s, record: lines.append(dict(record)))
    with server as client:
        client.create("auth", "127.0.0.1:1")
        requests.get(f"{client.url}/proxies", timeout=5)
        assert [i for each in lines if (i := intruder_in(each, client.agent))] == []
        requests.post(f"{client.url}/reset", timeout=5, headers={"User-Agent": "somebody"})
        until_s = time.monotonic() + 5
        while not (told := [i for each in lines if (i := intruder_in(each, client.agent))]):
            assert time.monotonic() < until_s, lines
            time.sleep(0.01)
    assert told == ["somebody else changed the proxies during the run (POST /reset, by 'somebody')"]
