"""`outage measure`: a gateway's policies, found by experiment."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
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
    help="The gateway; its file needs `start: wsgi: module:app` (or `asgi:`).",
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
    help="Also write what was found as the `breakers:` section of a target file.",
)
@click.option("--quiet", "-q", is_flag=True, help="Say nothing of how far it is.")
def measure(target_name: str, form: str, file: Path | None, quiet: bool) -> None:
    r"""Find out what a gateway does at each upstream: attempts, deadlines, backoffs, breaker.

    It is asked for its `routes:` (the document's, where its file names none) in many short outages
    in the simulation, each chosen by what the last one left open. A figure comes with how far off
    it may be; what can't be told is null, with the reason.

    \b
    outage measure --target my-gateway.yaml
    outage measure --target my-gateway.yaml --format json
    outage measure --target my-gateway.yaml --write measured.yaml
    """
    from harness.errors import UsageError
    from harness.measure.report import as_target, as_text
    from harness.target_file import load_target

    if file is not None and not file.parent.is_dir():
        raise UsageError(f"--write {file}: there is no folder {file.parent}")
    target = load_target(target_name)
    began_s = time.monotonic()
    measured = _measured(target, tell=not quiet)
    if form == "json":
        click.echo(json.dumps(measured.as_json(), indent=2))
    else:
        click.echo(as_text(measured), nl=False)
        took_s = time.monotonic() - began_s
        click.echo(f"{measured.plays} experiments in {took_s:.0f} s")
    if file is not None:
        _write(file, as_target(measured))


def _measured(target: Target, *, tell: bool) -> Measured:
    from harness.engines.sim.engine import SimEngine
    from harness.measure.measuring import measure, streams_of

    streams = streams_of(target)

    async def play() -> Measured:
        engine = SimEngine()
        try:
            return await measure(target, engine, streams, _say if tell else _silent)
        finally:
            await engine.close()

    return asyncio.run(play())


def _say(line: str) -> None:
    click.echo(line, err=True)


def _silent(_: str) -> None:
    """Nobody wants to know."""


def _write(file: Path, text: str) -> None:
    from harness.errors import UsageError

    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{file} can't be written: {error.strerror}") from error
