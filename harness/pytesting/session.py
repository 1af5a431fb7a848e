"""The plays of one pytest session: its options, scenarios side by side, and one report of all."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from msgspec.structs import replace

from harness.bundled import PLAYED
from harness.cli.run import make_engine
from harness.engines.base import Engine, check_blast_radius
from harness.errors import HarnessError
from harness.frozen import Frozen
from harness.history.events import Run
from harness.report.outcome import Played as Reported
from harness.report.provenance import Provenance, provenance_of
from harness.report.secrets import clean_source
from harness.report.write import keep_scenario, prepare_folder, write_reports, write_whole
from harness.runs.runner import Played, play_all
from harness.runs.saved import judge_folder
from harness.scenario.loader import load_each
from harness.scenario.model import Scenario
from harness.target import Target
from harness.target.known import hold_known
from harness.target.loading import load_target


class Options(Frozen, kw_only=True):
    """How a session plays: from the command line, else from its ini file."""

    engine: str = "local"
    proxy: str = "auto"
    target: str = "reference"
    seed: int = 0
    jobs: int | None = None
    report: Path | None = None
    run: str = ""
    """Of a worker of xdist: what the session's histories are called, as its controller says."""


class Plays:
    """All that one session plays."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self._done: dict[tuple[Path, str], Played | HarnessError] = {}
        self._reported: list[Played] = []
        self.built: dict[str, str] = {}
        """The YAML of scenarios that no file holds, by name."""
        self._names: set[str] = set()
        self._made: Provenance | None = None
        self.run = ""
        """By what this session's histories are told from older ones in its folder."""
        self._simulation: Engine | None = None
        """One for all plays of the session: its process takes as long to start as several of them.
        """

    def close(self) -> None:
        """End the simulation, if there was one."""
        if self._simulation is not None:
            asyncio.run(self._simulation.close())

    def prepare(self) -> None:
        """Begin a report anew, if one is asked for."""
        if self.options.report is not None:
            prepare_folder(self.options.report)
            self._made = provenance_of(load_target(self.options.target))
            self.run = self._made.run or ""

    def play_files(self, files: Sequence[tuple[Path, str, str]]) -> None:
        """Play scenario files side by side; `result` tells what became of each.

        Each with the combination of its matrix that is meant, if it has one, and a name.

        A file that can't be used is its own item's trouble, and keeps no other from its play.
        """
        target = load_target(self.options.target)
        good: dict[tuple[Path, str], Scenario] = {}
        for path, combination, name in files:
            try:
                several = load_each(path, target=target)
                scenario = next(one for one in several if one.combination == combination)
            except HarnessError as error:
                self._done[path, combination] = error
            else:
                good[path, combination] = scenario.model_copy(update={"name": name})
        played = self.play(list(good.values()), target=target)
        self._done |= zip(good, played, strict=True)

    def played(self, path: Path, combination: str) -> bool:
        """Whether a file, or one combination of it, has had its turn."""
        return (path, combination) in self._done

    def result(self, path: Path, combination: str) -> Played:
        """What became of a file, or of one combination of it.

        Raises: HarnessError when it, or the target, can't be used.
        """
        found = self._done[path, combination]
        if isinstance(found, HarnessError):
            raise found
        return found

    def play(
        self,
        scenarios: Sequence[Scenario],
        *,
        target: Target,
        engine: str | None = None,
        seed: int | None = None,
    ) -> list[Played]:
        """Play scenarios side by side as the options say.

        Raises: HarnessError when the target or the machine can't do that.
        """
        if not scenarios:
            return []
        texts = [self.built.get(scenario.name) for scenario in scenarios]
        scenarios = [self._named(scenario) for scenario in scenarios]
        options = self.options
        chosen_seed = options.seed if seed is None else seed
        check_blast_radius(target, allow_remote=False, proxy=options.proxy)
        made = self._engine(engine or options.engine, chosen_seed, target)

        async def all_of_them() -> list[Played]:
            try:
                return await play_all(
                    scenarios,
                    engine=made,
                    target=target,
                    watcher=_Silent(),
                    jobs=options.jobs,
                    seed=chosen_seed,
                    report=options.report,
                    name=options.run or self.run,
                )
            finally:
                if made is not self._simulation:
                    await made.close()

        played = asyncio.run(all_of_them())
        if options.report is not None:
            for scenario, text in zip(scenarios, texts, strict=True):
                if text is None:
                    keep_scenario(options.report, scenario)
                else:
                    write_whole(options.report / f"{scenario.name}{PLAYED}", clean_source(text))
        self._reported += played
        return played

    def _engine(self, name: str, seed: int, target: Target) -> Engine:
        made = self._simulation if name == "sim" else None
        if made is None:
            made = make_engine(name, self.options.proxy, seed=seed, target=target)
        if name == "sim":
            self._simulation = made
        return made

    def _named(self, scenario: Scenario) -> Scenario:
        """Under a name of its own: a report keeps one history for each."""
        names = (scenario.name, *(f"{scenario.name}-{n}" for n in range(2, len(self._names) + 3)))
        name = next(each for each in names if each not in self._names)
        self._names.add(name)
        return scenario.model_copy(update={"name": name})

    def write(self, *, others: bool) -> None:
        """Write the report, if one is asked for; `others` played in processes of their own, too.

        Raises: HarnessError when that can't be done.
        """
        folder = self.options.report
        if folder is None:
            return
        played: Sequence[Reported] = self._reported
        known = load_target(self.options.target).known_failures
        if others and any(folder.glob("*.history.jsonl")):
            today = datetime.now(UTC).date()
            played = [
                replace(each, judgement=hold_known(each.judgement, known, today))
                for each in judge_folder(folder)
                if any(isinstance(e, Run) and e.run == self.run for e in each.events[:50])
            ]
        mine = self._reported
        made = replace(
            self._made or Provenance(),
            real_s={p.scenario.name: p.real_s for p in mine if p.real_s is not None},
            zero_unix_s={p.scenario.name: p.zero_unix_s for p in mine if p.zero_unix_s is not None},
        )
        write_reports(folder, played, made=made, known=known)


class _Silent:
    """A watcher that keeps quiet: pytest reports."""

    def progress(self, _scenario: object, _progress: object) -> None:
        """Nothing is shown."""

    def done(self, _played: object) -> None:
        """Nothing is shown."""
