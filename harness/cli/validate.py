"""`outage validate`: check scenario files, every problem with its file and line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from harness.scenario.outlines import Outlines
    from harness.target import Target


@click.command(epilog="Exit status: 0 all are valid, 2 some are not.")
@click.argument("paths", nargs=-1, metavar="[SCENARIO|FOLDER]...")
@click.option(
    "--target",
    "target_name",
    metavar="FILE",
    help="Also accept this target's own upstreams and users, and check the target file.",
)
@click.option("--quiet", "-q", is_flag=True, help="Print problems only.")
def validate(paths: tuple[str, ...], target_name: str | None, quiet: bool) -> None:
    r"""Check scenario files, or the bundled ones if none are named; each problem on one line.

    \b
    outage validate my_outage.yaml
    my_outage.yaml:7: 'durration' is not known here; did you mean 'duration'?
    """
    from harness.bundled import find_scenarios
    from harness.errors import HarnessError
    from harness.scenario.outlines import Outlines
    from harness.units import plural

    problems: list[str] = []
    target = None
    if target_name is not None:
        from harness.target.loading import load_target

        try:
            target = load_target(target_name)
        except HarnessError as error:
            problems += str(error).splitlines()
    good = 0
    known = Outlines()
    alone = target is not None and not target.holds_to_document
    for path in paths or (() if alone else (None,)):
        try:
            files = find_scenarios([] if path is None else [path])
        except HarnessError as error:
            problems.append(str(error))
            continue
        for file in files:
            try:
                good += _valid(file, target, known, named=target_name is not None)
            except HarnessError as error:
                problems += str(error).splitlines()
    known.keep()
    for problem in problems:
        click.echo(problem)
    if problems:
        raise click.exceptions.Exit(2)
    if not quiet:
        if target is not None and alone:
            click.echo(f"{target_name} valid, and {target.contract.file}", err=True)
        click.echo(f"{plural(good, 'scenario')} valid", err=True)


def _valid(file: Path, target: Target | None, known: Outlines, *, named: bool) -> int:
    """How many scenarios a file holds. A target that was `named` and can't be read is None.

    Raises: UsageError, InvalidFile.
    """
    if target is None and not named:
        return len(known.of(file))
    from harness.scenario.loader import load_each

    # Which names a scenario may use nobody knows where the target's own file is wrong.
    return len(load_each(file, target=target, checked=target is None))
