"""Plays several scenarios side by side on one engine, and judges what each left."""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from msgspec.structs import replace

from harness.engines.base import Engine, Job, Progress, unplayable_against
from harness.engines.redact import Redactor
from harness.errors import HarnessError, TargetError, WorldError, own_error
from harness.frozen import Frozen
from harness.history.events import Event, Phase, Trouble
from harness.history.store import Recorder
from harness.machine import belongings
from harness.machine.starts import SPACING_S, Starts
from harness.runs.repeats import Repeats, history_suffix
from harness.scenario.model import Scenario
from harness.target import Target
from harness.target.known import hold_known
from harness.timeline import compile_timeline
from harness.verdict import Judgement, Verdict

if TYPE_CHECKING:
    from harness.engines.room import Room
    from harness.report.scene import Scene

EARLIER = ".history.attempt-{}.jsonl"
"""How the history of an earlier play ends: `outage judge` reads the last one's only."""
FEWER = 4
"""What is played again has a fourth as many beside it."""
_SHOWN = (Verdict.FAILED, Verdict.INCONCLUSIVE)
"""What is shown to people with what it looked like."""
_JUDGE = ThreadPoolExecutor(max_workers=1, thread_name_prefix="judge")
"""All that is played is judged here, one after the other: each more that is judged at the same time
makes whoever sends requests wait as long again for the interpreter."""


class Played(Frozen, kw_only=True):
    """One scenario's history and judgement."""

    scenario: Scenario
    events: Sequence[Event]
    judgement: Judgement
    scene: Scene | None = None
    """What it looked like; None where nothing was played, or nobody looks: it is in no report, and
    nothing is wrong with it."""
    unsaved: str | None = None
    """Why its history is not in the report whole."""
    zero_unix_s: float | None = None
    """When 0s was, by the wall clock; where time was virtual, when the play was recorded."""
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


def worlds_at_once(engine: Engine, scenarios: Sequence[Scenario]) -> Room | None:
    """How many worlds this system has room for; None where all of them fit.

    Raises this process's limit of open files first, as far as the system lets it.
    """
    if not getattr(engine, "in_real_time", False) or len(scenarios) < 2:
        return None
    from harness.engines.room import room_for  # which only what takes real time needs

    return room_for(scenarios)


def plays_at_once(
    scenarios: Sequence[Scenario], *, engine: Engine, target: Target, jobs: int | None
) -> int:
    """How many of these are played side by side."""
    most: int | None = getattr(engine, "most_at_once", None)  # where starting all would be unwise
    if target.url is not None:
        most, jobs = 1, None  # scenarios share the breakers of a target that goes on running
    at_once = jobs or most or max(1, len(scenarios))
    room = worlds_at_once(engine, scenarios)
    return at_once if room is None else min(at_once, room.worlds)


def longest_first(scenarios: Sequence[Scenario]) -> list[Scenario]:
    """In the order in which they are played."""
    return sorted(scenarios, key=lambda scenario: -scenario.duration)


def in_all_s(scenarios: Sequence[Scenario], at_once: int) -> float:
    """How long these last, so many side by side; starting them (`starts_s`) comes on top."""
    places = [0.0] * min(at_once, len(scenarios))
    for scenario in longest_first(scenarios):
        heapq.heapreplace(places, places[0] + scenario.duration)
    return max(places, default=0.0)


def starts_s(engine: Engine, worlds: int) -> float:
    """How much longer so many take at the most for being started and ended, on a quiet machine."""
    from harness.machine.grants import processors

    each_s: float = getattr(engine, "start_s", 0.0)  # of a processor's time
    return worlds * (each_s / processors() + SPACING_S)


