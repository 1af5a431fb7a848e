"""`outage audit`: HTTP calls that bypass the resilient client, found by parsing the code (G10)."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from harness.audit import Report


@click.command(
    epilog="Exit status: 0 nothing found, 1 findings, 2 a path or file that can't be read."
)
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--format",
    "form",
    type=click.Choice(("text", "json", "sarif")),
    default="text",
    show_default=True,
)
@click.option(
    "--client",
    "clients",
    multiple=True,
    metavar="CLASS",
    help="A class that is a resilient client, where it isn't recognised; may be repeated.",
)
@click.option(
    "--exclude",
    multiple=True,
    metavar="GLOB",
    help="Files or folders to leave out, by name or path, such as 'tests'; may be repeated.",
)
def audit(path: Path, form: str, clients: tuple[str, ...], exclude: tuple[str, ...]) -> None:
    r"""Find HTTP calls that no resilient client makes, that have no timeout, or whose
    ServiceUnavailable nobody catches.

    \b
    outage audit backend/                       any Python code base
    outage audit backend/ --format sarif        for a code host
    outage audit backend/ --client MyClient     MyClient is a resilient client
    requests.get(url)  # outage: allow          allows one line, or one def or class
    """
    from harness.audit import audit as inspect

    report = inspect(path, clients=clients, exclude=exclude)
    for problem in report.problems:
        click.echo(str(problem), err=True)
    click.echo({"text": _text, "json": _json, "sarif": _sarif}[form](report))
    sys.exit(2 if report.problems else 1 if report.findings else 0)


def _text(report: Report) -> str:
    from harness.units import plural

    lines = [str(finding) for finding in report.findings]
    count = len(report.findings)
    found = plural(count, "finding") if count else "nothing found"
    return "\n".join([*lines, f"{found} in {plural(report.files, 'file')}"])


def _json(report: Report) -> str:
    found = [
        {"rule": f.rule, "file": f.file, "line": f.line, "column": f.column, "message": f.message}
        for f in report.findings
    ]
    return json.dumps({"findings": found, "files": report.files}, indent=2, ensure_ascii=False)


def _sarif(report: Report) -> str:
    from importlib.metadata import version

    from harness.audit.sarif import sarif

    return json.dumps(sarif(report.findings, version=version("outage-harness")), indent=2)


__all__ = ["audit"]
