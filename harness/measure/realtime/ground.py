"""A world held open in real time: one upstream, and calls made one after another."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from msgspec import Struct

from harness.checks.noise import Noise
from harness.engines.base import Job
from harness.engines.client import Exchange
from harness.engines.local.engine import LocalEngine
from harness.engines.local.world import World
from harness.engines.player import has_spare_addresses
from harness.engines.requests import WireRequest, wire_request
from harness.errors import TargetError, UsageError, WorldError
from harness.history.events import Crossed, Ended, Event, Trouble
from harness.history.view import History
from harness.machine import belongings
from harness.measure.experiment import KINDS
from harness.measure.reading import Reading, Seen, Try
from harness.scenario.faults import FaultBase
from harness.scenario.model import Scenario
from harness.scenario.traffic import Stream
from harness.target import Target

_ADDRESSES = 200
"""Client addresses in turn, so that no limit for each of them is met."""
_BUILT_AGAIN = 2
"""So often a world is built again that could not be, before it is given up."""
_STARTS = 3
"""So many worlds start at once."""


class Asked(Struct, kw_only=True):
    """A request under way: when it left, and what it will have been."""

    sent_s: float
    answer: asyncio.Task[tuple[float, int | None]]
    """When it was answered (infinite: never within its time), and how."""

    def ended_by(self, at_s: float) -> bool:
        """Whether it had been answered at an instant, as far as is known."""
        return self.answer.done() and self.answer.result()[0] <= at_s


class Ground:
    """One world, one route, one upstream; what is wrong with that is set and lifted at once."""

    def __init__(
        self,
        world: World,
        events: Sequence[Event],
        target: Target,
        *,
        stream: Mapping[str, Any],
        upstream: str,
        ignored: frozenset[str] = frozenset(),
    ) -> None:
        self.upstream = upstream
        self._world = world
        self._events = events
        self._target = target
        self._stream = _stream(stream)
        self._ignored = ignored
        self._held: dict[int, FaultBase] = {}
        self._numbers = 0
        self._under_way: set[asyncio.Task[tuple[float, int | None]]] = set()
        self._spare = has_spare_addresses()

    @property
    def now_s(self) -> float:
        """On the clock of what is seen here."""
        return self._world.now()

    # What is wrong with the upstream

    async def hold(self, *faults: Mapping[str, Any]) -> None:
        """Bring faults into force in place of those that are."""
        await self.lift()
        for fault in faults:
            number = len(self._held)
            self._held[number] = _fault(self.upstream, fault)
            await self._world.apply(number, self._held[number])

    async def hold_kind(self, kind: str) -> None:
        """The same for one of `KINDS`."""
        await self.hold(KINDS[kind])

    async def slow(self, seconds: float) -> None:
        """Every call is answered well, so much later."""
        await self.hold({"fault": "delay", "delay": f"{seconds:.3f}s"})

    async def lift(self) -> None:
        """Nothing is wrong any more."""
        for number in tuple(self._held):
            await self._world.lift(number, self._held.pop(number))

    @property
    def port(self) -> int:
        """Where the upstream's proxy listens."""
        return self._world.proxy_ports[self.upstream]

    # Calls

    def ask(self, within_s: float, *, stream: Mapping[str, Any] | None = None) -> Asked:
        """Send a request and go on."""
        self._numbers += 1
        chosen = self._stream if stream is None else _stream(stream)
        user = chosen.users[self._numbers % len(chosen.users)]
        request = wire_request(chosen, self._target, user, self._numbers)
        place = self._numbers % _ADDRESSES
        source = f"127.0.3.{place + 2}" if self._spare else None
        exchange: Exchange = self._world.gateway.exchange

        async def answered() -> tuple[float, int | None]:
            try:
                async with asyncio.timeout(within_s):
                    answer = await exchange(*self._world.gateway.address, request, source=source)
            except TimeoutError:
                return math.inf, None
            return self.now_s, answer.status

        asked = Asked(sent_s=self.now_s, answer=asyncio.create_task(answered()))
        self._under_way.add(asked.answer)
        asked.answer.add_done_callback(self._under_way.discard)
        return asked

    async def fetch(self, path: str) -> bytes | None:
        """What the target answers at a path of its own; None where that is no 200."""
        request = WireRequest(method="GET", path=path)
        answer = await self._world.gateway.ask(request, within_s=10.0)
        return answer.body if answer.status == 200 else None

    async def call(self, within_s: float, *, stream: Mapping[str, Any] | None = None) -> Seen:
        """One call, from its request to its answer, with the attempts that it made."""
        mark = len(self._events)
        asked = self.ask(within_s, stream=stream)
        end_s, status = await asked.answer
        tries = await self.tries(mark)
        own = tuple(one for one in tries if asked.sent_s <= one.start_s <= end_s)
        return Seen(sent_s=asked.sent_s, end_s=end_s, status=status, tries=own)

    def mark(self) -> int:
        """A place in what has been seen, for `tries`."""
        return len(self._events)

    async def tries(self, mark: int) -> tuple[Try, ...]:
        """The attempts that have been begun since a mark."""
        await self._world.told()
        self._sound()
        return self.tries_so_far(mark)

    def tries_so_far(self, mark: int) -> tuple[Try, ...]:
        """Those of which it is already known."""
        reading = Reading(History(self._events[mark:]), self.upstream, ignored=self._ignored)
        return reading.tries

    def called_since(self, mark: int) -> bool:
        """Whether anything was asked of the upstream since a mark, as far as is known."""
        return any(
            isinstance(event, Crossed) and event.upstream == self.upstream
            for event in self._events[mark:]
        )

    def history(self) -> History:
        """All that has been seen so far."""
        return History(tuple(self._events))

    async def noise(self) -> Noise:
        """How late the machine made all that has happened by now."""
        if self._world.look is not None:
            await self._world.look()
        return Noise(self.history())

    async def rest(self, seconds: float) -> None:
        """Ask nothing for a while."""
        await asyncio.sleep(seconds)

    async def answered(self) -> None:
        """Wait until everything that is under way has been answered."""
        if self._under_way:
            await asyncio.wait(tuple(self._under_way))

    async def abandon(self) -> None:
        """Wait for nothing that is still under way."""
        for task in tuple(self._under_way):
            task.cancel()
        if self._under_way:
            await asyncio.wait(self._under_way)

    def _sound(self) -> None:
        """Raises: UsageError where the world, or the target in it, broke."""
        for event in self._events:
            if isinstance(event, Trouble):
                raise UsageError(f"{self._target.name} can't be measured: {event.what}")
            if isinstance(event, Ended):
                said = "; its last words: " + " | ".join(event.said[-3:]) if event.said else ""
                raise UsageError(
                    f"{self._target.name} can't be measured: it ended by itself (exit status "
                    f"{event.status}) while {self.upstream} was out of order{said}"
                )


