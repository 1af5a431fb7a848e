"""`outage run`: play scenarios and say what held."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from harness.cli.options import cluster_option, previous_option

if TYPE_CHECKING:
    from harness.engines.base import Engine
    from harness.engines.sim.birth import Nursery
    from harness.runs.shards import Shard
    from harness.target import Target

ENGINES = ("local", "compose", "sim")
_GATEWAYS = ("flask", "flask_limiter", "requests")
_NEEDED = {"reference": _GATEWAYS, "naive": _GATEWAYS}
"""What the bundled targets import beside their own code, so that it can be there before them."""


class _Run(click.Command):
    """A command whose `--serve` takes the word after it only where that is a port."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As click's, where `--serve SCENARIO` is `--serve` and a scenario."""
        following = [*args[1:], ""]
        written = [
            "--serve=0" if word == "--serve" and not after.isdecimal() else word
            for word, after in zip(args, following, strict=True)
        ]
        return super().parse_args(ctx, written)


@click.command(
    cls=_Run,
    epilog="Exit status: 0 all passed, 1 some failed, 2 wrong usage or an invalid file, "
    "3 inconclusive or nothing in scope, 4 the target could not be started, 130 and 143 after "
    "SIGINT and SIGTERM.",
)
@click.argument("paths", nargs=-1, metavar="[SCENARIO|FOLDER]...")
@click.option("--engine", type=click.Choice(ENGINES), default="local", show_default=True)
@click.option(
    "--proxy",
    default="auto",
    metavar="embedded|toxiproxy|URL",
    show_default=True,
    help="auto takes a real Toxiproxy where one is installed, else the embedded one.",
)
@click.option(
    "--target",
    "target_name",
    default="reference",
    metavar="FILE|reference|naive",
    show_default=True,
    help="The gateway to be tested: a target file, or one of the bundled two.",
)
@click.option(
    "--shard",
    metavar="N/OF",
    help="Play this part only, such as 2/5; `outage merge` puts the parts' reports together.",
)
@cluster_option
@click.option("--jobs", type=click.IntRange(1), help="Scenarios side by side; all by default.")
@click.option(
    "--retries",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="Play again, so often, what only a busy machine kept from a verdict, fewer at a time.",
)
@click.option(
    "--repeat",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Play all so often, each time with the next seed; the worst play of each scenario counts.",
)
@click.option(
    "--fail-on",
    type=click.Choice(("inconclusive", "failed", "never")),
    default="inconclusive",
    show_default=True,
    help="From which verdict on the exit status is 1 or 3; below it, it is 0.",
)
@click.option(
    "--report",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Write report.html, results.json, junit.xml, summary.md and the histories there.",
)
@previous_option
@click.option(
    "--ci",
    type=click.Choice(("auto", "github", "none")),
    default="auto",
    show_default=True,
    help="Annotate scenario files and add the summary to the step's page; auto: where "
    "GITHUB_ACTIONS is true.",
)
@click.option(
    "--spans",
    metavar="URL",
    help="Also post the spans of faults and findings there, as OTLP in JSON: a collector's "
    "http://127.0.0.1:4318/v1/traces.",
)
@click.option("--seed", type=click.IntRange(0, 2**63), default=0, show_default=True)
@click.option(
    "--switch",
    type=click.Choice(("points", "lines")),
    default="points",
    show_default=True,
    help="Where the simulation may change threads: at clock reads and locks, or at every line.",
)
@click.option(
    "--only",
    metavar="TEXT",
    multiple=True,
    help="Only scenarios with this in their name, such as one combination of a matrix.",
)
@click.option("--quiet", "-q", is_flag=True, help="Only the last line, and what is wrong.")
@click.option(
    "--serve",
    type=click.IntRange(0, 65535),
    is_flag=False,
    flag_value=0,
    metavar="[PORT]",
    help="Show the report live in a browser while the run goes on: on this machine only, at any "
    "free port or at this one.",
)
@click.option(
    "--watch",
    is_flag=True,
    help="Play again in the simulation whenever a scenario, the target's file or code is saved.",
)
@click.option(
    "--allow-remote",
    is_flag=True,
    help="Let a target file's `url` or `real`, or --proxy, name a host beyond loopback.",
)
@click.option(
    "--keep-secrets",
    is_flag=True,
    help="Leave passwords, tokens and cookies in the histories and scenarios of the report.",
)
def run(
    paths: tuple[str, ...],
    engine: str,
    proxy: str,
    target_name: str,
    shard: str | None,
    cluster: str | None,
    jobs: int | None,
    retries: int,
    repeat: int,
    fail_on: str,
    report: Path | None,
    previous: Path | None,
    ci: str,
    spans: str | None,
    seed: int,
    switch: str,
    only: tuple[str, ...],
    quiet: bool,
    serve: int | None,
    watch: bool,
    allow_remote: bool,
    keep_secrets: bool,
) -> None:
    r"""Play scenarios side by side and judge them; the bundled ones if none are named.

    \b
    outage run                                     all bundled outages, in real time
    outage run auth_blackhole_50s                  one of them
    outage run my/*.yaml --target my-gateway.yaml  your outages, your gateway
    outage run --engine sim                        the same in milliseconds
    outage run --serve                             watched in a browser while it goes on
    outage run --report out                        also out/report.html, junit.xml, ...
    outage run my/outage.yaml --watch              again whenever it is saved, simulated
    """
    if watch:
        if (
            report is not None
            or serve is not None
            or repeat > 1
            or (
                click.get_current_context().get_parameter_source("engine")
                is ParameterSource.COMMANDLINE
                and engine != "sim"
            )
        ):
            raise click.UsageError(
                "--watch plays in the simulation, once, without a report or --serve"
            )
        watch_files(paths, target_name, seed=seed, lines=switch == "lines", remote=allow_remote)
        return
    simulated = engine == "sim" and cluster is None
    with _begun(target_name) if simulated else contextlib.nullcontext() as nursery:
        from harness.bundled import scenarios_for
        from harness.cli.ci import check_collector, on_github
        from harness.cli.session import Session
        from harness.engines.base import check_blast_radius
        from harness.scenario.loader import load_scenarios
        from harness.scenario.naming import named
        from harness.target.loading import load_target
        from harness.verdict import FailOn

        target = load_target(target_name)
        scenarios = load_scenarios(
            scenarios_for(paths, target), target=target, playable=bool(paths)
        )
        scenarios = named(scenarios, only)
        part = None if shard is None else _shard(shard)
        if part is not None:
            scenarios = part.part(scenarios)
        lines = switch == "lines"
        check_blast_radius(target, allow_remote=allow_remote, proxy=proxy)
        if spans is not None:
            check_collector(spans, allow_remote=allow_remote)
        made = (
            make_engine(engine, proxy, seed=seed, lines=lines, target=target, nursery=nursery)
            if cluster is None
            else _on_cluster(cluster, engine, proxy, seed, lines, target, remote=allow_remote)
        )
        session = Session(
            engine=made,
            target=target,
            jobs=jobs,
            retries=retries,
            repeat=repeat,
            fail_on=FailOn(fail_on),
            seed=seed,
            shard=part,
            report=report,
            previous=previous,
            github=ci == "github" or (ci == "auto" and on_github()),
            spans=spans,
            quiet=quiet,
            lines=lines,
            keep_secrets=keep_secrets,
            serve=serve,
        )
        sys.exit(session.run(scenarios))


