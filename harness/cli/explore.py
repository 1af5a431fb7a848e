"""`outage explore`: random outages against the promises, each finding a scenario file."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli.options import allow_remote_option, cluster_option

if TYPE_CHECKING:
    from harness.cli.discoveries import Discoveries
    from harness.explore.crew import Outcome, Task

_DEFAULT_FOR = "2m"


@click.command(
    epilog="Exit status: 0 nothing was found, 1 something was, 2 wrong usage or a target that "
    "can't be explored, 130 and 143 after SIGINT and SIGTERM (what was found is kept)."
)
@click.option(
    "--target",
    "target_name",
    default="reference",
    metavar="FILE|reference|naive",
    show_default=True,
    help="The gateway; its file needs `start: wsgi: module:app`, or a `command` in real time.",
)
@click.option(
    "--engine",
    type=click.Choice(["sim", "local"]),
    default="sim",
    show_default=True,
    help="Thousands of outages in the simulation, or a few in real time, side by side, whatever "
    "the gateway is written in.",
)
@click.option(
    "--for", "length", metavar="DURATION",
    help=f"How long: {_DEFAULT_FOR} by default; in real time, as long as the chosen few take.",
)  # fmt: skip
@click.option("--examples", type=click.IntRange(1), help="How many outages to draw, instead.")
@click.option("--seed", type=click.IntRange(0, 2**63), help="Draw the same outages again.")
@click.option(
    "--report",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("outage-findings"),
    metavar="DIR",
    show_default=True,
    help="Where findings are written, a scenario file each.",
)
@click.option(
    "--database",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Where outages that broke something are remembered, to be tried first next time; "
    "in your cache by default.",
)
@cluster_option
@allow_remote_option
@click.option("--confirm", is_flag=True, help="Play each finding in real time, too, at the end.")
@click.option("--quiet", "-q", is_flag=True, help="Only the findings and the last line.")
def explore(
    target_name: str,
    engine: str,
    length: str | None,
    examples: int | None,
    seed: int | None,
    report: Path,
    database: Path | None,
    cluster: str | None,
    allow_remote: bool,
    confirm: bool,
    quiet: bool,
) -> None:
    r"""Draw random outages, play them, and look for a broken promise.

    \b
    outage explore --target my-gateway.yaml            two minutes
    outage explore --target my-gateway.yaml --for 1h   longer finds rarer ones
    outage explore --examples 500 --seed 7             the same 500 outages each time
    outage explore --target my-gateway.yaml --engine local     real time, any language
    outage run outage-findings --target my-gateway.yaml   what was found, in real time
    """
    from rich.console import Console

    from harness.cli.discoveries import Discoveries
    from harness.engines.base import check_cluster
    from harness.errors import UsageError
    from harness.target.loading import load_target

    if cluster is not None:
        check_cluster(cluster, allow_remote=allow_remote)
    target = load_target(target_name)  # a wrong one is said before its workers are started
    from harness.explore.crew import explore as run
    from harness.explore.declared import with_declared_only
    from harness.explore.memory import Memory, default_folder

    if length is not None and examples is not None:
        raise UsageError("--for and --examples exclude each other")
    if engine == "local" and confirm:
        raise UsageError("--confirm is for the simulation: --engine local plays in real time")
    if engine == "local" and cluster is not None:
        raise UsageError("--cluster explores in the simulation; --engine local on one machine")
    unlimited = examples is not None or (engine == "local" and length is None)
    for_s = None if unlimited else _seconds(length or _DEFAULT_FOR)
    # A seed means: the same again. What is remembered would come before it.
    memory = Memory(database or default_folder(), target_name)
    remembered = memory.remembered() if seed is None or database is not None else ()
    chosen = int(time.time()) % 1_000_000 if seed is None else seed
    _prepared(report)
    console = Console(highlight=False, soft_wrap=True)
    display = Discoveries(console, report, memory, target.contract, quiet=quiet)
    display.begin(target_name, chosen, len(remembered) if engine == "sim" else 0)
    _, undeclared = with_declared_only(target)
    if undeclared:
        display.tell(
            f"no policy is declared for {', '.join(undeclared)}: what is promised of breakers and "
            "retries is out of scope (`outage measure` finds it)"
        )
    if engine == "local":
        outcome = _in_real_time(target_name, chosen, for_s, examples, display)
    else:
        tasks = _tasks(target_name, chosen, for_s, examples, remembered)
        with display:
            if cluster is None:
                outcome = run(tasks, found=display.found, progress=display.progress)
            else:
                from harness.explore import fleet

                outcome = fleet.explore(
                    tasks, target, cluster,
                    found=display.found, progress=display.progress, notice=display.tell,
                )  # fmt: skip
    if for_s is not None and not outcome.coverage.plays and outcome.interrupted is None:
        raise UsageError(
            f"--for {length or _DEFAULT_FOR} was over before any outage was played: that is no "
            "finding of nothing; give it longer, or a machine with less beside it"
        )
    display.end(outcome, chosen)
    if confirm and outcome.interrupted is None and outcome.findings:
        _confirm(outcome, report, target_name)
    if outcome.interrupted is not None:
        sys.exit(128 + outcome.interrupted)
    sys.exit(1 if outcome.findings else 0)


def _in_real_time(
    target_name: str, seed: int, for_s: float | None, examples: int | None, display: Discoveries
) -> Outcome:
    from harness.explore.declared import with_declared_only
    from harness.explore.finding import Origin
    from harness.explore.side_by_side import Settings, explore_in_real_time
    from harness.target.loading import load_target

    target, _ = with_declared_only(load_target(target_name))
    origin = Origin(target_name=target_name, seed=seed, simulated=False)
    chosen = Settings(origin=origin, for_s=for_s, examples=examples)
    return explore_in_real_time(
        target, chosen, found=display.found, progress=display.progress, tell=display.tell
    )


def _seconds(text: str) -> float:
    from harness.units import parse_duration

    try:
        seconds = parse_duration(text)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--for") from error
    if not 1 <= seconds <= 604_800:
        raise click.BadParameter("expected 1s to 7 days", param_hint="--for")
    return seconds


def _prepared(report: Path) -> None:
    from harness.errors import UsageError

    try:
        report.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{report} can't hold findings: {error.strerror}") from error


def _tasks(
    target: str,
    seed: int,
    for_s: float | None,
    examples: int | None,
    remembered: tuple[bytes, ...],
) -> list[Task]:
    from harness.explore.crew import WORKERS, Task
    from harness.explore.hunt import Limits

    until_s = None if for_s is None else time.monotonic() + for_s
    workers = WORKERS if examples is None else min(WORKERS, examples)
    return [
        Task(
            target=target,
            seed=seed * WORKERS + number,
            explored_with=seed,
            limits=Limits(
                until_s=until_s,
                examples=None
                if examples is None
                else examples // workers + (number < examples % workers),
            ),
            remembered=remembered[number::workers],
            shares=examples is None,
            share=(number, workers),
        )
        for number in range(workers)
    ]


def _confirm(outcome: Outcome, report: Path, target_name: str) -> None:
    """Play the findings in real time, side by side, as `outage run` does."""
    from harness.cli.session import Session
    from harness.engines.local.engine import LocalEngine
    from harness.scenario.loader import load_scenarios
    from harness.target.loading import load_target

    session = Session(
        engine=LocalEngine(),
        target=load_target(target_name),
        jobs=None,
        seed=0,
        report=None,
        quiet=False,
    )
    session.run(load_scenarios([report / result.file_name for result in outcome.findings]))
