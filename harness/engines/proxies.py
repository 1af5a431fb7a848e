"""Network faults on a Toxiproxy server, embedded or real, over its HTTP API.

Several faults may overlap on one proxy: each adds toxics under names of its own, and a proxy stays
disabled, or cut off, until the last fault that wants it so is lifted. Lifting has a deadline and
escalates (design decision 8): lift, delete the proxy and make it anew, restart the server.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from harness.engines.network import ProxyPlan, plan
from harness.engines.tasks import together
from harness.errors import WorldError
from harness.scenario.faults import FaultBase
from harness.toxiproxy.client import ToxiproxyClient
from harness.toxiproxy.spec import ToxicSpec

LIFT_WITHIN_S = 2.0
NOWHERE = "127.0.0.1:1"
"""An upstream where nobody listens."""
RestartServer = Callable[[], Awaitable[ToxiproxyClient]]
"""Ends the proxy server, whatever state it is in, and starts it again without any proxies."""


class _Proxy(Struct):
    """One upstream's proxy and what is wrong with it."""

    upstream: str
    port: int
    disabled_by: set[int] = field(default_factory=set)
    cut_off_by: set[int] = field(default_factory=set)
    toxics: dict[int, tuple[ToxicSpec, ...]] = field(default_factory=dict)
    listeners: Mapping[str, str] = field(default_factory=dict)
    diverted_by: dict[int, str] = field(default_factory=dict)

    @property
    def leads_to(self) -> str:
        """Where it is to lead now."""
        if self.cut_off_by:
            return NOWHERE
        diverted = next(reversed(self.diverted_by.values()), None)
        return self.upstream if diverted is None else self.listeners[diverted]

    def forget(self, index: int) -> None:
        """What fault `index` did is gone with the proxy on the server."""
        self.toxics.pop(index, None)
        self.disabled_by.discard(index)
        self.cut_off_by.discard(index)
        self.diverted_by.pop(index, None)


