"""Stub services on real sockets, in a thread of the test's own process."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator

import requests

from stub_services import build
from stub_services.server import listen, port_of


class Served:
    def __init__(self, ports: dict[str, int], services: dict) -> None:
        self.ports = ports
        self._services = services

    def url(self, name: str, path: str = "") -> str:
        return f"http://127.0.0.1:{self.ports[name]}{path}"

    def put(self, name: str, path: str, value: object) -> requests.Response:
        return requests.put(self.url(name, f"/_stub/{path}"), json=value, timeout=5)

    def behave(self, name: str, behaviour: dict, key: str = "x") -> None:
        answer = self.put(name, f"behaviours/{key}", behaviour)
        assert answer.status_code == 200, answer.text

    def heal(self, name: str, key: str = "x") -> None:
        requests.delete(self.url(name, f"/_stub/behaviours/{key}"), timeout=5)

    def calls(self, name: str) -> int:
        """How many have come in; a call is recorded before it is answered."""
        records = tuple(self._services[name].recorder.records)
        return sum(record["kind"] == "call" for record in records)

    def ledger(self) -> dict:
        return requests.get(self.url("billing", "/_stub/ledger"), timeout=5).json()


@contextlib.contextmanager
def served(*names: str, **options: object) -> Iterator[tuple[Served, dict]]:
    """Addresses and services; read services only while nothing is in flight."""
    loop = asyncio.new_event_loop()
    services = build(names, **options)
    servers = loop.run_until_complete(listen(services, host="127.0.0.1", ports={}))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield Served({n: port_of(s) for n, s in servers.items()}, services), services
    finally:

        async def stop() -> None:
            for server in servers.values():
                server.close()

        asyncio.run_coroutine_threadsafe(stop(), loop).result(5)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        loop.close()
