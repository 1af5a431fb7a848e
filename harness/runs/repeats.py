"""Scenarios played several times: which play counts, and what became of all of them."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from harness.history.store import HISTORY
from harness.verdict import WORST_FIRST, Repeat

if TYPE_CHECKING:
    from harness.engines.base import Progress
    from harness.runs.runner import Played, Watcher
    from harness.scenario.model import Scenario

REPEATED = ".history.play-{}.jsonl"
"""How the history of another play ends; that of the play that counts has no number."""


def history_suffix(number: int) -> str:
    """How the history of a play ends while all are played: of the first (0) as of a single one."""
    return REPEATED.format(number + 1) if number else HISTORY


class Repeats:
    """Stands before a watcher: of each scenario it is told the worst play, when all have ended."""

    def __init__(self, watcher: Watcher, *, count: int, seed: int, report: Path | None) -> None:
        self._watcher = watcher
        self._count = count
        self._seed = seed
        self._report = report
        self._plays: dict[str, list[Played]] = {}
        self.told: dict[str, Played] = {}
        """What the watcher was told, by the scenario's file."""

    def progress(self, scenario: Scenario, progress: Progress) -> None:
        """A scenario got somewhere."""
        self._watcher.progress(scenario, progress)

    def done(self, played: Played) -> None:
        """One of its plays has ended."""
        plays = self._plays.setdefault(played.scenario.name, [])
        plays.append(played)
        if len(plays) == self._count:
            self._tell(plays)

    def tell_the_rest(self) -> None:
        """All is over, and some were not played as often as they should have been."""
        for file, plays in self._plays.items():
            if file not in self.told:
                self._tell(plays)

    def _tell(self, plays: Sequence[Played]) -> None:
        worst = plays[0] if self._count == 1 else self._worst(plays)
        self.told[worst.scenario.name] = worst
        self._watcher.done(worst)

    def _worst(self, plays: Sequence[Played]) -> Played:
        """The first of the worst, with what became of all; its history gets the scenario's name."""
        severity = [WORST_FIRST.index(each.judgement.verdict) for each in plays]
        number = severity.index(min(severity))
        chosen = plays[number]
        if number and self._report is not None:
            name = chosen.scenario.name
            history = self._report / f"{name}{HISTORY}"
            with contextlib.suppress(OSError):  # what couldn't be saved is said by its play
                history.replace(self._report / f"{name}{REPEATED.format(1)}")
                (self._report / f"{name}{history_suffix(number)}").replace(history)
        repeats = tuple(
            Repeat(seed=self._seed + index, verdict=each.judgement.verdict)
            for index, each in enumerate(plays)
        )
        return replace(chosen, judgement=replace(chosen.judgement, repeats=repeats))