def _stream(raw: Mapping[str, Any]) -> Stream:
    return Stream.model_validate({**raw, "count": "1 at 0s"})


def _fault(upstream: str, fault: Mapping[str, Any]) -> FaultBase:
    raw = {
        "title": f"an experiment on {upstream}",
        "duration": "24h",
        "traffic": {"none": {"request": "GET /", "count": "1 at 0s"}},
        "faults": [{"upstream": upstream, **fault}],
    }
    return Scenario.model_validate(raw).faults[0]


class Grounds:
    """Makes worlds of one target, some at a time, and counts them. To be made in a running loop."""

    def __init__(self, target: Target, engine: LocalEngine) -> None:
        # Its own account of itself is no evidence here.
        self.target = target.model_copy(update={"status": None, "log": None})
        self.made = 0
        self.background: dict[str, frozenset[str]] = {}
        """Routes of calls that no request causes, by upstream."""
        self._engine = engine
        self._starts = asyncio.Semaphore(_STARTS)
        self._scenario = Scenario.model_validate(
            {
                "title": "measuring",
                "duration": "24h",
                "traffic": {"none": {"request": "GET /", "count": "1 at 0s"}},
            }
        ).model_copy(update={"name": "measuring", "file": "measuring"})

    @asynccontextmanager
    async def ground(self, stream: Mapping[str, Any], upstream: str) -> AsyncIterator[Ground]:
        """A world of its own.

        Raises: TargetError, WorldError.
        """
        events: list[Event] = []
        async with AsyncExitStack() as stack:
            folder = stack.enter_context(belongings.folder())
            job = Job(scenario=self._scenario, timeline=(), target=self.target, folder=folder)
            async with self._starts:
                world = await self._stand(stack, job, events)
                self.made += 1
            ground = Ground(
                world,
                events,
                self.target,
                stream=stream,
                upstream=upstream,
                ignored=self.background.get(upstream, frozenset()),
            )
            try:
                yield ground
            finally:
                await ground.abandon()

    async def _stand(self, stack: AsyncExitStack, job: Job, events: list[Event]) -> World:
        """A world that stands; what a busy machine was too late for is built again.

        Raises: TargetError; WorldError when it can't be built.
        """
        for again in range(_BUILT_AGAIN, -1, -1):
            events.clear()
            world = self._engine.world(job, events.append, watched=True)
            try:
                return await stack.enter_async_context(world)
            except TargetError:
                raise
            except WorldError:
                if not again:
                    raise
        raise AssertionError("the last one is returned or raised")
