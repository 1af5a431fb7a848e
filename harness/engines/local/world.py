"""One scenario's world on this machine: stubs, proxies and target, on ports of their own."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from harness.engines.accounts import Accounts
from harness.engines.base import Job, Progress, Report
from harness.engines.chronicle import Chronicle
from harness.engines.journal import event_of_line, intruder_in, shortage_in
from harness.engines.local.authority import Authority
from harness.engines.local.gateway import HOST, Gateway
from harness.engines.local.ports import HeldPorts
from harness.engines.local.proxy import OnLine, RunningProxy
from harness.engines.local.services import Services
from harness.engines.local.unanswered import UnansweredPort
from harness.engines.player import Player
from harness.engines.proxies import NOWHERE, Proxies
from harness.engines.reaper import Reaper
from harness.engines.redact import Redactor
from harness.engines.tasks import together
from harness.errors import WorldError
from harness.scenario.faults import FaultBase
from harness.target import Target

StartProxy = Callable[[OnLine], Awaitable[RunningProxy]]


FIRST_FIXED_PORT = 16001
_CALLS = ("Accepted client", "Request")
"""What a proxy's lines say when a call begins."""
_MARK = "-"
"""The name of a proxy that nobody but `told` uses; no upstream is called so."""
_TOLD_WITHIN_S = 10.0


def fixed_ports(target: Target) -> dict[str, int]:
    """Where the proxies listen for a target that already runs, and was wired to them beforehand."""
    names = tuple(dict.fromkeys((*target.contract.upstreams, *target.upstream_names)))
    return {name: FIRST_FIXED_PORT + index for index, name in enumerate(names)}


