"""Does to a world what its playhead says: lifts, applies, sends, each at its instant."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Collection

from msgspec.structs import replace

from harness.engines.base import Job
from harness.engines.player import Faults, Player
from harness.errors import WorldError
from harness.held.playhead import Playhead
from harness.report.scene.watched import Force
from harness.timeline import Apply, Lift, Send, Step

Say = Callable[[str, str], None]
"""Takes a line for whoever watches, and its style."""


class Playback:
    """One scenario over a world that is held open, as far as somebody lets it go on."""

    def __init__(
        self,
        job: Job,
        world: Faults,
        player: Player,
        *,
        say: Say,
        over: Callable[[], None],
        traffic: bool = False,
    ) -> None:
        """`over` is told when the clock has run past the last fault."""
        self._job = job
        self._world = world
        self._player = player
        self._say = say
        self._over = over
        self._zero_s = asyncio.get_running_loop().time()
        self._woken = asyncio.Event()
        self._sending: set[asyncio.Task[object]] = set()
        self.head = Playhead(job.timeline, job.scenario.duration)
        self.traffic = traffic
        """Whether the scenario's requests are sent while its clock runs."""
        self._forces: dict[int, Force] = {}
        self._past: list[Force] = []

    @property
    def now_s(self) -> float:
        """Seconds since the world is up."""
        return asyncio.get_running_loop().time() - self._zero_s

    @property
    def forces(self) -> tuple[Force, ...]:
        """What was in force, and when."""
        return (*self._past, *self._forces.values())

    def play_or_pause(self) -> None:
        """Let the scenario's clock run if it stands, and stand if it runs."""
        if self.head.runs(self.now_s):
            self.head.pause(self.now_s)
        else:
            self.head.play(self.now_s)
        self._woken.set()

    def jump(self, to_s: float) -> None:
        """Set the scenario's clock; what is in force then comes into force."""
        self.head.jump(to_s, self.now_s)
        self._woken.set()

    def jump_beside(self, by: int) -> None:
        """Jump to where faults come or go next (1) or did last (-1)."""
        self.jump(self.head.change_beside(self.now_s, by))

    def hold(self, faults: Collection[int]) -> None:
        """Have just these faults in force, and the clock stand."""
        self.head.hold(frozenset(faults), self.now_s)
        self._woken.set()

    def reloaded(self, address: tuple[str, int]) -> None:
        """The target is another process now, at this address."""
        self._player.address = address

    async def run(self) -> None:
        """Go on until cancelled."""
        try:
            while True:
                self._woken.clear()
                for step in self.head.due(self.now_s):
                    await self._do(step)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self.head.next_due_in_s(self.now_s)):
                        await self._woken.wait()
        finally:
            for task in self._sending:
                task.cancel()

    async def _do(self, step: Step) -> None:
        if isinstance(step, Send):
            if self.traffic:
                task = asyncio.create_task(self._player.send(replace(step, at_s=self.now_s)))
                self._sending.add(task)
                task.add_done_callback(self._sending.discard)
            return
        fault = self._job.scenario.faults[step.fault]
        name = f"{', '.join(fault.upstreams) or fault.subject} {fault.fault}"
        try:
            if isinstance(step, Apply) and step.fault not in self.head.in_force:
                await self._world.apply(step.fault, fault)
                self._begun(step, f"{fault.fault} {fault.subject}")
                self._say(f"{step.at_s:6.0f} s  in force: {name}", "")
            elif isinstance(step, Lift) and step.fault in self.head.in_force:
                await self._world.lift(step.fault, fault)
                self._ended(step)
                self._say(f"{step.at_s:6.0f} s  lifted: {name}", "")
                if self.head.runs(self.now_s) and step.at_s >= self.head.changes_s[-1]:
                    self._over()
        except WorldError as error:
            self._say(f"{name}: {error}", "bold red")

    def _begun(self, step: Apply, label: str) -> None:
        self.head.in_force.add(step.fault)
        self._forces[step.fault] = Force(label=label, start_s=self.now_s)

    def _ended(self, step: Lift) -> None:
        self.head.in_force.discard(step.fault)
        self._past.append(replace(self._forces.pop(step.fault), end_s=self.now_s))
