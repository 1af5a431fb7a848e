"""The stubs of a project: told what to play, listened to, their clocks related to the harness's."""

from __future__ import annotations

import asyncio
import math
import time
from collections import Counter
from collections.abc import Mapping
from typing import Any

from harness.engines.base import Job
from harness.engines.chronicle import Chronicle
from harness.engines.compose.place import Address
from harness.engines.records import event_of_record
from harness.engines.services import behaviour, routes_json, users_json
from harness.engines.stub_link import StubLink
from harness.engines.tasks import together
from harness.errors import WorldError
from harness.scenario.faults import FaultBase

_READY_WITHIN_S = 20.0
_POLL_S = 0.1
_QUIET_S = 0.05
_CLOCK_LOOKS = 5


class Stubs:
    """The harness's lines to all stubs of one world."""

    def __init__(self, job: Job, chronicle: Chronicle) -> None:
        self._job = job
        self._chronicle = chronicle
        self._links: dict[str, StubLink] = {}
        self._offset_s = 0.0
        self._behaviours: dict[str, dict[str, tuple[str, dict[str, Any]]]] = {}
        self._attempts: Counter[tuple[str, str]] = Counter()
        self._began_s = time.monotonic()
        self._last_record_s = 0.0
        self._error_s = math.inf

    @property
    def clock_error_s(self) -> float:
        """How far instants that stubs recorded may be off, at most; 0 while nothing is recorded."""
        return 0.0 if math.isinf(self._error_s) else self._error_s

    async def start(self, addresses: Mapping[str, Address]) -> None:
        """Reach all, relate their clocks, tell them users and routes, receive their records.

        Raises: WorldError when one can't be reached.
        """
        for name, (host, port) in addresses.items():
            self._links[name] = self._link(name, host, port)
        await together(*(self._reached(link) for link in self._links.values()))
        for link in self._links.values():
            await self._relate_clock(link)
        await together(*(self._tell(name) for name in addresses))

    def _link(self, name: str, host: str, port: int) -> StubLink:
        token = self._job.control_token
        return StubLink(name, host, port, lambda record: self._take(name, record), token=token)

    async def _tell(self, name: str) -> None:
        link = self._links[name]
        await self._reached(link)
        await link.delete("behaviours")
        await link.put("users", users_json(self._job.target))
        if routes := routes_json(self._job.target, name):
            await link.put("routes", routes)
        for key, (_, value) in self._behaviours.get(name, {}).items():
            await link.put(key, value)
        await link.listen()

    async def _reached(self, link: StubLink) -> None:
        """Wait until the stub answers: its container runs before it listens."""
        deadline_s = time.monotonic() + _READY_WITHIN_S
        while True:
            try:
                await link.get("clock")
                return
            except WorldError:
                if time.monotonic() > deadline_s:
                    raise
                await asyncio.sleep(_POLL_S)

    async def _relate_clock(self, link: StubLink) -> None:
        """From the quickest of some round trips: the middle is when it looked at its clock.

        Containers of one engine share their kernel's monotonic clock, so the best look at any of
        them holds for all, and the order of what different stubs saw is exact.
        """
        for _ in range(_CLOCK_LOOKS):
            asked_s = time.monotonic()
            there_s = (await link.get("clock"))["now"]
            half_s = (time.monotonic() - asked_s) / 2
            if half_s < self._error_s:
                self._error_s = half_s
                self._offset_s = there_s - (asked_s + half_s)

    def _take(self, name: str, record: dict[str, Any]) -> None:
        self._last_record_s = time.monotonic()
        if "at" not in record:
            return
        at_s = record["at"] - self._offset_s
        if at_s < self._began_s:
            return  # of a scenario before this one, on stubs that live on
        if record.get("kind") == "call":
            self._attempts[name, record["of"]] += 1
            record = record | {"attempt": self._attempts[name, record["of"]]}
        event = event_of_record(record, self._chronicle.of(at_s))
        if event is not None:
            self._chronicle.record(event)

    async def settled(self) -> None:
        """Wait until no record has come for a moment."""
        await asyncio.sleep(_QUIET_S)
        while time.monotonic() - self._last_record_s < _QUIET_S:
            await asyncio.sleep(_QUIET_S / 2)

    def check(self) -> None:
        """See that no stub's records ended by themselves.

        Raises: WorldError when a container died that no fault had killed.
        """
        hit = {name for fault in self._job.scenario.faults for name in fault.upstreams}
        for name, link in self._links.items():
            if link.lost is not None and name not in hit:
                raise WorldError(f"the {name} stub's records ended early: {link.lost}")

    # Faults

    async def behave(self, index: int, fault: FaultBase) -> None:
        """Play a fault inside the stubs that it names.

        Raises: WorldError when a stub doesn't take it.
        """
        value = behaviour(fault, seed=self._job.seed + index)
        key = f"behaviours/f{index}"
        for name in fault.upstreams:
            self._behaviours.setdefault(name, {})[key] = (name, value)
        await together(*(self._links[name].put(key, value) for name in fault.upstreams))

    async def stop_behaving(self, index: int, fault: FaultBase) -> None:
        """End a fault inside the stubs.

        Raises: WorldError when a stub doesn't take it.
        """
        key = f"behaviours/f{index}"
        for name in fault.upstreams:
            self._behaviours.get(name, {}).pop(key, None)
        await together(*(self._links[name].delete(key) for name in fault.upstreams))

    async def revived(self, name: str, address: Address) -> None:
        """A new process has taken a stub's place: tell it everything again.

        Raises: WorldError when it can't be reached.
        """
        link = self._links[name]
        await link.close()
        link.restarted()
        link.host, link.port = address
        await self._tell(name)

    async def reached_again(self, name: str, address: Address) -> None:
        """The same process is reachable again: go on receiving where the stream broke off.

        Raises: WorldError when it can't be reached.
        """
        link = self._links[name]
        await link.close()
        link.host, link.port = address
        await self._reached(link)
        await link.listen()

    async def stop(self) -> None:
        """End all lines."""
        await together(*(link.close() for link in self._links.values()))
