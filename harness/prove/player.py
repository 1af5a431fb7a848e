"""Plays a scenario against gateways that ought to fail it, until each expectation has failed."""

from __future__ import annotations

import asyncio
import math
import os
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from msgspec import Struct

from harness.engines.base import Job
from harness.engines.sim.engine import SimEngine
from harness.errors import HarnessError
from harness.history.events import Event
from harness.history.view import History
from harness.prove.ledger import Ledger
from harness.prove.order import Order, may_break
from harness.prove.variants import Defective, Variant, without_faults, without_resilience
from harness.scenario.model import Scenario
from harness.target import Target
from harness.timeline import compile_timeline

QUICK = 3
"""So many defects are tried for each expectation where there is little time."""


class Proof(Struct):
    """What proving one scenario came to."""

    ledger: Ledger
    trouble: str | None = None
    """Why nothing can be said of it."""


class Prover:
    """Plays variants of scenarios, as many at once as the machine has CPUs.

    Scenarios are taken up one after another, so that there is always something to tell.
    """

    def __init__(
        self,
        target: Target,
        defects: Sequence[Defective],
        done: Callable[[Proof], None],
        most_others: float = math.inf,
    ) -> None:
        """`done`: told of each scenario as soon as nothing more can be found out; `most_others`:
        defects tried for each expectation beyond those that its scenario is known to fail.
        """
        self._target = target
        self._done = done
        self._most_others = most_others
        self._engine = SimEngine()
        self._order = Order(defects)
        self.plays = 0
        self.finished = 0

    async def prove(self, scenarios: Sequence[Scenario]) -> list[Proof]:
        """Prove all scenarios, side by side; in their order."""
        room = asyncio.Semaphore((os.cpu_count() or 1) + 1)  # one is judged while others play

        async def one(scenario: Scenario) -> Proof:
            async with room:
                return await self._one(scenario)

        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(one(scenario)) for scenario in scenarios]
            return [task.result() for task in tasks]
        finally:
            await self._engine.close()

    async def _one(self, scenario: Scenario) -> Proof:
        proof = Proof(ledger=Ledger(scenario))
        proof.trouble = self._engine.unplayable(scenario) or await self._sound(proof.ledger)
        if proof.trouble is None:
            for variant in self._cheap(scenario):
                if proof.ledger.open:
                    await self._try(variant, proof.ledger)
            await self._try_defects(proof.ledger)
        self.finished += 1
        self._done(proof)
        return proof

    def _cheap(self, scenario: Scenario) -> Iterator[Variant]:
        """What needs no defect: it comes first."""
        yield without_faults(scenario, self._target)
        naive = without_resilience(scenario, self._target)
        if naive is not None and naive.target.name != self._target.name:
            yield naive

    async def _try_defects(self, ledger: Ledger) -> None:
        """Those that are likely to fail what is open, until nothing is or none is left."""
        scenario, tried, asked = ledger.scenario, set[str](), Counter[int]()
        while questions := ledger.questions:
            enough = [index for index in questions if asked[index] >= self._most_others]
            defect = self._order.following(scenario, questions, tried, known_only=enough)
            if defect is None:
                return
            tried.add(defect.id)
            fits = [index for index in questions if may_break(defect, questions[index])]
            if scenario.name not in defect.scenarios:
                asked.update(fits)
            variant = Variant(label=defect.id, scenario=scenario, target=defect.target)
            if await self._try(variant, ledger):
                self._order.learn(defect, scenario, fits, ledger.failed_in(variant.label))

    async def _try(self, variant: Variant, ledger: Ledger) -> bool:
        """Play one and judge it; whether it counts."""
        history = await self._play(variant)
        if isinstance(history, str):
            ledger.lost[variant.label] = history
            return False
        return await asyncio.to_thread(ledger.add, variant.label, variant.scenario, history)

    async def _sound(self, ledger: Ledger) -> str | None:
        own = Variant(label="sound", scenario=ledger.scenario, target=self._target)
        history = await self._play(own)
        if isinstance(history, str):
            return history
        return await asyncio.to_thread(ledger.begin, history)

    async def _play(self, variant: Variant) -> History | str:
        """A play's history, or why there is none."""
        events: list[Event] = []
        with tempfile.TemporaryDirectory(prefix="outage-", ignore_cleanup_errors=True) as folder:
            job = Job(
                scenario=variant.scenario,
                timeline=compile_timeline(variant.scenario),
                target=variant.target,
                folder=Path(folder),
            )
            self.plays += 1
            try:
                await self._engine.play(job, events.append, lambda _: None, _at_once)
            except HarnessError as error:
                return str(error)
        return History(events)


async def _at_once() -> None:
    """Virtual time needs to wait for nobody."""
