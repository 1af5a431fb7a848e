"""Plays several scenarios side by side on one engine, and judges what each left."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from harness import belongings
from harness.engines.base import Engine, Job, Progress, unplayable_against
from harness.engines.redact import Redactor
from harness.engines.room import granted_files, worlds_that_fit
from harness.errors import HarnessError, TargetError, WorldError, own_error
from harness.history.events import Event, Trouble
from harness.history.store import Recorder
from harness.judge import judge, not_in_scope, unjudged
from harness.scenario.model import Scenario
from harness.target import Target
from harness.timeline import compile_timeline
from harness.verdict import Judgement

STARTS_AT_ONCE = 4
"""Worlds that may be starting at the same time; more only slow each other down."""
SPACING_S = 0.117
"""Between the plays of two worlds: else all their whole seconds would fall on the same instant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """One scenario's history and judgement."""

    scenario: Scenario
    events: Sequence[Event]
    judgement: Judgement
    unsaved: str | None = None
    """Why its history is not in the report whole."""
    real_s: float | None = None
    """What it really took, start and end included, by the wall clock."""


class Watcher(Protocol):
    """Is told how a run goes on, from the loop's thread."""

    def progress(self, scenario: Scenario, progress: Progress) -> None:
        """A scenario got somewhere."""
        ...

    def done(self, played: Played) -> None:
        """A scenario has been judged, at its end or when the run was interrupted."""
        ...


class Starts:
    """Lets few worlds start at a time, nobody play while any does, and plays begin apart."""

    def __init__(self) -> None:
        self._coming = 0
        self._quiet = asyncio.Event()
        self._slots = asyncio.Semaphore(STARTS_AT_ONCE)
        self._next_play_s = 0.0
        self.came_up = False
        """Whether any world did."""
        self.refused: TargetError | None = None
        """Why the target of the first world that failed for it could not be started."""
        self.kept: list[Played] = []
        """What was not told as long as that could be all there is to tell."""

    @property
    def hopeless(self) -> bool:
        """Whether the target could not be started, and never was: no need to try it again."""
        return self.refused is not None and not self.came_up

    @contextlib.asynccontextmanager
    async def one(self) -> AsyncIterator[Callable[[], None]]:
        """The right to start a world; call what this gives as soon as it is up."""
        self._coming += 1
        self._quiet.clear()
        ended = False

        def end() -> None:
            nonlocal ended
            if not ended:
                ended = True
                self._slots.release()
                self._coming -= 1
                if self._coming == 0:
                    self._quiet.set()

        try:
            await self._slots.acquire()
        except asyncio.CancelledError:
            self._coming -= 1
            raise
        try:
            yield end
        finally:
            end()

    async def may_play(self) -> None:
        """Wait until no world is starting, and a moment longer than the world before."""
        await self._quiet.wait()
        now_s = asyncio.get_running_loop().time()
        at_s = max(now_s, self._next_play_s)
        self._next_play_s = at_s + SPACING_S
        await asyncio.sleep(at_s - now_s)


def worlds_at_once(engine: Engine, scenarios: Sequence[Scenario]) -> int | None:
    """How many worlds this system's open files are enough for; None where all of them fit.

    Raises this process's limit first, as far as the system lets it.
    """
    if not getattr(engine, "in_real_time", False) or len(scenarios) < 2:
        return None
    fit = worlds_that_fit(scenarios, granted_files())
    return fit if fit < len(scenarios) else None


