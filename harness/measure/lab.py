"""Plays experiments on one target, with an engine, and counts them."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Callable, Collection
from pathlib import Path

from harness.engines.base import Engine, Job, Progress
from harness.errors import UsageError
from harness.history.events import Event
from harness.history.view import History
from harness.machine import belongings
from harness.measure.experiment import Experiment
from harness.measure.reading import Reading
from harness.scenario.model import Scenario
from harness.target import Target
from harness.timeline import compile_timeline

Tell = Callable[[str], None]
"""Takes a line on how far it is."""


class Lab:
    """One target on one engine. Its own account of itself is no evidence here."""

    def __init__(self, target: Target, engine: Engine, tell: Tell, *, seed: int = 0) -> None:
        self.target = target.model_copy(update={"status": None, "log": None})
        self.engine = engine
        self._tell = tell
        self.plays = 0
        self.background: dict[str, frozenset[str]] = {}
        """Routes of calls that no request causes, by upstream."""
        self._seed = seed

    async def play(self, experiment: Experiment, *, lead_s: float = 0.0) -> Reading:
        """What one experiment shows; `lead_s` as `Reading` takes it.

        Raises: WorldError, TargetError; UsageError where the play itself went wrong.
        """
        history = await self.history(experiment.scenario())
        ignored: Collection[str] = self.background.get(experiment.upstream, ())
        return Reading(history, experiment.upstream, ignored=ignored, lead_s=lead_s)

    async def history(self, scenario: Scenario) -> History:
        """What a play of a scenario leaves.

        Raises: as `play`.
        """
        self.plays += 1
        folder = Path(tempfile.mkdtemp(dir=belongings.root()))
        events: list[Event] = []
        try:
            job = Job(
                scenario=scenario,
                timeline=compile_timeline(scenario),
                target=self.target,
                seed=self._seed,
                folder=folder,
            )
            await self.engine.play(job, events.append, self._report, _at_once)
        finally:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
        history = History(events)
        if history.troubles:
            raise UsageError(f"{self.target.name} can't be measured: {history.troubles[0]}")
        return history

    def _report(self, progress: Progress) -> None:
        if progress.notice is not None:
            self._tell(progress.notice)


async def _at_once() -> None:
    """Nobody needs to be waited for."""