async def play_all(
    scenarios: Sequence[Scenario],
    *,
    engine: Engine,
    target: Target,
    watcher: Watcher,
    jobs: int | None = None,
    retries: int = 0,
    repeat: int = 1,
    seed: int = 0,
    report: Path | None = None,
    starts: Starts | None = None,
    keep_secrets: bool = False,
    name: str = "",
) -> list[Played]:
    """Play all scenarios, the longest first, `jobs` at a time (all by default).

    What only a busy machine kept from a verdict is played again up to `retries` times when all
    others have ended, with fewer beside it. All of that goes on `repeat` times, each with the next
    seed, and of each scenario the worst play counts. Histories are written to `report` as they
    grow, and say the run's `name`. Runs that go on side by side in one process share `starts`, so
    that worlds of one don't start while those of another begin to play. When cancelled, the worlds
    are taken down, and what was seen by then is judged (inconclusive) and told to the watcher.
    Where the target can't be started at all (`starts.hopeless`), no further world is, and nothing
    is told to the watcher: the caller says it once.
    """
    order = longest_first(scenarios)
    at_once = plays_at_once(order, engine=engine, target=target, jobs=jobs)
    starts = starts or Starts()
    # Judging takes tens of milliseconds in a thread of its own: the senders must not wait for it.
    sys.setswitchinterval(0.0005)
    repeats = Repeats(watcher, count=repeat, seed=seed, report=report)
    try:
        for number in range(repeat):
            run = _Run(engine, target, repeats, seed, number, report, starts, keep_secrets, name)
            await run.all(order, at_once=at_once, retries=retries)
            if starts.hopeless:
                return [run.played[scenario.name] for scenario in scenarios]
    finally:
        repeats.tell_the_rest()
    return [repeats.told[scenario.name] for scenario in scenarios]


