"""Plays outages in the simulation and holds what they left against the promises."""

from __future__ import annotations

import contextlib

from harness.checks.case import Case
from harness.checks.promises import violations
from harness.checks.promises.violation import Violation
from harness.engines.base import Job
from harness.engines.sim.engine import SimEngine
from harness.errors import UsageError, WorldError
from harness.explore.looks import looks_of
from harness.explore.outage import Outage
from harness.explore.surface import Surface, healthy_outage, learn
from harness.frozen import Frozen
from harness.history.view import History
from harness.machine import belongings
from harness.scenario.model import Scenario
from harness.target import Target
from harness.timeline import compile_timeline


class Seen(Frozen, kw_only=True):
    """One play: what it left, and what it broke."""

    outage: Outage
    case: Case
    broken: tuple[Violation, ...]
    unproven: str | None = None
    """Why nothing that it broke counts, where that is so."""

    @property
    def history(self) -> History:
        """What it left."""
        return self.case.history

    def broke(self, key: tuple[str, str]) -> Violation | None:
        """The violation of that key, if it broke that."""
        return next((violation for violation in self.broken if violation.key == key), None)


class Player:
    """Plays one target's outages, one at a time, in a simulation of its own where none is given.
    Use as a context manager.

    Raises: UsageError on entry for a target that can't be explored, with the reason.
    """

    def __init__(self, target: Target, engine: SimEngine | None = None) -> None:
        self.target = target
        self.plays = 0
        self._ends = contextlib.ExitStack()
        self._own = self._ends.enter_context(belongings.folder())
        self._engine = engine or SimEngine()
        if engine is None:
            self._ends.callback(self._engine.close_now)
        self.surface: Surface

    def __enter__(self) -> Player:
        """Play once without faults, to learn what the target offers."""
        try:
            self.surface = self._learn()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """End its simulation."""
        self.close()

    def close(self) -> None:
        """End its simulation and remove its folder."""
        self._ends.close()

    def play(
        self,
        scenario: Scenario,
        seed: int,
        target: Target | None = None,
        *,
        looks_s: tuple[float, ...] | None = None,
    ) -> History:
        """Play a scenario; `looks_s`: when its status page is asked, where that is not to be as
        often as in a run.

        Raises: WorldError.
        """
        self.plays += 1
        folder = self._own
        job = Job(
            scenario=scenario,
            timeline=compile_timeline(scenario),
            target=target or self.target,
            seed=seed,
            folder=folder,
            looks_s=looks_s,
        )
        try:
            return History(self._engine.play_now(job))
        finally:
            for file in folder.iterdir():
                file.unlink(missing_ok=True)

    def try_out(self, outage: Outage) -> Seen:
        """Play an outage and judge it; a play that went wrong by itself breaks nothing."""
        scenario = outage.scenario()
        history = self.play(scenario, outage.seed, looks_s=looks_of(outage))
        case = Case(scenario, history)
        broken = () if history.troubles else violations(case)
        return Seen(outage=outage, case=case, broken=broken)

    def _learn(self) -> Surface:
        outage = healthy_outage(self.target)
        try:
            history = self.play(outage.scenario(), outage.seed)
        except WorldError as error:
            raise UsageError(str(error)) from error
        return learn(self.target, history)
