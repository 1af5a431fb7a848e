"""`outage measure`: a gateway's policies, found by experiment."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli.options import allow_remote_option, cluster_option

if TYPE_CHECKING:
    from harness.engines.base import Engine
    from harness.measure.lab import Tell
    from harness.measure.measuring import Measured
    from harness.target import Target


@click.command(
    epilog="Exit status: 0 when it was measured (whatever is unknown is said), 2 for wrong usage "
    "or a target that can't be measured, 4 for one that can't be started, 130 after Ctrl-C."
)
@click.option(
    "--target",
    "target_name",
    default="reference",
    metavar="FILE|reference|naive",
    show_default=True,
    help="The gateway; its file needs `start: wsgi: module:app` (or `asgi:`), or a `command` in "
    "real time.",
)
@click.option(
    "--engine",
    type=click.Choice(["sim", "local"]),
    default="sim",
    show_default=True,
    help="In the simulation, or with processes in real time, whatever the gateway is written in.",
)
@click.option(
    "--longest-wait",
    metavar="DURATION",
    default="60s",
    show_default=True,
    help="In real time: the longest that a breaker may stay open to be measured.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="For a person, or for a program.",
)
@click.option(
    "--write",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Also write what was found: sections of a target file, and beside it a contract, "
    "NAME.contract.yaml.",
)
@cluster_option
@allow_remote_option
@click.option("--quiet", "-q", is_flag=True, help="Say nothing of how far it is.")
def measure(
    target_name: str,
    engine: str,
    longest_wait: str,
    form: str,
    file: Path | None,
    cluster: str | None,
    allow_remote: bool,
    quiet: bool,
) -> None:
    r"""Find out what a gateway does at each upstream: attempts, deadlines, backoffs, breaker.

    It is asked for its `routes:` (the document's, where its file names none) in many short outages,
    each chosen by what the last one left open. A figure comes with how far off it may be; what
    can't be told is null, with the reason. In real time all of them are played side by side, within
    three recovery waits and a minute.

    \b
    outage measure --target my-gateway.yaml
    outage measure --target my-gateway.yaml --engine local
    outage measure --target my-gateway.yaml --format json
    outage measure --target my-gateway.yaml --write measured.yaml
    """
    from harness.engines.base import check_cluster
    from harness.errors import UsageError
    from harness.measure.report import as_text
    from harness.measure.writing import as_contract, as_target
    from harness.target.loading import load_target

    if file is not None and not file.parent.is_dir():
        raise UsageError(f"--write {file}: there is no folder {file.parent}")
    target = load_target(target_name)
    began_s = time.monotonic()
    tell = _silent if quiet else _say
    if cluster is not None:
        check_cluster(cluster, allow_remote=allow_remote)
    if cluster is not None and engine == "local":
        raise UsageError("--cluster measures in the simulation; --engine local on one machine")
    if engine == "local":
        measured = in_real_time(target, seconds_of(longest_wait), tell)
    else:
        measured = simulated(target, tell, cluster=cluster)
    if form == "json":
        click.echo(json.dumps(measured.as_json(), indent=2))
    else:
        click.echo(as_text(measured), nl=False)
        took_s = time.monotonic() - began_s
        click.echo(f"{measured.plays} experiments in {took_s:.0f} s")
    if file is not None:
        _write(file, as_target(measured, target.contract))
        _write(contract_beside(file), as_contract(measured, target.upstreams))


def seconds_of(text: str) -> float:
    """What `--longest-wait` says.

    Raises: click.BadParameter.
    """
    from harness.units import parse_duration

    try:
        seconds = parse_duration(text)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--longest-wait") from error
    if not 1 <= seconds <= 3600:
        raise click.BadParameter("expected 1s to 1h", param_hint="--longest-wait")
    return seconds


def simulated(target: Target, tell: Tell, *, cluster: str | None = None) -> Measured:
    """Measure in the simulation, here or on a cluster's workers.

    Raises: UsageError, WorldError.
    """
    from harness.measure.measuring import measure, streams_of

    streams = streams_of(target)

    async def play() -> Measured:
        engine = _simulation(cluster, target)
        try:
            return await measure(target, engine, streams, tell)
        finally:
            await engine.close()

    return asyncio.run(play())


def in_real_time(target: Target, longest_wait_s: float, tell: Tell) -> Measured:
    """Measure in real time.

    Raises: UsageError, WorldError, TargetError.
    """
    from harness.engines.local.engine import LocalEngine
    from harness.measure.measuring import streams_of
    from harness.measure.realtime.measuring import measure_in_real_time

    streams = streams_of(target)

    async def play() -> Measured:
        engine = LocalEngine(proxy="embedded")
        try:
            return await measure_in_real_time(
                target, engine, streams, longest_wait_s=longest_wait_s, tell=tell
            )
        finally:
            await engine.close()

    return asyncio.run(play())


def _simulation(cluster: str | None, target: Target) -> Engine:
    if cluster is None:
        from harness.engines.sim.engine import SimEngine

        return SimEngine()
    from harness.engines.cluster.engine import ClusterEngine
    from harness.engines.cluster.host import Kind

    return ClusterEngine(Kind(engine="sim"), cluster, target)


def _say(line: str) -> None:
    click.echo(line, err=True)


def _silent(_: str) -> None:
    """Nobody wants to know."""


def contract_beside(file: Path) -> Path:
    """Where the contract is written that belongs to a target file's sections."""
    return file.with_name(f"{file.name.removesuffix('.yaml').removesuffix('.yml')}.contract.yaml")


def _write(file: Path, text: str) -> None:
    from harness.errors import UsageError

    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{file} can't be written: {error.strerror}") from error
