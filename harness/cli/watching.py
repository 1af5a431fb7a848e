"""`outage run --watch`: scenarios played again in the simulation whenever a file is saved.

Files are looked at a few times a second instead of asking the system to tell: a handful of `stat`
calls costs nothing, misses no editor that replaces files instead of writing them, and works on
network drives and in containers, where notices get lost. One nursery stays warm throughout.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from harness.bundled import find_scenarios
from harness.engines.base import Job, unplayable_against
from harness.engines.sim.engine import SimEngine
from harness.errors import HarnessError, TargetError
from harness.judge import judge, not_in_scope, unjudged
from harness.machine import belongings
from harness.printable import in_line
from harness.report.text import details, told_line, totals
from harness.scenario.loader import load_scenarios
from harness.scenario.model import Scenario
from harness.target import Target
from harness.target.known import hold_known
from harness.target.loading import load_target
from harness.timeline import compile_timeline
from harness.verdict import Judgement

LOOK_EVERY_S = 0.1
_SETTLES_S = 0.03
"""A file that is written in two goes is whole after so long; many an editor empties it first."""
_MOST_SOURCES = 2000
"""Files of a target's own code that are looked at."""
_NOT_OURS = ("node_modules", "site-packages", "__pycache__", "venv")

Stamps = Mapping[Path, tuple[int, int]]
"""When each file was written, and its size; one that isn't there is left out."""


class Watch:
    """Plays what was saved, until interrupted."""

    def __init__(
        self,
        paths: Sequence[str],
        target_name: str,
        *,
        seed: int,
        lines: bool,
        console: Console,
        allow: Callable[[Target], None],
    ) -> None:
        self._paths = paths
        self._target_name = target_name
        self._seed = seed
        self._console = console
        self._allow = allow
        self._engine = SimEngine(lines=lines)
        self._target: Target | None = None

    def run(self, *, rounds: int | None = None) -> None:
        """Play all, then whatever is saved; for ever, or so many rounds."""
        try:
            before: Stamps = {}
            while rounds is None or rounds > 0:
                now = self._look()
                if now == before:
                    time.sleep(LOOK_EVERY_S)
                    continue
                settled(now, self._look, lambda: time.sleep(_SETTLES_S))
                loaded = self._loads()
                now = self._look()  # at what the target has now
                changed = {
                    file for file in now.keys() | before.keys() if now.get(file) != before.get(file)
                }
                before = now
                if loaded:
                    self.play(changed)
                rounds = None if rounds is None else rounds - 1
        finally:
            self._engine.close_now()

    def _loads(self) -> bool:
        """Whether the target can be read now: where its code is, and so what is looked at."""
        try:
            target = load_target(self._target_name)
            self._allow(target)
        except HarnessError as error:
            self._say(str(error), "bold red")
            return False
        self._target = target
        return True

    def play(self, changed: Iterable[Path]) -> list[Judgement]:
        """Play the scenarios among some files; all of them where something else was saved."""
        began_s = time.monotonic()
        target = self._target
        assert target is not None  # as loaded
        try:
            files = find_scenarios(self._paths)
            saved = [file for file in files if file.resolve() in set(changed)]
            # The target's own file or code: every scenario may end otherwise now.
            only_scenarios = set(changed) <= {file.resolve() for file in files}
            chosen = saved if only_scenarios and saved else files
            scenarios = load_scenarios(chosen, target=target, playable=bool(self._paths))
        except HarnessError as error:
            self._say(str(error), "bold red")
            return []
        judgements = [self._one(scenario, target) for scenario in scenarios]
        self._console.print(totals(judgements, wall_s=time.monotonic() - began_s))
        self._say("waiting for a file to be saved; Ctrl-C ends", "dim")
        return judgements

    def _one(self, scenario: Scenario, target: Target) -> Judgement:
        why_not = self._engine.unplayable(scenario) or unplayable_against(target, scenario)
        if why_not is not None:
            judgement = not_in_scope(scenario, why_not)
        else:
            try:
                judgement = self._judged(scenario, target)
            except TargetError as error:
                self._say(str(error), "red")
                judgement = unjudged(scenario, error.why)
            except HarnessError as error:
                judgement = unjudged(scenario, str(error))
        self._console.print(told_line(judgement))
        if judgement.verdict.value in ("failed", "inconclusive"):
            self._console.print(details(judgement))
        return judgement

    def _judged(self, scenario: Scenario, target: Target) -> Judgement:
        with belongings.folder() as folder:
            job = Job(
                scenario=scenario,
                timeline=compile_timeline(scenario),
                target=target,
                seed=self._seed,
                folder=folder,
            )
            events = self._engine.play_now(job)
        today = datetime.now(UTC).date()
        return hold_known(judge(scenario, events), target.known_failures, today)

    def _look(self) -> Stamps:
        return stamps(self._files())

    def _files(self) -> list[Path]:
        """Everything that a verdict rests on and that an author may save."""
        found: list[Path] = []
        try:
            found += find_scenarios(self._paths)
        except HarnessError:
            found += [Path(path) for path in self._paths]
        target = self._target
        if Path(self._target_name).is_file():
            found.append(Path(self._target_name))
        if target is not None and target.file and target.start is not None:
            found += sources(target.cwd)
        return [file.resolve() for file in found]

    def _say(self, text: str, style: str) -> None:
        for line in text.splitlines():
            self._console.print(in_line(line), style=style, markup=False)


def settled(now: Stamps, look: Callable[[], Stamps], wait: Callable[[], None]) -> Stamps:
    """What is there once nobody writes any more: what two looks see, with a wait between them."""
    while True:
        wait()
        before, now = now, look()
        if now == before:
            return now


def sources(folder: Path) -> list[Path]:
    """The Python files of a target's folder, without hidden ones and installed libraries."""
    found: list[Path] = []
    for parent, folders, names in os.walk(folder):
        folders[:] = [
            name for name in folders if not name.startswith(".") and name not in _NOT_OURS
        ]
        found += [Path(parent, name) for name in names if name.endswith(".py")]
        if len(found) >= _MOST_SOURCES:
            break
    return found[:_MOST_SOURCES]


def stamps(files: Iterable[Path]) -> Stamps:
    """When each file was last written."""
    found = {}
    for file in files:
        try:
            told = file.stat()
        except OSError:
            continue
        found[file] = (told.st_mtime_ns, told.st_size)
    return found
