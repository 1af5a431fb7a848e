"""One scenario's world of containers: faults come into force in whichever part plays them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from harness.engines.base import Job, Progress, Report
from harness.engines.chronicle import Chronicle
from harness.engines.compose.layout import PROXY_PORTS, STUB_PORTS
from harness.engines.compose.place import Address, Place, Site
from harness.engines.compose.stubs import Stubs
from harness.engines.compose.vacancy import Vacancy
from harness.engines.journal import intruder_in
from harness.engines.local.gateway import Gateway
from harness.engines.marks import LogReader
from harness.engines.processes import LAST_LINES, ended
from harness.engines.proxies import Proxies
from harness.engines.reaper import Reaper
from harness.engines.redact import Redactor
from harness.engines.tasks import together
from harness.errors import TargetError, WorldError
from harness.history.events import Crossed, Logged
from harness.log_patterns import LONGEST_LINE
from harness.scenario.faults import FaultBase
from harness.target import Target
from harness.toxiproxy.client import ToxiproxyClient

_READY_WITHIN_S = 20.0
_KEPT_LINES = 100
_SIGNALLED = 128
"""A container's exit status beyond this is the number of the signal that ended it."""
_STARTS_AHEAD_S = 3.0
"""A killed service starts so long before its fault is lifted, unseen behind its closed proxy."""