class _Run:
    """The plays of one round of all, by scenario: the last of each, and why there were others."""

    def __init__(
        self,
        engine: Engine,
        target: Target,
        watcher: Watcher,
        seed: int,
        number: int,
        report: Path | None,
        starts: Starts,
        keep_secrets: bool,
        name: str,
    ) -> None:
        self._engine = engine
        self._target = target
        self._watcher = watcher
        self._seed = seed + number
        self._number = number
        self._report = report
        self._starts = starts
        self._keep_secrets = keep_secrets
        self._name = name
        self._told: set[str] = set()
        self.played: dict[str, Played] = {}

    def too_busy(self, scenario: Scenario) -> bool:
        """Whether only a busy machine kept it from a verdict."""
        return self.played[scenario.name].judgement.busy is not None

    async def all(self, order: Sequence[Scenario], *, at_once: int, retries: int) -> None:
        """Play all, and again what only a busy machine kept from a verdict."""
        try:
            await self._round(order, at_once=at_once, last=retries == 0)
            for number in range(1, retries + 1):
                again = [scenario for scenario in order if self.too_busy(scenario)]
                at_once = max(1, min(at_once, len(order)) // FEWER)
                await self._round(again, at_once=at_once, last=number == retries)
        finally:
            self.tell_the_rest()

    async def _round(self, scenarios: Sequence[Scenario], *, at_once: int, last: bool) -> None:
        """Play these, so many at a time; what is to be played again is not told as done yet."""
        room = asyncio.Semaphore(at_once)
        async with asyncio.TaskGroup() as group:
            for scenario in scenarios:
                group.create_task(self._one(scenario, room, last=last))

    async def _one(self, scenario: Scenario, room: asyncio.Semaphore, *, last: bool) -> None:
        before = self.played.get(scenario.name)
        try:
            reason = self._engine.unplayable(scenario)
            reason = reason or unplayable_against(self._target, scenario)
            if reason is not None:
                from harness.judge import not_in_scope

                judgement = not_in_scope(scenario, reason)
                item = Played(scenario=scenario, events=(), judgement=judgement)
            else:
                async with room:
                    began_s = time.monotonic()
                    item = await self._play(scenario, before)
                    item = replace(item, real_s=time.monotonic() - began_s)
        except Exception as error:  # a defect of the harness must not take the others along
            from harness.judge import unjudged

            judgement = unjudged(scenario, own_error(error))
            item = Played(scenario=scenario, events=(), judgement=judgement)
        item = self.played[scenario.name] = item if before is None else _after(before, item)
        if self._starts.hopeless:
            return
        if last or item.judgement.busy is None:
            self._tell(item)
            return
        why = f"{scenario.name} is to be played again: {item.judgement.busy}"
        self._watcher.progress(scenario, Progress(doing="to be played again", notice=why))

    def _tell(self, item: Played) -> None:
        self._told.add(item.scenario.name)
        self._watcher.done(item)

    def tell_the_rest(self) -> None:
        """What was kept back: to be played again, or as long as the target could not be started."""
        for name, item in self.played.items():
            if name not in self._told and not self._starts.hopeless:
                self._tell(item)

    async def _play(self, scenario: Scenario, before: Played | None) -> Played:
        path = self._path(scenario, before)

        def report(progress: Progress) -> None:
            self._watcher.progress(scenario, progress)

        def tell(words: str) -> None:
            report(Progress(doing=words, notice=words))

        with belongings.folder() as folder:
            job = Job(
                scenario=scenario,
                timeline=compile_timeline(scenario),
                target=self._target,
                seed=self._seed,
                folder=folder,
                keep_secrets=self._keep_secrets,
                run=self._name,
            )
            recorder = Recorder(path, Redactor.of_job(job).event)
            zero_unix_s: list[float] = []

            def record(event: Event) -> None:
                if isinstance(event, Phase) and event.phase == "play":
                    zero_unix_s.append(time.time())
                recorder(event)

            try:
                async with self._starts.one(tell) as gate:
                    await self._engine.play(job, record, report, gate)
                    self._starts.came_up = True  # also of an engine that needs no gate
            except TargetError as error:
                self._starts.refused = self._starts.refused or error
                _trouble(recorder, str(error), late=error.late)
            except HarnessError as error:
                late = isinstance(error, WorldError) and error.late
                _trouble(recorder, str(error), late=late)
            except Exception as error:
                _trouble(recorder, own_error(error))
            except asyncio.CancelledError:
                _trouble(recorder, "interrupted")
                self._tell(self._judged(scenario, recorder))
                raise
            finally:
                recorder.close()
        loop = asyncio.get_running_loop()
        played = await loop.run_in_executor(_JUDGE, self._judged, scenario, recorder)
        return replace(played, zero_unix_s=zero_unix_s[0] if zero_unix_s else None)

    def _judged(self, scenario: Scenario, recorder: Recorder) -> Played:
        from harness.checks.case import Case
        from harness.history.view import History
        from harness.judge import judge_case, unjudged

        events = tuple(recorder.events)
        scene = None
        try:
            today = datetime.now(UTC).date()
            case = Case(scenario, History(events))
            judged = judge_case(case)
            if self._report is not None or judged.verdict in _SHOWN:
                from harness.report.scene import observe

                scene = observe(case, judged)
            judgement = hold_known(judged, self._target.known_failures, today)
        except Exception as error:
            judgement = unjudged(scenario, own_error(error))
        return Played(
            scenario=scenario,
            events=events,
            judgement=judgement,
            scene=scene,
            unsaved=recorder.problem,
        )

    def _path(self, scenario: Scenario, before: Played | None) -> Path | None:
        """Where its history goes; that of the play before makes room."""
        if self._report is None:
            return None
        path = self._report / f"{scenario.name}{history_suffix(self._number)}"
        if before is not None:
            of = f"{self._number + 1}." if self._number else ""
            again = f"{of}{before.judgement.plays}"
            with contextlib.suppress(OSError):  # that play left none
                path.replace(path.with_name(scenario.name + EARLIER.format(again)))
        return path


def _after(before: Played, item: Played) -> Played:
    """A play with why there was one before it."""
    earlier = (*before.judgement.played_again, before.judgement.busy or "")
    judgement = replace(item.judgement, plays=len(earlier) + 1, played_again=earlier)
    return replace(item, judgement=judgement)


def _trouble(recorder: Recorder, what: str, *, late: bool = False) -> None:
    at_s = recorder.events[-1].at_s if recorder.events else 0.0
    recorder(Trouble(at_s=at_s, by="engine", what=what, late=late))
