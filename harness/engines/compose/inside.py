"""The project from inside: what the `harness` container plays on, without a Docker socket."""

from __future__ import annotations

import asyncio
import contextlib

from harness.engines.base import Job, Progress, Report
from harness.engines.compose.layout import (
    API_PORT,
    GATEWAY_PORT,
    KEEPER_PORT,
    STUB_PORTS,
    VACANCY_PORT,
)
from harness.engines.compose.place import Address, OnAccepted, OnEnd, OnLine, OnLost, Place
from harness.engines.compose.sight import ProxySight
from harness.engines.tasks import together
from harness.errors import WorldError

INSIDE = "OUTAGE_INSIDE_COMPOSE"
"""Environment variable that docker-compose.yml sets for the harness's container."""
_HERE = "127.0.0.1"
"""The gateway: the harness shares its network."""
_OBEYED_WITHIN_S = 10.0
_ORDERS = {"kill": "kill", "restart": "kill", "pause": "pause"}
_COUNTER_ORDERS = {"kill": "start", "restart": "start", "pause": "resume"}


class InsideSite:
    """The one running project; gateway and stubs are started afresh for each job."""

    def __init__(self, token: str) -> None:
        self._token = token
        """What keepers of stubs ask for; the gateway's own asks for nothing."""
        self._sight: ProxySight | None = None

    async def open(self, job: Job, report: Report) -> Place:
        """Fresh stubs, then a fresh gateway.

        Raises: WorldError.
        """
        report(Progress(doing="restarting gateway and stubs"))
        await together(*(order(name, "restart", self._token) for name in STUB_PORTS))
        fresh = await _has_keeper(_HERE)
        if fresh:
            await order(_HERE, "restart")
        self._sight = await ProxySight.open()
        return Place(
            gateway=(_HERE, GATEWAY_PORT),
            doorway=None,
            stubs={name: (name, port) for name, port in STUB_PORTS.items()},
            vacancy=("toxiproxy", VACANCY_PORT),
            toxiproxy=f"http://toxiproxy:{API_PORT}",
            fresh=fresh,
            evidence=() if self._sight is None else ("proxy connections",),
        )

    async def watch(
        self, on_line: OnLine, on_accepted: OnAccepted, on_end: OnEnd, on_lost: OnLost
    ) -> None:
        """Pass on the connections that the proxies accept; nothing else shows from here."""
        if self._sight is not None:
            self._sight.begin(on_accepted)

    def processes(self) -> dict[str, tuple[int, ...]]:
        """None: other containers' processes are out of sight from inside one."""
        return {}

    async def strike(self, kind: str, service: str) -> None:
        """Ask a stub's keeper to kill or pause it.

        Raises: WorldError.
        """
        await order(service, _ORDERS[kind], self._token)

    async def heal(self, kind: str, service: str) -> Address:
        """Ask a stub's keeper to bring it back.

        Raises: WorldError.
        """
        await order(service, _COUNTER_ORDERS[kind], self._token)
        return service, STUB_PORTS[service]

    async def close(self) -> None:
        """Bring back whatever is still down, so that the next scenario finds it."""
        if self._sight is not None:
            self._sight.close()
        with contextlib.suppress(WorldError):
            await together(*(order(name, "resume", self._token) for name in STUB_PORTS))


async def _has_keeper(host: str) -> bool:
    """Whether it can be restarted: a gateway of somebody's own may have come without."""
    try:
        _, writer = await asyncio.open_connection(host, KEEPER_PORT)
    except OSError:
        return False
    writer.close()
    return True


async def order(host: str, word: str, token: str = "") -> None:
    """Have the keeper of a container do something to what it keeps (containers/keeper.py).

    Raises: WorldError when it isn't done.
    """
    try:
        reader, writer = await asyncio.wait_for(
            asyncio.open_connection(host, KEEPER_PORT), _OBEYED_WITHIN_S
        )
        try:
            writer.write(f"{token} {word}\n".lstrip().encode())
            said = (await asyncio.wait_for(reader.readline(), _OBEYED_WITHIN_S)).decode().strip()
        finally:
            writer.close()
    except (OSError, TimeoutError) as error:
        raise WorldError(
            f"the keeper at {host}:{KEEPER_PORT} doesn't answer: {error}", late=True
        ) from error
    if said != "done":
        raise WorldError(f"the keeper at {host}:{KEEPER_PORT} did not {word}: {said}")