class World:
    """Opens a site, tells its parts what to play, breaks and heals them, closes it."""

    def __init__(self, job: Job, chronicle: Chronicle) -> None:
        self._job = job
        self._chronicle = chronicle
        self._site: Site | None = None
        self._names = job.target.upstream_names
        self.redactor = Redactor.of_job(job)
        self._reader = LogReader(job.target, self.redactor)
        self.stubs = Stubs(job, chronicle)
        self.place: Place | None = None
        """Where everything is, once it has started."""
        self._gateway: Gateway | None = None
        self._proxies: Proxies | None = None
        self._held: dict[tuple[int, str], Vacancy] = {}
        self._revivals: dict[tuple[int, str], asyncio.Task[None]] = {}
        self._said: deque[str] = deque(maxlen=_KEPT_LINES)
        """What the gateway said last."""
        self._ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        """Its exit status, if it ended before it was ready."""
        self._is_ready = False

    async def start(self, site: Site, reaper: Reaper, report: Report) -> None:
        """Everything up, proxies made, the gateway ready.

        Raises: TargetError where it is the gateway that does not come up, WorldError.
        """
        self._site = site
        place = self.place = await site.open(self._job, report)
        report(Progress(doing="telling stubs and proxies"))
        guarded = self._chronicle.guarded
        await site.watch(
            guarded(self._on_line),
            guarded(self._on_accepted),
            guarded(self._on_end),
            self._chronicle.broke,
        )
        await together(
            self.stubs.start({name: place.stubs[name] for name in self._names}),
            self._make_proxies(place),
        )
        report(Progress(doing=f"waiting for {self._job.target.name}"))
        self._gateway = Gateway(
            job_at(self._job, place.gateway), self._chronicle, reaper, self.redactor
        )
        await self._ready(self._gateway)
        self._gateway.watch_status(self._names)

    async def _ready(self, gateway: Gateway) -> None:
        """Wait until it is ready, or has ended."""
        getting_ready = asyncio.ensure_future(gateway.start({}, self._job.internal_token))
        either: set[asyncio.Future[Any]] = {getting_ready, self._ended}
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if self._ended.done():
                name, status = self._job.target.name, self._ended.result()
                raise TargetError(
                    f"target {name!r} ended with exit status {status} before it was ready",
                    "\n".join(self._said),
                )
            await getting_ready
        except TargetError as error:
            raise TargetError(error.why, "\n".join(self._said), late=error.late) from None
        finally:
            getting_ready.cancel()
            await asyncio.wait({getting_ready})
        self._is_ready = True

    def _on_end(self, status: int, at_s: float) -> None:
        """The gateway ended by itself."""
        if not self._is_ready:
            self._ended.set_result(status)
            return
        by_signal = status > _SIGNALLED
        said = list(self._said)[-LAST_LINES:]
        self._chronicle.record(
            ended(_SIGNALLED - status if by_signal else status, self._chronicle.of(at_s), said)
        )

    async def _make_proxies(self, place: Place) -> None:
        client = self._client(place.toxiproxy)
        await asyncio.to_thread(client.wait_until_ready, _READY_WITHIN_S)
        for left in await asyncio.to_thread(client.proxies):  # by a scenario before this one
            await asyncio.to_thread(client.delete, left.name)
        restart = None if place.restart_proxies is None else self._restart_proxies
        self._proxies = Proxies(client, host="0.0.0.0", restart=restart)
        for name in self._names:
            upstream = f"{name}:{STUB_PORTS[name]}"
            await self._proxies.create(name, upstream, port=PROXY_PORTS[name])

    def _client(self, url: str) -> ToxiproxyClient:
        return ToxiproxyClient(url, token=self._job.control_token)

    async def _restart_proxies(self) -> ToxiproxyClient:
        assert self.place is not None
        assert self.place.restart_proxies is not None
        client = self._client(await self.place.restart_proxies())
        await asyncio.to_thread(client.wait_until_ready, _READY_WITHIN_S)
        return client

    def _on_line(self, service: str, line: str, at_s: float) -> None:
        at_s = self._chronicle.of(at_s)
        if service == "gateway":
            self._said.append(self.redactor.text(line[:LONGEST_LINE]))
            for event in self._reader.events(line, at_s):
                self._chronicle.record(event)
            return
        if service == "toxiproxy" and '"level":"debug"' in line:
            self._look_for_intruders(line)
            return
        text = self.redactor.text(line[:LONGEST_LINE])
        self._chronicle.record(Logged(at_s=at_s, by="engine", source=service, line=text))

    def _look_for_intruders(self, line: str) -> None:
        with contextlib.suppress(ValueError):
            agent = self._client("").agent
            if intruder := intruder_in(json.loads(line), agent):
                self._chronicle.broke(WorldError(intruder))

    def _on_accepted(self, upstream: str, number: int, at_s: float) -> None:
        at_s = self._chronicle.of(at_s)
        self._chronicle.record(
            Crossed(at_s=at_s, by="proxy", upstream=upstream, connection=number, what="accepted")
        )

    async def apply(self, index: int, fault: FaultBase) -> None:
        """Bring a fault into force, wherever it is played, on the upstreams that the target has.

        Raises: WorldError.
        """
        assert self._proxies is not None
        assert self.place is not None
        fault = self._in_scope(fault)
        match fault.where:
            case "proxy":
                await self._proxies.apply(index, fault)
            case "stub":
                await self.stubs.behave(index, fault)
            case "connect":
                for name in fault.upstreams:
                    await self._proxies.disable(index, name)
                    port = PROXY_PORTS[name]
                    self._held[index, name] = await Vacancy.hold(
                        self.place.vacancy, port, self._job.control_token
                    )
            case "process":
                await together(*(self._strike(index, fault, n) for n in fault.upstreams))

    async def lift(self, index: int, fault: FaultBase) -> str | None:
        """End a fault; what it took beyond the plain way.

        Raises: WorldError.
        """
        assert self._proxies is not None
        assert self.place is not None
        fault = self._in_scope(fault)
        match fault.where:
            case "proxy":
                return await self._proxies.lift(index, fault)
            case "stub":
                await self.stubs.stop_behaving(index, fault)
            case "connect":
                for name in fault.upstreams:
                    await self._held.pop((index, name)).close()
                    await self._proxies.enable(index, name)
            case "process":
                await together(*(self._heal(index, fault, n) for n in fault.upstreams))
        return None

    async def check(self) -> None:
        """See that what stood between target and stubs until the end is still there.

        Raises: WorldError when it isn't, so that what was seen is not held against the target.
        """
        assert self._proxies is not None
        await self._proxies.check()
        self.stubs.check()

    def _in_scope(self, fault: FaultBase) -> FaultBase:
        names = tuple(name for name in fault.upstreams if name in self._names)
        return fault.model_copy(update={"upstream": names})

    async def _strike(self, index: int, fault: FaultBase, name: str) -> None:
        assert self._proxies is not None
        assert self._site is not None
        kind: str = fault.fault
        await self._site.strike(kind, name)
        if kind == "kill":
            await self._proxies.disable(index, name)  # a killed service refuses
        if kind in ("kill", "restart"):
            starts_s = 0.0 if kind == "restart" else (fault.to or math.inf) - _STARTS_AHEAD_S
            self._revivals[index, name] = asyncio.create_task(self._revive(kind, name, starts_s))

    async def _revive(self, kind: str, name: str, at_s: float) -> None:
        """Start a stub again: at once, or so long before it is due as a container needs."""
        assert self._site is not None
        await self._chronicle.until(min(at_s, self._job.scenario.duration))
        await self.stubs.revived(name, await self._site.heal(kind, name))

    async def _heal(self, index: int, fault: FaultBase, name: str) -> None:
        assert self._proxies is not None
        assert self._site is not None
        kind: str = fault.fault
        if kind in ("kill", "restart"):
            await self._revivals.pop((index, name))
            if kind == "kill":
                await self._proxies.enable(index, name)
            return
        address: Address = await self._site.heal(kind, name)
        if kind == "disconnect":
            await self.stubs.reached_again(name, address)

    def processes(self) -> Mapping[str, Sequence[int]]:
        """What runs now as far as it can be seen, by whose it is; may be asked from any thread."""
        return {} if self._site is None else self._site.processes()

    async def stop(self) -> None:
        """End all lines, then everything else."""
        for held in self._held.values():
            await held.close()
        for revival in self._revivals.values():
            revival.cancel()
        await asyncio.gather(*self._revivals.values(), return_exceptions=True)
        if self._gateway is not None:
            await self._gateway.stop()
        await self.stubs.stop()
        if self._site is not None:
            await self._site.close()


