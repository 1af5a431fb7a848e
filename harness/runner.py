"""Plays several scenarios side by side on one engine, and judges what each left."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from harness.engines.base import Engine, Job, Progress
from harness.errors import HarnessError
from harness.history.events import Event, Trouble
from harness.history.store import Recorder
from harness.judge import judge
from harness.scenario.model import Scenario
from harness.target import Target
from harness.timeline import compile_timeline
from harness.verdict import Judgement

STARTS_AT_ONCE = 4
"""Worlds that may be starting at the same time; more only slow each other down."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """One scenario's history and judgement."""

    scenario: Scenario
    events: Sequence[Event]
    judgement: Judgement


class Watcher(Protocol):
    """Is told how a run goes on, from the loop's thread."""

    def progress(self, scenario: Scenario, progress: Progress) -> None:
        """A scenario got somewhere."""
        ...

    def done(self, played: Played) -> None:
        """A scenario has been judged, at its end or when the run was interrupted."""
        ...


@dataclass(slots=True)
class _Starts:
    """Lets at most `STARTS_AT_ONCE` worlds start, and nobody play while any does."""

    waiting: int
    quiet: asyncio.Event = field(default_factory=asyncio.Event)
    slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(STARTS_AT_ONCE))

    @contextlib.asynccontextmanager
    async def one(self) -> AsyncIterator[Callable[[], None]]:
        """The right to start a world; call what this gives as soon as it is up."""
        await self.slots.acquire()
        self.quiet.clear()
        ended = False

        def end() -> None:
            nonlocal ended
            if not ended:
                ended = True
                self.slots.release()
                self.waiting -= 1
                if self.waiting == 0:
                    self.quiet.set()

        try:
            yield end
        finally:
            end()


async def play_all(
    scenarios: Sequence[Scenario],
    *,
    engine: Engine,
    target: Target,
    watcher: Watcher,
    jobs: int | None = None,
    seed: int = 0,
    report: Path | None = None,
) -> list[Played]:
    """Play all scenarios, the longest first, `jobs` at a time (all by default).

    Histories are written to `report` as they grow. When cancelled, the worlds are taken down, and
    what was seen by then is judged (inconclusive) and told to the watcher.
    """
    order = sorted(scenarios, key=lambda scenario: -scenario.duration)
    room = asyncio.Semaphore(jobs or max(1, len(order)))
    starts = _Starts(waiting=min(jobs or len(order), len(order)))
    played: dict[str, Played] = {}

    async def one(scenario: Scenario) -> None:
        async with room:
            played[scenario.file] = await _play(
                scenario, engine, target, watcher, seed, report, starts
            )

    async with asyncio.TaskGroup() as group:
        for scenario in order:
            group.create_task(one(scenario))
    return [played[scenario.file] for scenario in scenarios]


async def _play(
    scenario: Scenario,
    engine: Engine,
    target: Target,
    watcher: Watcher,
    seed: int,
    report: Path | None,
    starts: _Starts,
) -> Played:
    path = None if report is None else report / f"{scenario.name}.history.jsonl"
    recorder = Recorder(path)
    with tempfile.TemporaryDirectory(prefix="outage-", ignore_cleanup_errors=True) as folder:
        job = Job(
            scenario=scenario,
            timeline=compile_timeline(scenario),
            target=target,
            seed=seed,
            folder=Path(folder),
        )
        try:
            async with starts.one() as started:

                async def gate() -> None:
                    started()
                    await starts.quiet.wait()

                await engine.play(
                    job, recorder, lambda progress: watcher.progress(scenario, progress), gate
                )
        except HarnessError as error:
            recorder(Trouble(at_s=_last_s(recorder.events), by="engine", what=str(error)))
        except asyncio.CancelledError:
            recorder(Trouble(at_s=_last_s(recorder.events), by="engine", what="interrupted"))
            raise
        finally:
            recorder.close()
            played = Played(
                scenario=scenario,
                events=tuple(recorder.events),
                judgement=judge(scenario, recorder.events),
            )
            watcher.done(played)
    return played


def _last_s(events: Sequence[Event]) -> float:
    return events[-1].at_s if events else 0.0