class Proxies:
    """The proxies of one world, one for each upstream, named as the upstream is.

    `restart` is None for a server that others use too.
    """

    def __init__(
        self,
        client: ToxiproxyClient,
        *,
        host: str = "127.0.0.1",
        prefix: str = "",
        restart: RestartServer | None = None,
    ) -> None:
        self._client = client
        self._restart = restart
        self._host = host
        self._prefix = prefix
        self._proxies: dict[str, _Proxy] = {}
        self._plans: dict[int, ProxyPlan] = {}

    async def create(
        self,
        upstream: str,
        address: str,
        *,
        port: int = 0,
        listeners: Mapping[str, str] | None = None,
    ) -> int:
        """Make the proxy of one upstream, on a free port unless one is given; the port.

        `listeners` are further addresses of the upstream, to which a fault may divert it.

        Raises: WorldError.
        """
        made = await asyncio.to_thread(
            self._client.create, self._name(upstream), address, listen=f"{self._host}:{port}"
        )
        self._proxies[upstream] = _Proxy(
            upstream=address, port=made.port, listeners=listeners or {}
        )
        return made.port

    def _name(self, upstream: str) -> str:
        return f"{self._prefix}{upstream}"

    def ports(self) -> dict[str, int]:
        """Where each upstream's proxy listens."""
        return {name: proxy.port for name, proxy in self._proxies.items()}

    async def apply(self, index: int, fault: FaultBase) -> None:
        """Bring fault number `index` into force on its upstreams.

        Raises: WorldError.
        """
        self._plans[index] = plan(fault)
        await together(*(self._apply(index, name) for name in fault.upstreams))

    async def _apply(self, index: int, name: str) -> None:
        wanted, proxy = self._plans[index], self._proxies[name]
        if wanted.disabled:
            await self.disable(index, name)
        if wanted.cut_off:
            proxy.cut_off_by.add(index)
            await self._lead(name)
        if wanted.diverted:
            if wanted.diverted not in proxy.listeners:
                raise WorldError(f"the stub of {name} speaks no TLS, and shows no certificate")
            proxy.diverted_by[index] = wanted.diverted
            await self._lead(name)
        for number, toxic in enumerate(wanted.toxics):
            named = replace(toxic, name=f"f{index}_{number}_{toxic.type}_{toxic.stream}")
            await asyncio.to_thread(self._client.add_toxic, self._name(name), named)
            proxy.toxics[index] = (*proxy.toxics.get(index, ()), named)

    async def _lead(self, name: str) -> None:
        """Have a proxy lead where it is to lead now."""
        where = self._proxies[name].leads_to
        await asyncio.to_thread(self._client.set_upstream, self._name(name), where)

    async def disable(self, index: int, name: str) -> None:
        """Close one proxy's port on behalf of fault `index`; its clients are refused.

        Raises: WorldError.
        """
        self._proxies[name].disabled_by.add(index)
        await asyncio.to_thread(self._client.disable, self._name(name))

    async def enable(self, index: int, name: str) -> None:
        """Take back `disable`, unless another fault still wants the port closed.

        Raises: WorldError.
        """
        proxy = self._proxies[name]
        proxy.disabled_by.discard(index)
        if not proxy.disabled_by:
            await asyncio.to_thread(self._client.enable, self._name(name))

    async def lift(self, index: int, fault: FaultBase) -> str | None:
        """End fault number `index`; what it took beyond the plain way.

        Raises: WorldError when nothing ends it.
        """
        try:
            escalated = await together(*(self._lift(index, name) for name in fault.upstreams))
        except WorldError as error:
            if self._restart is None:
                raise
            await self._start_anew(index, fault, self._restart)
            return f"the proxy server was restarted ({error})"
        return "; ".join(filter(None, escalated)) or None

    async def _lift(self, index: int, name: str) -> str | None:
        why = await self._failure_of(self._lift_plainly(index, name))
        if why is None:
            return None
        more = await self._failure_of(self._replace(index, name))
        if more is not None:
            raise WorldError(
                f"{name}'s proxy could neither be changed ({why}) nor deleted ({more})"
            )
        return f"{name}'s proxy was deleted and made anew ({why})"

    async def _failure_of(self, work: Coroutine[Any, Any, None]) -> str | None:
        """Why it did not succeed within the deadline; None when it did."""
        try:
            async with asyncio.timeout(LIFT_WITHIN_S):
                await work
        except TimeoutError:
            return f"no answer in {LIFT_WITHIN_S:g} s"
        except WorldError as error:
            return str(error)
        return None

    async def _lift_plainly(self, index: int, name: str) -> None:
        wanted, proxy = self._plans[index], self._proxies[name]
        for toxic in proxy.toxics.pop(index, ()):
            await asyncio.to_thread(self._client.remove_toxic, self._name(name), toxic.name)
        if wanted.cut_off:
            proxy.cut_off_by.discard(index)
            if not proxy.cut_off_by:
                await self._lead(name)
        if wanted.diverted:
            proxy.diverted_by.pop(index, None)
            await self._lead(name)
        if wanted.disabled:
            await self.enable(index, name)

    async def check(self) -> None:
        """See that the server has every proxy as this left it, and on one of our own no other.

        Raises: WorldError when something else happened to one, or to the server.
        """
        there = {proxy.name: proxy for proxy in await asyncio.to_thread(self._client.proxies)}
        strangers = there.keys() - {self._name(name) for name in self._proxies}
        if strangers and self._restart is not None:
            raise WorldError(
                f"somebody else made a proxy {min(strangers)!r} on this world's server"
            )
        for name, proxy in self._proxies.items():
            found = there.get(self._name(name))
            if found is None:
                raise WorldError(f"{name}'s proxy is gone from its server: was that restarted?")
            if found.enabled == bool(proxy.disabled_by):
                state = "open" if found.enabled else "closed"
                raise WorldError(f"somebody else left {name}'s proxy {state}")
            if found.upstream != proxy.leads_to:
                raise WorldError(f"somebody else had {name}'s proxy lead to {found.upstream}")
            ours = [toxic for toxics in proxy.toxics.values() for toxic in toxics]
            if sorted(map(_put, found.toxics)) != sorted(map(_put, ours)):
                raise WorldError(f"somebody else changed the toxics of {name}'s proxy")

    async def delete_all(self) -> None:
        """Take the proxies off a server that stays."""
        for name in self._proxies:
            with contextlib.suppress(WorldError):
                await asyncio.to_thread(self._client.delete, self._name(name))

    async def _replace(self, index: int, name: str) -> None:
        """Delete the proxy with all that hangs on it, and make it anew on the same port."""
        self._proxies[name].forget(index)
        with contextlib.suppress(WorldError):
            await asyncio.to_thread(self._client.delete, self._name(name))
        await self._make_again(name)

    async def _make_again(self, name: str) -> None:
        """A proxy that the server lost, on its old port, with the faults in force on it."""
        proxy = self._proxies[name]
        await asyncio.to_thread(
            self._client.create,
            self._name(name),
            proxy.leads_to,
            listen=f"{self._host}:{proxy.port}",
            toxics=[toxic for toxics in proxy.toxics.values() for toxic in toxics],
            enabled=not proxy.disabled_by,
        )

    async def _start_anew(self, index: int, fault: FaultBase, restart: RestartServer) -> None:
        """A new server with all proxies, the other faults in force on them."""
        for name in fault.upstreams:
            self._proxies[name].forget(index)
        self._client = await restart()
        await together(*(self._make_again(name) for name in self._proxies))


def _put(toxic: ToxicSpec) -> tuple[str, str, str, float, tuple[tuple[str, int], ...]]:
    """A toxic as it was put there; attributes that were left out are 0 on the server."""
    attributes = tuple(sorted((name, value) for name, value in toxic.attributes.items() if value))
    return toxic.full_name, toxic.type, toxic.stream, toxic.toxicity, attributes