@contextlib.contextmanager
def _begun(target_name: str) -> Iterator[Nursery]:
    """The simulation's nursery, which comes up while this process reads what is to be played."""
    from harness.engines.sim.birth import Nursery

    nursery = Nursery(watched=True)
    try:
        nursery.begin(_NEEDED.get(target_name, ()))
        yield nursery
    finally:
        nursery.close()


def watch_files(
    paths: tuple[str, ...], target_name: str, *, seed: int, lines: bool, remote: bool
) -> None:
    """Play again whatever is saved, until interrupted."""
    from rich.console import Console

    from harness.cli.watching import Watch
    from harness.engines.base import check_blast_radius

    Watch(
        paths,
        target_name,
        seed=seed,
        lines=lines,
        console=Console(highlight=False, soft_wrap=True),
        allow=lambda target: check_blast_radius(target, allow_remote=remote, proxy="embedded"),
    ).run()


def _shard(text: str) -> Shard:
    from harness.runs.shards import shard_of

    try:
        return shard_of(text)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--shard") from error


def _on_cluster(
    cluster: str, engine: str, proxy: str, seed: int, lines: bool, target: Target, *, remote: bool
) -> Engine:
    from harness.engines.base import check_cluster
    from harness.engines.cluster.engine import ClusterEngine
    from harness.engines.cluster.host import Kind
    from harness.errors import UsageError

    if engine == "compose":
        raise UsageError(
            "--cluster plays on the engines local and sim; compose has its own machine"
        )
    check_cluster(cluster, allow_remote=remote)
    kind = Kind(engine=engine, proxy=proxy, seed=seed, real=tuple(target.real), lines=lines)
    return ClusterEngine(kind, cluster, target)


def make_engine(
    name: str,
    proxy: str,
    *,
    seed: int,
    lines: bool = False,
    target: Target | None = None,
    nursery: Nursery | None = None,
) -> Engine:
    """The engine of a name, its proxy chosen; `lines` is the simulation's (`--switch lines`), and
    so is a `nursery` that has begun.

    Raises: UsageError when this machine lacks what was asked for, or it can't show the target.
    """
    if name == "local":
        from harness.engines.local.engine import LocalEngine

        return LocalEngine(proxy=proxy, seed=seed, real=() if target is None else target.real)
    if name == "sim":
        from harness.engines.sim.engine import SimEngine

        return SimEngine(lines=lines, nursery=nursery)
    from harness.engines.compose.engine import ComposeEngine

    return ComposeEngine()
