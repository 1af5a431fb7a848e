"""The `compose` engine: a project of containers for each scenario, several side by side.

Inside the project's own `harness` container (OUTAGE_INSIDE_COMPOSE is set there) it plays on the
project that is running already, one scenario at a time.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable

from msgspec.structs import replace

from harness.control import TOKEN
from harness.engines.base import (
    Abilities,
    Gate,
    Job,
    Progress,
    Record,
    Report,
)
from harness.engines.chronicle import Chronicle
from harness.engines.client import Exchange, exchange, exchange_through
from harness.engines.compose.command import OVERRIDE, find_compose
from harness.engines.compose.dockerd import Dockerd
from harness.engines.compose.host import HostSite
from harness.engines.compose.images import are_built, note_built, sources_digest
from harness.engines.compose.inside import INSIDE, InsideSite
from harness.engines.compose.leftovers import (
    Undertaker,
    is_left,
    project_prefix,
    remove_orphans,
)
from harness.engines.compose.place import Place, Site
from harness.engines.compose.world import World, check_upstreams, job_at
from harness.engines.player import Player
from harness.engines.reaper import Reaper
from harness.engines.run_line import run_line
from harness.engines.tasks import to_the_end
from harness.engines.watch import Watch
from harness.errors import TargetError, WorldError
from harness.machine.belongings import forget_containers, note_containers
from harness.scenario.model import Scenario
from harness.target import Target
from harness.toxiproxy.locate import TOXIPROXY_VERSION

PROJECTS_AT_ONCE = 6
"""Eleven containers each: by default no more than this at a time."""
_GATEWAYS = {"reference": "gateway", "naive": "gateway.naive"}


class ComposeEngine:
    """Plays scenarios with real containers and the real Toxiproxy."""

    name = "compose"
    in_real_time = True
    start_s = 8.0
    """What bringing a project up and down takes of a processor, Docker's share included."""

    def __init__(self) -> None:
        """See what is here; inside the project's own container nothing is needed.

        Raises: UsageError when Docker or Compose is missing.
        """
        self._inside = bool(os.environ.get(INSIDE))
        self._reaper: Reaper | None = None
        self._undertaker: Undertaker | None = None
        self._watch: Watch | None = None
        self._ready = asyncio.Lock()
        self._one = asyncio.Semaphore(1)
        if not self._inside:
            self._command = find_compose()
            self._dockerd = Dockerd()

    @property
    def proxy(self) -> str:
        """The proxy in use, and why."""
        return f"toxiproxy {TOXIPROXY_VERSION} (its container)"

    @property
    def most_at_once(self) -> int:
        """How many plays to run at a time unless the user says otherwise."""
        return 1 if self._inside else PROJECTS_AT_ONCE

    def unplayable(self, scenario: Scenario) -> str | None:
        """Why this engine, where it stands, can't show a scenario; None where it can."""
        if self._inside and any(fault.fault == "disconnect" for fault in scenario.faults):
            return (
                "the harness's container has no Docker socket, so it can't disconnect another; "
                "`outage run --engine compose` on the host can"
            )
        return Abilities(engine=self.name, proxy="toxiproxy").unplayable(scenario)

    async def play(self, job: Job, record: Record, report: Report, started: Gate) -> None:
        """Bring a project up, play the job on it, take it down whatever happens.

        Raises: TargetError when the gateway could not be started.
        """
        if unplayable := self.unplayable(job.scenario):
            raise WorldError(unplayable)
        self.check(job.target)
        chronicle = Chronicle(record)
        if self._inside:
            async with self._one:
                await self._play(job, chronicle, report, started)
        else:
            await self._play(job, chronicle, report, started)

    def check(self, target: Target) -> None:
        """Refuse a target that can't be played in containers, or isn't in them.

        Raises: TargetError.
        """
        check_upstreams(target)
        if target.name in _GATEWAYS and not target.file:
            return
        if self._inside or self._command.override is not None:
            return  # somebody has put it there, and says so
        raise TargetError(
            f"--engine compose tests the container `gateway`, the reference gateway by default. To "
            f"test {target.name}, name a compose file with your image for that service in "
            f"{OVERRIDE} (docs/containers.md), or use --engine local"
        )

    async def _play(self, job: Job, chronicle: Chronicle, report: Report, started: Gate) -> None:
        began_s = chronicle.now()
        if self._inside:
            job = _as_told(job)
        world = World(job, chronicle)
        noted = False
        try:
            reaper = await self._prepare(report)
            began_s = chronicle.now()  # images are built once, not for this world
            async with self._watch_over(chronicle, world):
                await world.start(self._site(job, reaper), reaper, report)
                self._note_run(job, chronicle, world, began_s)
                noted = True
                place = world.place
                assert place is not None
                player = Player(
                    job if place.fresh else job_at(job, place.gateway),
                    chronicle=chronicle,
                    report=report,
                    redactor=world.redactor,
                    address=place.doorway or place.gateway,
                    spare_addresses=True,
                    exchange=_way_in(place),
                )
                await started()
                await player.warm_up(world.stubs.settled)
                await player.play(world)
                await world.stubs.settled()
                await world.check()
        except TargetError:
            raise  # whether that ends the whole run is not known here
        except WorldError as error:
            chronicle.failed(error)
        finally:
            report(Progress(doing="taking down"))
            await to_the_end(world.stop())
            if not noted:
                self._note_run(job, chronicle, world, began_s)
            chronicle.close()

    def _watch_over(
        self, chronicle: Chronicle, world: World
    ) -> contextlib.AbstractAsyncContextManager[Callable[[], Awaitable[None]]]:
        if self._watch is None:
            self._watch = Watch()
        return self._watch.over(chronicle, world.processes)

    def _site(self, job: Job, reaper: Reaper) -> Site:
        if self._inside:
            return InsideSite(job.control_token)
        gateway = _GATEWAYS.get(job.target.name, "gateway")
        return HostSite(self._command, self._dockerd, reaper, gateway=gateway)

    async def _prepare(self, report: Report) -> Reaper:
        """Once, whoever comes first: leftovers removed, images built."""
        async with self._ready:
            if self._reaper is None:
                self._reaper = Reaper()
                if not self._inside:
                    report(Progress(doing="removing what dead runs left"))
                    await self._dockerd.call(
                        "leftovers could not be removed", remove_orphans, self._dockerd.client
                    )
                    note_containers(project_prefix())
                    self._undertaker = Undertaker()
                    try:
                        await self._build(self._reaper, report)
                    except BaseException:
                        self._let_go()  # the next one tries anew
                        raise
            return self._reaper

    async def _build(self, reaper: Reaper, report: Report) -> None:
        client, folder = self._dockerd.client, self._command.folder
        digest = await asyncio.to_thread(sources_digest, folder)
        what = "images can't be looked at"
        if await self._dockerd.call(what, are_built, client, digest):
            return
        report(Progress(doing="building images"))
        await self._command.build("outage", reaper)
        await self._dockerd.call(what, note_built, client, digest)

    def _note_run(self, job: Job, chronicle: Chronicle, world: World, began_s: float) -> None:
        place = world.place
        chronicle.record_first(
            run_line(
                job,
                engine=self.name,
                proxy=f"toxiproxy {TOXIPROXY_VERSION}",
                at_s=began_s,
                sees=("stub", *(place.evidence if place else ())),
                captured=not self._inside,
                clock_error_s=max(world.stubs.clock_error_s, place.wall_error_s if place else 0.0),
            )
        )

    def _let_go(self) -> None:
        if self._undertaker is not None:
            self._undertaker.close()
            self._undertaker = None
            if not is_left(self._dockerd.client):
                forget_containers()
        if self._reaper is not None:
            self._reaper.close()
            self._reaper = None

    async def close(self) -> None:
        """End the watchers; by now nothing is left for them."""
        if self._watch is not None:
            self._watch.close()
            self._watch = None
        self._let_go()
        if not self._inside:
            self._dockerd.close()


def _as_told(job: Job) -> Job:
    """The same job with the tokens that the running containers were started with."""
    return replace(
        job,
        internal_token=os.environ.get("INTERNAL_SERVICE_TOKEN") or job.internal_token,
        control_token=os.environ.get(TOKEN, ""),
    )


def _way_in(place: Place) -> Exchange:
    return exchange if place.doorway is None else exchange_through
