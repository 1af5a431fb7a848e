"""One run of the command: plays, shows what happens, writes the report, survives Ctrl-C."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace
from rich.console import Console

from harness.cli.entry import TARGET_REFUSED, say
from harness.cli.live import LiveDisplay
from harness.engines.base import Engine, Progress
from harness.errors import UsageError
from harness.machine import belongings
from harness.machine.starts import Starts
from harness.printable import in_line
from harness.report.links import PAGE
from harness.report.provenance import Provenance, provenance_of, run_name
from harness.runs.runner import Played, play_all, worlds_at_once
from harness.scenario.model import Scenario
from harness.target import Target
from harness.verdict import FailOn, Verdict, exit_status

if TYPE_CHECKING:
    from harness.runs.shards import Shard
    from harness.serve.broadcast import Broadcast

_LATER = ("harness.judge", "harness.report.outcome", "harness.report.text")
"""What judges and tells of a play, imported where it is used: a simulated one goes on meanwhile."""


class Session:
    """Plays scenarios with a display, and turns the outcome into an exit status."""

    def __init__(
        self,
        *,
        engine: Engine,
        target: Target,
        jobs: int | None,
        retries: int = 0,
        repeat: int = 1,
        fail_on: FailOn = FailOn.INCONCLUSIVE,
        seed: int,
        shard: Shard | None = None,
        report: Path | None,
        previous: Path | None = None,
        github: bool = False,
        spans: str | None = None,
        quiet: bool,
        lines: bool = False,
        keep_secrets: bool = False,
        serve: int | None = None,
    ) -> None:
        """`serve`: the port of a page that follows the run, 0 for any; None for no such page."""
        self._engine = engine
        self._target = target
        self._jobs = jobs
        self._retries = retries
        self._repeat = repeat
        self._fail_on = fail_on
        self._seed = seed
        self._shard = shard
        self._report = report
        self._histories = report
        """Where histories grow; None where nobody reads them."""
        self._previous = previous or report
        self._told = report is not None or serve is not None or github or spans is not None
        """Whether anybody but who started it is told of the run."""
        self._github = github
        self._spans = spans
        self._quiet = quiet
        self._keep_secrets = keep_secrets
        self._serve = serve
        self._broadcast: Broadcast | None = None
        self._by_lines = lines
        self._console = Console(highlight=False, soft_wrap=True)
        self._display = LiveDisplay(self._console, quiet=quiet)
        self._played: dict[str, Played] = {}
        self._noticed: set[str] = set()
        self._signal: int | None = None
        self._starts = Starts()

    def run(self, scenarios: Sequence[Scenario]) -> int:
        """Play all, print what a person wants to know, and give the exit status.

        Raises: UsageError when the report can't be written.
        """
        with contextlib.ExitStack() as held:
            if self._report is not None:
                from harness.report.write import claimed

                held.enter_context(claimed(self._report))
            if self._serve is not None:
                if self._report is None:
                    self._histories = held.enter_context(belongings.folder())
                from harness.serve.broadcast import Broadcast

                self._broadcast = Broadcast(self._serve)
                held.callback(self._broadcast.close)  # while the histories are still there
            return self._run(scenarios)

    def _run(self, scenarios: Sequence[Scenario]) -> int:
        before = self._before()
        made = provenance_of(self._target) if self._told else Provenance(run=run_name())
        if self._report is not None:
            from harness.report.write import prepare_folder

            prepare_folder(self._report, scenarios, self._sieve(scenarios), made)
        if not self._quiet:
            self._introduce(scenarios)
        # Where that is permitted, the run goes before whatever else this machine does: what it
        # measures are instants, and children inherit it, the target's too.
        with contextlib.suppress(OSError):
            os.nice(-5)
        # What has been loaded by now is here to stay: no collection needs to look at it again.
        gc.freeze()
        began_s = time.monotonic()
        self._show(scenarios, made, before)
        with self._display:
            asyncio.run(self._play(scenarios, made.run or ""))
        wall_s = time.monotonic() - began_s
        return self._account(scenarios, made, before, wall_s)

    def _introduce(self, scenarios: Sequence[Scenario]) -> None:
        from harness.cli.announcements import introduction
        from harness.engines.room import shortage_of_disk

        said = introduction(
            scenarios,
            engine=self._engine,
            target=self._target,
            jobs=self._jobs,
            repeat=self._repeat,
            shard=self._shard,
        )
        self._console.print(in_line(said), markup=False)
        if (room := worlds_at_once(self._engine, scenarios)) is not None:
            self._console.print(f"{room.worlds} at a time: {room.why}", markup=False)
        if short := shortage_of_disk(self._report, Path(tempfile.gettempdir())):
            self._console.print(in_line(short), style="yellow", markup=False)

    def _before(self) -> Mapping[str, Any]:
        """What an earlier run left; nothing without one."""
        if self._previous is None:
            return {}
        from harness.runs.saved import previous_results

        return previous_results(self._previous)

    def _account(
        self,
        scenarios: Sequence[Scenario],
        made: Provenance,
        before: Mapping[str, Any],
        wall_s: float,
    ) -> int:
        """Say what came out, write the reports, and give the exit status."""
        from harness.cli.announcements import interruption, replays
        from harness.cli.ci import send_spans, tell_github
        from harness.report.outcome import outcome_of, unused
        from harness.report.text import silence, totals
        from harness.report.totals import busy_line, overall

        played = [self._played[s.name] for s in scenarios if s.name in self._played]
        if self._signal is not None:
            told = interruption(self._signal, self._played.values(), len(scenarios))
            self._console.print(in_line(told), style="bold", markup=False)
        judgements = [item.judgement for item in played]
        refused = self._starts.refused if self._starts.hopeless else None
        if self._engine.name == "sim" and self._signal is None:
            for line in replays(
                played, target=self._target, seed=self._seed, by_lines=self._by_lines
            ):
                self._console.print(in_line(line), markup=False)
        known = self._target.known_failures
        if self._signal is None:
            for note in silence(judgements, unused(played, known)):
                self._console.print(note)
        if refused is None or self._signal is not None:
            self._console.print(totals(judgements, wall_s=wall_s))
        real_s = {p.scenario.name: p.real_s for p in played if p.real_s is not None}
        zeros = {p.scenario.name: p.zero_unix_s for p in played if p.zero_unix_s is not None}
        shard = None if self._shard is None else str(self._shard)
        made = replace(made, real_s=real_s, zero_unix_s=zeros, shard=shard)
        account = [*played, *self._not_begun(scenarios)]
        if self._github or self._spans is not None:
            outcome = outcome_of(account, wall_s, made, known)
            if self._github:
                tell_github(outcome)
            if self._spans is not None:
                self._console.print(send_spans(outcome, self._spans))
        unwritten = [item.unsaved for item in played if item.unsaved]
        if self._report is not None:
            from harness.report.write import write_reports

            try:
                write_reports(
                    self._report, account, wall_s=wall_s, made=made, known=known, before=before
                )
            except UsageError as error:
                unwritten.append(str(error))
            else:
                self._console.print(f"report: {self._report / PAGE}", markup=False)
        if self._signal is not None:
            return 128 + self._signal
        if refused is not None:
            say(refused)
            return TARGET_REFUSED
        if busy := busy_line(judgements, jobs=self._jobs):
            self._console.print(in_line(busy), style="bold yellow", markup=False)
        status = exit_status(overall(judgements), self._fail_on)
        if not unwritten:
            return status
        problem = UsageError("\n".join(unwritten))
        if status != 1:
            raise problem
        say(problem)  # and what the target did wrong counts for more
        return status

    def _show(
        self, scenarios: Sequence[Scenario], made: Provenance, before: Mapping[str, Any]
    ) -> None:
        """Say where a browser can follow the run, if it can."""
        if self._broadcast is None:
            return
        from harness.serve.messages import Begun

        assert self._histories is not None
        begun = Begun(
            scenarios=tuple(scenarios),
            folder=self._histories,
            engine=self._engine.name,
            proxy=self._engine.proxy.partition(" (")[0],
            target=self._target.name,
            made=made,
            known=self._target.known_failures,
            before=before,
        )
        self._broadcast.tell(begun)
        self._console.print(f"live: {self._broadcast.url}", style="bold", markup=False)

    def _not_begun(self, scenarios: Sequence[Scenario]) -> Iterator[Played]:
        """What an interrupted run has not come to."""
        from harness.judge import not_played

        why = "the run was interrupted before it came to this"
        for scenario in scenarios:
            if scenario.name not in self._played:
                judgement = not_played(scenario, why)
                yield Played(scenario=scenario, events=(), judgement=judgement)

    def _sieve(self, scenarios: Sequence[Scenario]) -> Callable[[str], str]:
        """What is taken out of the scenarios' own text before it is kept in the report."""
        from harness.report.secrets import clean_source
        from harness.taint import Taint, secrets_of

        if self._keep_secrets:
            return lambda text: text
        taint = Taint(secrets_of(self._target, *scenarios))
        return lambda text: clean_source(taint.text(text))

    async def _play(self, scenarios: Sequence[Scenario], name: str) -> None:
        loop = asyncio.get_running_loop()
        if getattr(self._engine, "in_real_time", False):
            _load()  # no sender should have to wait for it
        else:
            loop.run_in_executor(None, _load)
        task = asyncio.create_task(
            play_all(
                scenarios,
                engine=self._engine,
                target=self._target,
                watcher=self,
                jobs=self._jobs,
                retries=self._retries,
                repeat=self._repeat,
                seed=self._seed,
                report=self._histories,
                starts=self._starts,
                keep_secrets=self._keep_secrets,
                name=name,
            )
        )
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._interrupt, number, task)
        try:
            self._played |= {each.scenario.name: each for each in await task}
        except asyncio.CancelledError:
            if self._signal is None:
                raise
        finally:
            await self._engine.close()

    def _interrupt(self, number: int, task: asyncio.Task[object]) -> None:
        if self._signal is not None:
            os._exit(128 + number)  # asked twice: the reaper ends what is left
        self._signal = number
        task.cancel()

    def progress(self, scenario: Scenario, progress: Progress) -> None:
        """A scenario got somewhere."""
        self._display.progress(scenario, progress)
        if self._broadcast is not None:
            self._broadcast.went(scenario.name, progress)
        notice = progress.notice
        if notice is not None and notice not in self._noticed and not self._quiet:
            self._noticed.add(notice)
            self._console.print(in_line(notice), style="dim", markup=False)

    def done(self, played: Played) -> None:
        """A scenario has been judged: say so at once, and why where something is wrong."""
        from harness.report.text import details, told_line

        self._played[played.scenario.name] = played
        judgement = played.judgement
        if self._broadcast is not None:
            from harness.serve.messages import Judged

            self._broadcast.tell(Judged(judgement=judgement))
        wrong = judgement.verdict in (Verdict.FAILED, Verdict.INCONCLUSIVE)
        interrupted = self._signal is not None and wrong
        if interrupted or (self._quiet and not wrong and not judgement.known):
            self._display.done(played.scenario, None)
            return
        self._display.done(played.scenario, told_line(judgement))
        if wrong or judgement.known:
            self._console.print(details(judgement, played.scene))


def _load() -> None:
    for name in _LATER:
        import_module(name)