class World:
    """Builds the parts, brings faults into force in whichever part plays them, takes all down."""

    def __init__(
        self,
        job: Job,
        chronicle: Chronicle,
        reaper: Reaper,
        start_proxy: StartProxy,
        *,
        own_proxy: bool,
        on_call: Callable[[], None],
    ) -> None:
        """`own_proxy`: its proxy is started for it alone, by this account.

        `on_call` is called when the target calls an upstream.
        """
        self._job = job
        self._chronicle = chronicle
        self._start_proxy = start_proxy
        self._on_call = on_call
        self.look: Callable[[], Awaitable[None]] | None = None
        """Tells what its processes have waited by now; None where nobody watches."""
        self.redactor = Redactor.of_job(job)
        self.services = Services(job, chronicle, reaper, alone=own_proxy)
        self.gateway = Gateway(job, chronicle, reaper, self.redactor)
        self._server: RunningProxy | None = None
        self._proxies: Proxies | None = None
        self._ports = HeldPorts(HOST)
        self._held: dict[tuple[int, str], UnansweredPort] = {}
        self._marks: list[asyncio.Event] = []
        self._accounts = Accounts(lambda: self.proxy_ports, lambda: self.gateway.pids)

    async def start(self, report: Report) -> None:
        """Stubs and proxy server together, then proxies, then the target.

        Raises: WorldError.
        """
        report(Progress(doing="starting stubs and proxies"))
        asked = self._job.target.tls_files
        authority = Authority(self._job.folder / "tls") if asked else None
        server, _ = await together(self._start_server(), self.services.start(authority))
        prefix = f"{self._job.scenario.name}-{secrets.token_hex(3)}-" if server.shared else ""
        restart = None if server.shared else server.restart
        self._proxies = Proxies(server.client, prefix=prefix, restart=restart)
        fixed = fixed_ports(self._job.target) if self._job.target.url is not None else {}
        for name in self._job.target.upstream_names:
            await self._proxies.create(
                name,
                self._address(name),
                port=self._ports.hold(fixed.get(name, 0)),
                listeners=self.services.listeners_of(name),
            )
        report(Progress(doing=f"starting {self._job.target.name}"))
        await self.gateway.start(self._proxies.ports(), self._job.internal_token, authority)
        self.gateway.watch_status(self._job.target.upstream_names)

    async def _start_server(self) -> RunningProxy:
        # Kept at once, so that it is ended even if a stub doesn't come up meanwhile.
        self._server = await self._start_proxy(self._chronicle.guarded(self._on_journal))
        return self._server

    def _address(self, name: str) -> str:
        real = self._job.target.real_address(name)
        return real if real is not None else f"{HOST}:{self.services.port_of(name)}"

    def _on_journal(self, arrived_s: float, record: Mapping[str, Any]) -> None:
        if record.get("name") == _MARK:
            if record.get("message") == "Accepted client" and self._marks:
                self._marks.pop(0).set()
            return
        event = event_of_line(record, self._chronicle.of(record.get("at", arrived_s)))
        if record.get("message") in _CALLS:
            self._on_call()
        if wrong := self._accounts.stranger_in(record):
            self._chronicle.broke(WorldError(wrong))
        if event is not None:
            self._chronicle.record(event)
        elif wrong := shortage_in(record) or self._intruder(record):
            self._chronicle.broke(WorldError(wrong))

    def _intruder(self, record: Mapping[str, Any]) -> str | None:
        agent = None if self._server is None else self._server.client.agent
        return None if agent is None else intruder_in(record, agent)

    def alone_from_now(self) -> None:
        """Accounts that are not known to be the target's are no part of this world any more."""
        if wrong := self._accounts.begin():
            self._chronicle.broke(WorldError(wrong))

    def visited(self, uid: int) -> None:
        """An account has a connection to the target: this run's trouble, unless it is ours."""
        if wrong := self._accounts.visitor(uid):
            self._chronicle.broke(WorldError(wrong))

    def player(self, report: Report, *, spare_addresses: bool) -> Player:
        """What sends this world's traffic, when all of it is up."""
        return Player(
            self._job,
            chronicle=self._chronicle,
            report=report,
            redactor=self.redactor,
            address=self.gateway.address,
            spare_addresses=spare_addresses,
            exchange=self.gateway.exchange,
        )

    async def reload(self, target: Target) -> None:
        """Start the target anew as its file says now, at the same address where that is free.

        Raises: TargetError when it can't be started; nothing runs there then, until it can.
        """
        await self.gateway.restart(target)
        self.gateway.watch_status(self._job.target.upstream_names)

    def now(self) -> float:
        """The instant on the clock of what is recorded here, in seconds."""
        return self._chronicle.now()

    async def told(self) -> None:
        """Wait until all that has crossed the embedded proxy by now has been recorded.

        Its journal is in order: a connection of our own stands in it behind all that.
        Raises: WorldError when that doesn't come within 10 s.
        """
        assert self._proxies is not None
        if _MARK not in self._proxies.ports():
            await self._proxies.create(_MARK, NOWHERE)
        mark = asyncio.Event()
        self._marks.append(mark)
        _, writer = await asyncio.open_connection(HOST, self._proxies.ports()[_MARK])
        try:
            async with asyncio.timeout(_TOLD_WITHIN_S):
                await mark.wait()
        except TimeoutError:
            raise WorldError("the proxy's journal came to a halt", late=True) from None
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    def processes(self) -> dict[str, tuple[int, ...]]:
        """What ought to run now, by whose it is; may be asked from any thread."""
        server = self._server
        return {
            "target": self.gateway.pids,
            "stubs": self.services.pids,
            "proxy": () if server is None else server.pids,
        }

    @property
    def proxy_ports(self) -> dict[str, int]:
        """Where each upstream's proxy listens."""
        return {} if self._proxies is None else self._proxies.ports()

    @property
    def proxy_api(self) -> str:
        """The URL of the proxy server's API."""
        return "" if self._server is None else self._server.client.url

    @property
    def proxy_fields(self) -> dict[str, str]:
        """The header fields that it asks for: none but of an embedded one."""
        return {} if self._server is None else self._server.fields

    async def apply(self, index: int, fault: FaultBase) -> None:
        """Bring a fault into force, wherever it is played, on the upstreams that the target has."""
        assert self._proxies is not None
        fault = self._in_scope(fault)
        match fault.where:
            case "proxy":
                await self._proxies.apply(index, fault)
            case "stub":
                await self.services.behave(index, fault)
            case "connect":
                for name in fault.upstreams:
                    await self._hold(index, name)
            case "process":
                await together(*(self._strike(index, fault, n) for n in fault.upstreams))

    async def lift(self, index: int, fault: FaultBase) -> str | None:
        """End a fault; what it took beyond the plain way."""
        assert self._proxies is not None
        fault = self._in_scope(fault)
        match fault.where:
            case "proxy":
                return await self._proxies.lift(index, fault)
            case "stub":
                await self.services.stop_behaving(index, fault)
            case "connect":
                for name in fault.upstreams:
                    self._held.pop((index, name)).close()
                    await self._proxies.enable(index, name)
            case "process":
                await together(*(self._heal(index, fault, n) for n in fault.upstreams))
        return None

    async def check(self) -> None:
        """See that what stood between target and stubs until the end is still there.

        Raises: WorldError when it isn't, so that what was seen is not held against the target.
        """
        assert self._proxies is not None
        self.services.check()
        await self._proxies.check()

    def _in_scope(self, fault: FaultBase) -> FaultBase:
        names = self._job.target.upstream_names
        return fault.model_copy(
            update={"upstream": tuple(n for n in fault.upstreams if n in names)}
        )

    async def _hold(self, index: int, name: str) -> None:
        assert self._proxies is not None
        await self._proxies.disable(index, name)
        port = UnansweredPort(HOST, self._proxies.ports()[name])
        self._held[index, name] = port
        await port.fill()

    async def _strike(self, index: int, fault: FaultBase, name: str) -> None:
        assert self._proxies is not None
        kind: str = fault.fault
        if kind == "pause":
            self.services.pause(name)
            return
        await self.services.kill(name)
        if kind == "restart":
            await self.services.revive(name)
        else:
            await self._proxies.disable(index, name)  # a killed service refuses

    async def _heal(self, index: int, fault: FaultBase, name: str) -> None:
        assert self._proxies is not None
        kind: str = fault.fault
        if kind == "pause":
            self.services.resume(name)
        elif kind == "kill":
            await self.services.revive(name)
            await self._proxies.enable(index, name)

    async def stop(self) -> None:
        """Take everything down, the target first, so that it sees no fault that was not played."""
        for port in self._held.values():
            port.close()
        self._ports.close()
        await self.gateway.stop()
        await self.services.stop()
        if self._server is not None:
            if self._server.shared and self._proxies is not None:
                await self._proxies.delete_all()
            await self._server.stop()
