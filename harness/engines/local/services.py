"""The stub services of one world: processes on ports of their own, and the harness's lines to them.

One process plays all stubs but those that a process fault (kill, pause, restart) names: each of
those has a process of its own, so that the fault hits nobody else.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from harness.control import TOKEN
from harness.engines.base import Job
from harness.engines.chronicle import Chronicle
from harness.engines.local.authority import Authority
from harness.engines.processes import Child
from harness.engines.reaper import Reaper
from harness.engines.records import event_of_record
from harness.engines.services import behaviour, routes_json, users_json
from harness.engines.stub_link import StubLink
from harness.engines.tasks import together
from harness.errors import WorldError
from harness.history.events import Trouble
from harness.scenario.faults import KINDS, FaultBase
from harness.scenario.faults.certificate import SHOWN

HOST = "127.0.0.1"
_READY_WITHIN_S = 20.0
_QUIET_S = 0.05


class _Tls(Struct):
    """One listener of a stub by which its callers come, where it speaks TLS."""

    certificate: Path
    key: Path
    port: int = 0


_GOOD = "good"
"""What the certificate of a stub is in health."""


class Services:
    """Starts, tells, breaks and stops the stubs of one world."""

    def __init__(self, job: Job, chronicle: Chronicle, reaper: Reaper, *, alone: bool) -> None:
        """`alone`: only this account's processes call the stubs, such as a proxy of this world."""
        self._alone_here = ["--alone"] if alone else []
        self._job = job
        self._chronicle = chronicle
        self._reaper = reaper
        self._children: dict[str, Child] = {}
        self._paused: set[str] = set()
        self._tls: dict[str, dict[str, _Tls]] = {}
        """By stub, then by what its certificate is."""
        self._last_record_s = time.monotonic()
        self._charges: dict[str, list[dict[str, Any]]] = {}
        self.links: dict[str, StubLink] = {}
        self._behaviours: dict[str, tuple[tuple[str, ...], dict[str, Any]]] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """The upstreams that are stubs here: the target's, less those that are real."""
        target = self._job.target
        return tuple(name for name in target.upstream_names if name not in target.real)

    @property
    def pids(self) -> tuple[int, ...]:
        """The processes that ought to run now; may be asked from any thread."""
        children = {
            child for name, child in tuple(self._children.items()) if name not in self._paused
        }
        return tuple(child.pid for child in children if child.exit_status is None)

    @property
    def _alone(self) -> set[str]:
        """Those that a process fault strikes: each has a process of its own."""
        return {
            name
            for fault in self._job.scenario.faults
            if KINDS[fault.fault].where == "process"
            for name in fault.upstreams
        }

    def port_of(self, name: str) -> int:
        """Where a stub takes calls."""
        tls = self._tls.get(name)
        return self.links[name].port if tls is None else tls[_GOOD].port

    def listeners_of(self, name: str) -> dict[str, str]:
        """Where a stub shows certificates that nobody may accept, by what is wrong with them."""
        listeners = self._tls.get(name, {}).items()
        return {shown: f"{HOST}:{tls.port}" for shown, tls in listeners if shown != _GOOD}

    async def start(self, authority: Authority | None = None) -> None:
        """Start all, tell them users and routes, and begin to receive their records.

        `authority`: who vouches for those that speak TLS.

        Raises: WorldError when one doesn't come up.
        """
        if authority is not None:
            named = (name for name in self.names if name in self._job.target.tls)
            self._tls = {
                name: {shown: _Tls(*authority.issue(name, shown)) for shown in (_GOOD, *SHOWN)}
                for name in named
            }
        alone = self._alone
        shared = [name for name in self.names if name not in alone]
        groups = [shared] if shared else []
        groups += [[name] for name in self.names if name in alone]
        ports = await together(*(self._start_group(group) for group in groups))
        for found in ports:
            for name, port in found.items():
                take = self._chronicle.guarded(self._take)
                self.links[name] = StubLink(name, HOST, port, take, token=self._job.control_token)
        await together(*(self._tell(name) for name in self.names))

    async def _start_group(
        self, names: Sequence[str], ports: dict[str, int] | None = None
    ) -> dict[str, int]:
        ready: asyncio.Future[dict[str, int]] = asyncio.get_running_loop().create_future()

        def on_line(line: str) -> None:
            if line.startswith('{"ready"') and not ready.done():
                told = json.loads(line)
                for listener, port in told.get("tls", {}).items():
                    name, _, shown = listener.partition("/")
                    self._tls[name][shown].port = port
                ready.set_result(told["ready"])
            elif line.startswith('{"trouble"'):
                trouble = json.loads(line)["trouble"]
                self._chronicle.broke(WorldError(f"the stub of {', '.join(names)}: {trouble}"))

        words = [sys.executable, "-m", "stub_services", *names, *self._alone_here]
        for name, port in (ports or dict.fromkeys(names, 0)).items():
            words += ["--port", f"{name}={port}"]
        for name in (name for name in names if name in self._tls):
            for shown, tls in self._tls[name].items():
                words += ["--tls", f"{name}/{shown}={tls.port}:{tls.certificate}:{tls.key}"]
        child = await Child.start(
            f"the stub of {', '.join(names)}",
            words,
            reaper=self._reaper,
            on_line=self._chronicle.guarded(on_line),
            env={
                "INTERNAL_SERVICE_TOKEN": self._job.internal_token,
                TOKEN: self._job.control_token,
            },
        )
        for name in names:
            self._children[name] = child
        ended = asyncio.create_task(child.wait())
        first: set[asyncio.Future[Any]] = {ready, ended}
        await asyncio.wait(first, timeout=_READY_WITHIN_S, return_when=asyncio.FIRST_COMPLETED)
        if ready.done():
            ended.add_done_callback(lambda _: self._on_end(child))
            return ready.result()
        ended.cancel()
        late = child.exit_status is None
        await child.kill()
        why = "was not ready in time" if late else "ended at once"
        raise WorldError(f"{child.name} {why}:{child.last_words()}", late=late)

    def _on_end(self, child: Child) -> None:
        if not child.stopping:
            status = child.exit_status
            what = f"{child.name} died (exit status {status}){child.last_words()}"
            self._chronicle.record(Trouble(at_s=self._chronicle.now(), by="engine", what=what))

    async def _tell(self, name: str) -> None:
        link = self.links[name]
        await link.put("users", users_json(self._job.target))
        if routes := routes_json(self._job.target, name):
            await link.put("routes", routes)
        await link.listen()

    def _take(self, record: dict[str, Any]) -> None:
        self._last_record_s = time.monotonic()
        if record.get("kind") == "charge" and not record["duplicate"]:
            charge = {name: record[name] for name in ("job_id", "user_id", "cost")}
            self._charges.setdefault(record["service"], []).append(charge)
        if "at" in record:
            event = event_of_record(record, self._chronicle.of(record["at"]))
            if event is not None:
                self._chronicle.record(event)

    async def settled(self) -> None:
        """Wait until no record has come for a moment."""
        await asyncio.sleep(_QUIET_S)
        while time.monotonic() - self._last_record_s < _QUIET_S:
            await asyncio.sleep(_QUIET_S / 2)

    def check(self) -> None:
        """See that what the stubs saw has come in to the end.

        Raises: WorldError for one whose records ended although no fault struck it.
        """
        for name, link in self.links.items():
            if link.lost is not None and name not in self._alone:
                raise WorldError(f"the {name} stub's records ended early: {link.lost}")

    # Faults

    async def behave(self, index: int, fault: FaultBase) -> None:
        """Play a fault inside the stubs that it names.

        Raises: WorldError when a stub doesn't take it.
        """
        value = behaviour(fault, seed=self._job.seed + index)
        key = f"behaviours/f{index}"
        self._behaviours[key] = (fault.upstreams, value)
        await together(*(self.links[name].put(key, value) for name in fault.upstreams))

    async def stop_behaving(self, index: int, fault: FaultBase) -> None:
        """End a fault inside the stubs.

        Raises: WorldError when a stub doesn't take it.
        """
        key = f"behaviours/f{index}"
        self._behaviours.pop(key, None)
        await together(*(self.links[name].delete(key) for name in fault.upstreams))

    async def kill(self, name: str) -> None:
        """SIGKILL to the stub's process; what it recorded before is kept."""
        await self._children[name].kill()

    async def revive(self, name: str) -> None:
        """Start the stub again, on its old port.

        Raises: WorldError when it doesn't come up.
        """
        link = self.links[name]
        await link.close()
        link.restarted()
        await self._start_group([name], {name: link.port})
        await self._tell(name)
        if charges := self._charges.get(name):
            await link.put("ledger", charges)  # a database outlives the process that writes to it
        for key, (names, value) in self._behaviours.items():
            if name in names:
                await link.put(key, value)

    def pause(self, name: str) -> None:
        """SIGSTOP: the process holds its connections and answers nothing."""
        self._paused.add(name)
        self._children[name].signal(signal.SIGSTOP)

    def resume(self, name: str) -> None:
        """SIGCONT."""
        self._children[name].signal(signal.SIGCONT)
        self._paused.discard(name)

    async def stop(self) -> None:
        """End all processes and lines."""
        await together(*(link.close() for link in self.links.values()))
        children = set(self._children.values())
        await together(*(child.kill() for child in children))