async def play_all(
    scenarios: Sequence[Scenario],
    *,
    engine: Engine,
    target: Target,
    watcher: Watcher,
    jobs: int | None = None,
    seed: int = 0,
    report: Path | None = None,
    starts: Starts | None = None,
    keep_secrets: bool = False,
) -> list[Played]:
    """Play all scenarios, the longest first, `jobs` at a time (all by default).

    Histories are written to `report` as they grow. Runs that go on side by side in one process
    share `starts`, so that worlds of one don't start while those of another begin to play. When
    cancelled, the worlds are taken down, and what was seen by then is judged (inconclusive) and
    told to the watcher. Where the target can't be started at all (`starts.hopeless`), no further
    world is, and nothing is told to the watcher: the caller says it once.
    """
    order = sorted(scenarios, key=lambda scenario: -scenario.duration)
    most: int | None = getattr(engine, "most_at_once", None)  # where starting all would be unwise
    if target.url is not None:
        most, jobs = 1, None  # scenarios share the breakers of a target that goes on running
    most = jobs or most or max(1, len(order))
    if (fit := worlds_at_once(engine, order)) is not None:
        most = min(most, fit)
    room = asyncio.Semaphore(most)
    starts = starts or Starts()
    # Judging takes tens of milliseconds in a thread of its own: the senders must not wait for it.
    sys.setswitchinterval(0.0005)
    played: dict[str, Played] = {}

    async def one(scenario: Scenario) -> None:
        try:
            reason = engine.unplayable(scenario) or unplayable_against(target, scenario)
            if reason is not None:
                item = Played(
                    scenario=scenario, events=(), judgement=not_in_scope(scenario, reason)
                )
            else:
                async with room:
                    began_s = time.monotonic()
                    item = await _play(
                        scenario, engine, target, watcher, seed, report, starts, keep_secrets
                    )
                    item = replace(item, real_s=time.monotonic() - began_s)
        except Exception as error:  # a defect of the harness must not take the others along
            item = Played(
                scenario=scenario, events=(), judgement=unjudged(scenario, own_error(error))
            )
        played[scenario.file] = item
        if starts.hopeless:
            starts.kept.append(item)
        else:
            watcher.done(item)

    async with asyncio.TaskGroup() as group:
        for scenario in order:
            group.create_task(one(scenario))
    if not starts.hopeless:
        for each in starts.kept:
            watcher.done(each)
    return [played[scenario.file] for scenario in scenarios]


async def _play(
    scenario: Scenario,
    engine: Engine,
    target: Target,
    watcher: Watcher,
    seed: int,
    report: Path | None,
    starts: Starts,
    keep_secrets: bool,
) -> Played:
    path = None if report is None else report / f"{scenario.name}.history.jsonl"
    with belongings.folder() as folder:
        job = Job(
            scenario=scenario,
            timeline=compile_timeline(scenario),
            target=target,
            seed=seed,
            folder=folder,
            keep_secrets=keep_secrets,
        )
        recorder = Recorder(path, Redactor.of_job(job).event)
        try:
            async with starts.one() as started:
                if starts.refused is not None and not starts.came_up:
                    raise starts.refused

                async def gate() -> None:
                    starts.came_up = True
                    started()
                    await starts.may_play()

                await engine.play(
                    job, recorder, lambda progress: watcher.progress(scenario, progress), gate
                )
                starts.came_up = True  # also of an engine that needs no gate
        except TargetError as error:
            starts.refused = starts.refused or error
            recorder(
                Trouble(
                    at_s=_last_s(recorder.events), by="engine", what=str(error), late=error.late
                )
            )
        except HarnessError as error:
            late = isinstance(error, WorldError) and error.late
            recorder(
                Trouble(at_s=_last_s(recorder.events), by="engine", what=str(error), late=late)
            )
        except Exception as error:
            recorder(Trouble(at_s=_last_s(recorder.events), by="engine", what=own_error(error)))
        except asyncio.CancelledError:
            recorder(Trouble(at_s=_last_s(recorder.events), by="engine", what="interrupted"))
            watcher.done(_judged(scenario, recorder))
            raise
        finally:
            recorder.close()
    return await asyncio.to_thread(_judged, scenario, recorder)


def _judged(scenario: Scenario, recorder: Recorder) -> Played:
    events = tuple(recorder.events)
    try:
        judgement = judge(scenario, events)
    except Exception as error:
        judgement = unjudged(scenario, own_error(error))
    return Played(scenario=scenario, events=events, judgement=judgement, unsaved=recorder.problem)


def _last_s(events: Sequence[Event]) -> float:
    return events[-1].at_s if events else 0.0
