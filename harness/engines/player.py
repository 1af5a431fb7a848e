"""Plays a timeline on the monotonic clock: lift, apply, send, each at its instant.

Open loop: a request leaves when the timeline says, whether or not earlier ones were answered. A
step waits until the one before it is confirmed, so request #1 meets the outage.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import socket
from collections.abc import Awaitable, Callable
from typing import Protocol

from msgspec.structs import replace

from harness.engines.again import again_after_s
from harness.engines.base import GRACE_S, LEAD_S, Job, Progress, Report
from harness.engines.chronicle import Chronicle
from harness.engines.client import Exchange, exchange
from harness.engines.redact import Redactor
from harness.engines.requests import WireAnswer, again_plan, kept_body, trace_of, wire_request
from harness.errors import WorldError
from harness.history.events import (
    Answered,
    Applied,
    Event,
    HungUp,
    Lifted,
    Phase,
    Sent,
    Triggered,
    Trouble,
)
from harness.scenario.faults import FaultBase
from harness.timeline import Apply, Lift, Send, Step
from harness.triggers import Triggers

_WARM_UP_S = 3.0
_WARM_UP_PAUSE_S = 0.25
_BETWEEN_STREAMS_S = 0.05
_WARM_UP_ANSWER_S = 15.0


class Faults(Protocol):
    """Brings faults into force in a world, and lifts them; both return when that is confirmed."""

    async def apply(self, index: int, fault: FaultBase) -> None:
        """Bring a fault into force."""
        ...

    async def lift(self, index: int, fault: FaultBase) -> str | None:
        """End a fault; what it took beyond the plain way, or None."""
        ...


class Player:
    """Warm-up, play and grace of one job, against a target at an address."""

    def __init__(
        self,
        job: Job,
        *,
        chronicle: Chronicle,
        report: Report,
        redactor: Redactor,
        address: tuple[str, int],
        spare_addresses: bool,
        exchange: Exchange = exchange,
    ) -> None:
        self.job = job
        self.clock = chronicle
        self.record = chronicle.record
        self.report = report
        self.redactor = redactor
        self.address = address
        self._spare_addresses = spare_addresses
        self._exchange = exchange
        self._ids = itertools.count(1)
        self._in_flight: set[asyncio.Task[WireAnswer]] = set()
        offsets = itertools.accumulate(
            (stream.addresses for stream in job.scenario.traffic.values()), initial=2
        )
        self._first_address = dict(zip(job.scenario.traffic, offsets, strict=False))
        self._scenario = job.scenario
        """As it is played: with faults where the events came for which they waited."""
        self._triggers = Triggers(job.scenario, job.target.settings)
        self._begun: dict[int, asyncio.Task[None]] = {}
        self._changing = asyncio.Lock()

    async def warm_up(self, settled: Callable[[], Awaitable[None]]) -> None:
        """One request of each stream at a time, until healthy; the last of each is what counts.

        `settled` waits until everything that those requests caused has been recorded.
        """
        self.record(Phase(at_s=self.clock.now(), by="engine", phase="warm-up"))
        give_up_s = self.clock.now() + self._patience_s
        for index, (name, stream) in enumerate(self.job.scenario.traffic.items()):
            for attempt in itertools.count():
                self.report(Progress(doing="warming up"))
                step = Send(
                    at_s=self.clock.now(),
                    stream=name,
                    number=0,
                    user=stream.users[0],
                    address=index * 16 + attempt % 16,
                )
                answer = await self._bounded(step)
                if answer.status is not None and answer.status in stream.healthy:
                    # What this request caused must not be taken for the next stream's doing.
                    await asyncio.sleep(_BETWEEN_STREAMS_S)
                    break
                if self.clock.now() > give_up_s:
                    break  # it stays unhealthy: the checks will say so
                await asyncio.sleep(_WARM_UP_PAUSE_S)
        await settled()

    @property
    def _patience_s(self) -> float:
        """How long the steady state may take: a target that goes on running must recover first."""
        target = self.job.target
        if target.url is None:
            return _WARM_UP_S
        waits_s = (target.settings(name).wait_s for name in target.upstream_names)
        return _WARM_UP_S + max(waits_s, default=0.0)

    async def _bounded(self, step: Send) -> WireAnswer:
        try:
            async with asyncio.timeout(_WARM_UP_ANSWER_S):
                return await self.send(step)
        except TimeoutError:
            return WireAnswer(status=None, error="no answer")

    async def play(self, faults: Faults) -> None:
        """All steps from 0s to the scenario's end, then the grace for what is still in flight."""
        applied: set[int] = set()
        if self.job.scenario.waiting:
            self.clock.heed(lambda event: self._heed(event, faults, applied))
        self.clock.begin(LEAD_S)
        await self.clock.until(0.0)
        self.record(Phase(at_s=self.clock.now(), by="engine", phase="play"))
        ticker = asyncio.create_task(self._tick())
        try:
            for step in self.job.timeline:
                await self.clock.until(step.at_s)
                await self._do(step, faults, applied)
            await self.clock.until(self.job.scenario.duration)
            await asyncio.gather(*self._begun.values())
            if self._in_flight:
                await asyncio.wait(self._in_flight, timeout=GRACE_S)
        finally:
            ticker.cancel()
            for task in (*self._in_flight, *self._begun.values()):
                task.cancel()
            self.record(Phase(at_s=self.clock.now(), by="engine", phase="end"))

    def _heed(self, event: Event, faults: Faults, applied: set[int]) -> None:
        """Begin what waited for an event, once something recorded shows that it has come."""
        for index, by in self._triggers.take(event):
            fault, at_s = self._scenario.faults[index], self.clock.now()
            told = Triggered(
                at_s=at_s, by="engine", fault=index, after=str(fault.after), known_by=by
            )
            self.record(told)
            self._scenario = self._scenario.begun_after({index: told.at_s})
            if index not in self._scenario.waiting:
                task = asyncio.create_task(self._spell(index, faults, applied))
                self._begun[index] = self.clock.watched(task)

    async def _spell(self, index: int, faults: Faults, applied: set[int]) -> None:
        """One fault from its instant to its end."""
        begin_s, end_s = self._scenario.faults[index].from_, self._scenario.fault_end_s(index)
        for step in (Apply(at_s=begin_s, fault=index), Lift(at_s=end_s, fault=index)):
            await self.clock.until(step.at_s)
            await self._do(step, faults, applied)

    async def _tick(self) -> None:
        while True:
            begins_s = {index: self._scenario.faults[index].from_ for index in self._begun}
            self.report(Progress(doing="playing", at_s=self.clock.now(), begins_s=begins_s))
            await asyncio.sleep(0.25)

    async def _do(self, step: Step, faults: Faults, applied: set[int]) -> None:
        if isinstance(step, Send):
            task = self.clock.watched(asyncio.create_task(self._client(step)))
            self._in_flight.add(task)
            task.add_done_callback(self._in_flight.discard)
            return
        async with self._changing:
            await self._change(step, faults, applied)

    async def _change(self, step: Apply | Lift, faults: Faults, applied: set[int]) -> None:
        fault = self._scenario.faults[step.fault]
        try:
            if isinstance(step, Apply):
                await faults.apply(step.fault, fault)
                applied.add(step.fault)
                self._note_applied(step, fault)
            elif step.fault in applied:
                escalated = await faults.lift(step.fault, fault)
                self._note_lifted(step, fault, escalated)
        except WorldError as error:
            verb = "applied" if isinstance(step, Apply) else "lifted"
            what = f"{fault.fault} on {', '.join(fault.upstreams)} was not {verb}: {error}"
            self.record(Trouble(at_s=self.clock.now(), by="engine", what=what, late=error.late))

    def _note_applied(self, step: Apply, fault: FaultBase) -> None:
        self.record(
            Applied(
                at_s=self.clock.now(),
                by="engine",
                fault=step.fault,
                name=fault.fault,
                upstreams=fault.upstreams,
                planned_s=step.at_s,
            )
        )

    def _note_lifted(self, step: Lift, fault: FaultBase, escalated: str | None) -> None:
        self.record(
            Lifted(
                at_s=self.clock.now(),
                by="engine",
                fault=step.fault,
                name=fault.fault,
                upstreams=fault.upstreams,
                planned_s=step.at_s,
                escalated=escalated,
            )
        )

    async def _client(self, step: Send) -> WireAnswer:
        """One request, and again as often as its client tries; the last answer."""
        plan = again_plan(self.job.scenario.traffic[step.stream])
        while True:
            answer = await self.send(step)
            wait_s = again_after_s(plan, step.tried, answer.status, answer.headers)
            at_s = self.clock.now() + (wait_s or 0.0)
            if wait_s is None or at_s >= self.job.scenario.duration:
                return answer
            step = replace(step, at_s=at_s, tried=step.tried + 1)
            await self.clock.until(at_s)

    async def send(self, step: Send) -> WireAnswer:
        """Send one request and wait for its answer, unless its client hangs up; all is recorded."""
        stream = self.job.scenario.traffic[step.stream]
        source = self._source(step)
        client = source or self.address[0]
        trace = trace_of(self.job, step.stream, step.number, client, step.tried)
        request = wire_request(stream, self.job.target, step.user, step.number, trace)
        request_id = next(self._ids)
        sent_s = self.clock.now()
        self.record(
            Sent(
                at_s=sent_s,
                by="client",
                id=request_id,
                stream=step.stream,
                number=step.number,
                planned_s=step.at_s,
                method=request.method,
                path=request.path,
                user=step.user,
                client=client,
                trace=trace,
                tried=step.tried,
            )
        )
        patience_s = stream.hang_up if step.number else None
        try:
            async with asyncio.timeout(patience_s):
                answer = await self._exchange(*self.address, request, source=source)
        except TimeoutError:
            self.record(HungUp(at_s=self.clock.now(), by="client", id=request_id))
            return WireAnswer(status=None, error="its client hung up")
        with contextlib.suppress(asyncio.CancelledError):
            self._note_answer(request_id, answer)
        return answer

    def _note_answer(self, request_id: int, answer: WireAnswer) -> None:
        self.record(
            Answered(
                at_s=self.clock.now(),
                by="client",
                id=request_id,
                status=answer.status,
                error=answer.error and self.redactor.text(answer.error),
                headers=self.redactor.headers(answer.headers),
                body=kept_body(answer.body, self.redactor),
            )
        )

    def _source(self, step: Send) -> str | None:
        """An address of its own for each client: a stream's first, counted up (G1's limit)."""
        if not self._spare_addresses:
            return None
        if step.number == 0:
            return f"127.0.1.{step.address % 250 + 1}"
        index = self._first_address[step.stream] + step.address
        return f"127.0.{2 + index // 250}.{index % 250 + 1}" if index >= 250 else f"127.0.0.{index}"


def has_spare_addresses() -> bool:
    """Whether this system answers on all of 127.0.0.0/8 (Linux does, macOS does not)."""
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.bind(("127.0.0.2", 0))
    except OSError:
        return False
    return True
