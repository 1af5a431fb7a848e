"""The `sim` engine: plays jobs in child processes on virtual time; ordinary histories come out."""

from __future__ import annotations

import asyncio
import os
import platform
import sys
from collections.abc import Iterator
from functools import cache
from importlib import metadata
from typing import Any

from harness.engines.base import (
    Abilities,
    Gate,
    Job,
    Progress,
    Record,
    Report,
)
from harness.engines.run_line import run_line
from harness.errors import TargetError, WorldError
from harness.history.events import Event, Logged
from harness.scenario.model import Scenario
from harness.units import plural

from .birth import Nursery
from .chronicle import ESCAPED, Translator
from .plans import make_plan
from .rounds import Rounds

_LIBRARIES = ("flask", "httpx", "requests", "urllib3", "werkzeug")
SUMMARY = "played with seed"
"""How the last line of a simulated history begins."""
EVIDENCE = ("stub", "proxy requests", "proxy connections", "refused connects")


class SimEngine:
    """Plays scenarios deterministically: same job, seed and versions, same history.

    `points` is the probability of a switch at a clock read or lock entry (None: drawn from the
    seed, none for seed 0); `lines` makes every line of the target a switch point too. A `nursery`
    may have begun already.
    """

    name = "sim"
    proxy = "simulated"
    abilities = Abilities(engine=name)

    def __init__(
        self,
        *,
        points: float | None = None,
        lines: bool = False,
        threads: int | None = None,
        nursery: Nursery | None = None,
    ) -> None:
        self._points = points
        self._lines = lines
        self._threads = threads
        self._nursery = nursery or Nursery(watched=True)
        self._others: dict[str, Nursery] = {}
        """By the Python of a target's own that each runs in."""
        self._room: tuple[asyncio.AbstractEventLoop, asyncio.Semaphore] | None = None

    def unplayable(self, scenario: Scenario) -> str | None:
        """Why a scenario can't be simulated; None where it can."""
        return self.abilities.unplayable(scenario)

    async def play(self, job: Job, record: Record, report: Report, started: Gate) -> None:
        """Play one job; its events are recorded when it is over, in a moment.

        Virtual time can't be disturbed, so nobody needs to be waited for: `started` is not used.
        Raises: WorldError.
        """
        async with self._free_cpu():
            report(Progress(doing="simulating"))
            rounds = Rounds(job, self._events)
            while (next_job := rounds.next_job) is not None:
                rounds.take(await asyncio.wrap_future(self._begin(next_job)))
            self._record(rounds, record)

    def play_now(self, job: Job) -> tuple[Event, ...]:
        """Play one job and wait for its history, without an event loop.

        Raises: WorldError.
        """
        events: list[Event] = []
        rounds = Rounds(job, self._events)
        while (next_job := rounds.next_job) is not None:
            rounds.take(self._begin(next_job).result())
        self._record(rounds, events.append)
        return tuple(events)

    def _begin(self, job: Job) -> Any:
        if unplayable := self.unplayable(job.scenario):
            raise WorldError(unplayable)
        plan = make_plan(job, points=self._points, lines=self._lines, threads=self._threads)
        return self._nursery_of(job).play(plan, job.folder)

    def _nursery_of(self, job: Job) -> Nursery:
        python = job.target.python
        if python == sys.executable:
            return self._nursery
        if python not in self._others:
            self._others[python] = Nursery(python=python, watched=True)
        return self._others[python]

    def _events(self, translator: Translator) -> Iterator[Event]:
        """All events of a play but its last line."""
        document = translator.document
        self._nursery_of(translator.job).learn(document["libraries"])
        yield run_line(
            translator.job,
            engine=self.name,
            proxy=self.proxy,
            at_s=translator.begin_s,
            sees=EVIDENCE,
            captured=True,
            versions={"python": document["python"], **library_versions()},
        )
        yield from translator.events()

    def _record(self, rounds: Rounds, record: Record) -> None:
        for event in rounds.events:
            record(event)
        translator = rounds.last
        record(self._summary(translator.job, translator.document, translator.end_s))
        if translator.unstarted is not None:
            name = translator.job.target.name
            raise TargetError(f"target {name!r} {translator.unstarted}", translator.said)

    def _summary(self, job: Job, document: dict[str, Any], at_s: float) -> Event:
        """The last line: with which seed it can be played again, and what it does not show."""
        count = len(document["escapes"])
        hidden = "" if self._lines else ", and races between two lines without a lock or a clock"
        line = (
            f"{SUMMARY} {job.seed} on Python {platform.python_version()}: "
            f"{plural(count, 'escape')}, {document['switches']} switches; not shown: "
            f"CPU time{hidden}"
        )
        return Logged(at_s=at_s, by="engine", source="simulation", line=line)

    def _free_cpu(self) -> asyncio.Semaphore:
        """Room for as many plays at once as there are CPUs."""
        loop = asyncio.get_running_loop()
        if self._room is None or self._room[0] is not loop:
            self._room = (loop, asyncio.Semaphore(os.cpu_count() or 1))
        return self._room[1]

    async def close(self) -> None:
        """End the nursery."""
        self.close_now()

    def close_now(self) -> None:
        """End all nurseries, without an event loop."""
        for nursery in (self._nursery, *self._others.values()):
            nursery.close()


@cache
def library_versions() -> dict[str, str]:
    """The versions on which a history depends beside Python's own."""
    found = {}
    for name in _LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


__all__ = ["ESCAPED", "SUMMARY", "SimEngine", "library_versions"]
