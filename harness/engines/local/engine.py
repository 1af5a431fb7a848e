"""The `local` engine: a world of processes on this machine for each scenario, side by side."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Collection

from harness.engines.base import (
    Abilities,
    Gate,
    Job,
    Progress,
    Record,
    Report,
)
from harness.engines.chronicle import Chronicle
from harness.engines.local.proxy import OnLine, ProxyChoice, RunningProxy, choose_proxy
from harness.engines.local.world import World
from harness.engines.player import has_spare_addresses
from harness.engines.reaper import Reaper
from harness.engines.room import granted_files
from harness.engines.run_line import run_line
from harness.engines.tasks import to_the_end
from harness.engines.visits import Visits
from harness.engines.watch import Watch
from harness.errors import TargetError, WorldError
from harness.scenario.model import Scenario


class LocalEngine:
    """Plays scenarios with real processes, sockets and time."""

    name = "local"
    in_real_time = True
    start_s = 1.0
    """What starting and ending a world takes of a processor: 0.8 s for the reference gateway."""

    def __init__(self, *, proxy: str = "auto", seed: int = 0, real: Collection[str] = ()) -> None:
        self._choice: ProxyChoice = choose_proxy(proxy, seed=seed, real=real)
        self._reaper: Reaper | None = None
        self._watch: Watch | None = None
        self._visits: Visits | None = None
        self.abilities = Abilities(
            engine=self.name, proxy=self._choice.name, several_addresses=has_spare_addresses()
        )

    @property
    def proxy(self) -> str:
        """The proxy in use, and why: for the output's first line."""
        return self._choice.description

    def unplayable(self, scenario: Scenario) -> str | None:
        """Why a scenario can't be shown here: its faults, or client addresses that don't exist."""
        return self.abilities.unplayable(scenario)

    async def play(self, job: Job, record: Record, report: Report, started: Gate) -> None:
        """Build a world, play the job on it, take it down whatever happens.

        Raises: TargetError when the target could not be started.
        """
        chronicle = Chronicle(record)
        evidence = self._choice.evidence
        chronicle.record(
            run_line(
                job,
                engine=self.name,
                proxy=self._choice.name,
                at_s=chronicle.now(),
                sees=("stub", evidence) if evidence else ("stub",),
                captured=job.target.url is None,
            )
        )
        try:
            async with self._world(job, chronicle, report, watched=True) as world:
                player = world.player(report, spare_addresses=self.abilities.several_addresses)
                await started()
                await player.warm_up(world.services.settled)
                world.alone_from_now()
                with self._alone(world):
                    await player.play(world)
                await world.services.settled()
                await world.check()
        except TargetError:
            raise  # whether that ends the whole run is not known here
        except WorldError as error:
            chronicle.failed(error)
        finally:
            chronicle.close()

    @contextlib.asynccontextmanager
    async def _world(
        self, job: Job, chronicle: Chronicle, report: Report, *, watched: bool = False
    ) -> AsyncIterator[World]:
        if self._reaper is None:
            granted_files()  # before the first child, which gets the same
            self._reaper = Reaper()
        self._reaper.watch_folder(job.folder)
        own = self._choice.found is None or self._choice.found.binary is not None
        if self._visits is None:
            self._visits = Visits()
        world = World(
            job,
            chronicle,
            self._reaper,
            self._start_proxy,
            own_proxy=own,
            on_call=self._visits.look,
        )
        try:
            watching = self._watching(chronicle, world) if watched else contextlib.nullcontext()
            async with watching as world.look:
                await world.start(report)
                yield world
        finally:
            report(Progress(doing="taking down"))
            await to_the_end(world.stop())

    def _watching(
        self, chronicle: Chronicle, world: World
    ) -> contextlib.AbstractAsyncContextManager[Callable[[], Awaitable[None]]]:
        if self._watch is None:
            self._watch = Watch()
        return self._watch.over(chronicle, world.processes)

    def _alone(self, world: World) -> contextlib.AbstractContextManager[None]:
        """Sees who else calls the target inside the block."""
        assert self._visits is not None
        return self._visits.at(*world.gateway.address, world.visited)

    @contextlib.asynccontextmanager
    async def world(
        self, job: Job, record: Record, *, watched: bool = False
    ) -> AsyncIterator[World]:
        """A world to work against, without traffic; taken down at the end of the block.

        `record` is told what happens there; 0s is when all of it is up. `watched`: also how long
        the machine kept its processes waiting.

        Raises: WorldError when it can't be built.
        """
        chronicle = Chronicle(record)
        async with self._world(job, chronicle, lambda progress: None, watched=watched) as world:
            chronicle.begin(0.0)
            with self._alone(world) if watched else contextlib.nullcontext():
                yield world

    async def _start_proxy(self, on_line: OnLine) -> RunningProxy:
        assert self._reaper is not None
        return await RunningProxy.start(self._choice, reaper=self._reaper, on_line=on_line)

    async def close(self) -> None:
        """End those that look, and the reaper; by now nothing is left for them."""
        if self._watch is not None:
            self._watch.close()
            self._watch = None
        if self._visits is not None:
            self._visits.close()
            self._visits = None
        if self._reaper is not None:
            self._reaper.close()
            self._reaper = None