def job_at(job: Job, address: Address) -> Job:
    """The same job with its target reached at an address instead of started here."""
    host, port = address
    target: Target = job.target.model_copy(update={"start": None, "url": f"http://{host}:{port}"})
    return replace(job, target=target)


def check_upstreams(target: Target) -> None:
    """Refuse what the containers of docker-compose.yml can't be.

    Raises: TargetError.
    """
    strangers = [name for name in target.upstream_names if name not in STUB_PORTS]
    if strangers:
        raise TargetError(
            f"--engine compose has containers for {', '.join(STUB_PORTS)} only; {target.name} "
            f"depends on {', '.join(strangers)} too: play it with --engine local"
        )
    if target.templates:
        raise TargetError(
            f"--engine compose starts the target's container, which gets no `start: files` "
            f"({', '.join(target.templates)}): put them into its image, or use --engine local"
        )
    placed = [name for name in target.placed_upstreams if name not in target.upstreams.values()]
    if placed:
        raise TargetError(
            f"--engine compose starts the target's container, which no place in `start:` reaches: "
            f"{', '.join(placed)} needs a variable under `upstreams:`, or use --engine local"
        )
    if target.tls_files:
        raise TargetError(
            f"{target.file or target.name}: the containers speak no TLS (`tls:`, "
            "`start: {tls: true}`): play it with --engine local"
        )
    if target.real:
        raise TargetError(
            f"{target.file or target.name}: `real:` services ({', '.join(target.real)}) can't be "
            "reached from the containers' network: play it with --engine local"
        )
