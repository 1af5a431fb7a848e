"""`outage compare` and `outage history`: what got worse since another run, and over many nights."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from harness.compare.changes import Comparison

_FORMATS = click.Choice(("text", "json", "markdown"))


@click.command(epilog="Exit status: 0 nothing is worse, 1 something is, 2 wrong usage or input.")
@click.argument("a", type=click.Path(path_type=Path), metavar="A")
@click.argument("b", type=click.Path(path_type=Path), metavar="B")
@click.option("--format", "form", type=_FORMATS, default="text", show_default=True)
@click.option(
    "--html",
    "page",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Also write a page that shows each scenario before and after on one axis.",
)
def compare(a: Path, b: Path, form: str, page: Path | None) -> None:
    r"""Say what got worse from run A to run B, and what got better, is new, or gone.

    Each is a folder of `outage run --report`, its results.json, or what `outage predict --json`
    printed. Worse is an expectation that held and doesn't; and, where the scenario passed
    before, charges doubled, requests without an answer, a breaker that opens later or more
    often, or closes later, and latency, each beyond what noise explains.

    \b
    outage compare nights/thu nights/fri
    outage compare reference-report my-report           your gateway beside the reference
    outage compare predicted.json out                   prediction and reality
    outage compare out/main out/branch --format markdown > comment.md
    outage compare nights/thu nights/fri --html fri.html
    """
    from rich.console import Console

    from harness.compare.changes import compare as compared
    from harness.compare.difference import Sort
    from harness.compare.night import load_night
    from harness.report.comparison import comparison_json, comparison_markdown, comparison_text
    from harness.report.hanging import Hanging

    found = compared(load_night(a), load_night(b))
    if page is not None:
        _write_page(page, found, a, b)
    if form == "json":
        click.echo(comparison_json(found))
    elif form == "markdown":
        click.echo(comparison_markdown(found), nl=False)
    else:
        console = Console(highlight=False, soft_wrap=True)
        for line in comparison_text(found):
            console.print(Hanging(line))
    sys.exit(1 if found.of(Sort.WORSE) else 0)


def _write_page(page: Path, found: Comparison, a: Path, b: Path) -> None:
    from harness.report.page.pair import comparison_html
    from harness.report.write import write_whole
    from harness.runs.saved import plays_in

    write_whole(page, comparison_html(found, plays_in(a), plays_in(b)))


@click.command(
    epilog="Exit status: 0 the last night brought nothing bad, 1 it brought a failure or something "
    "slower, 2 wrong usage or input."
)
@click.argument("folder", type=click.Path(path_type=Path), metavar="DIR")
@click.option(
    "--last", type=click.IntRange(1), default=14, show_default=True, help="How many nights."
)
@click.option("--format", "form", type=_FORMATS, default="text", show_default=True)
def history(folder: Path, last: int, form: str) -> None:
    r"""Show scenarios by nights: what is new, fixed, flaky, slower.

    DIR holds a report folder for each night (or their results.json files, by any name).

    \b
    outage run --report nights/$(date +%F)     every night
    outage history nights
    """
    from rich.console import Console

    from harness.compare.matrix import load_nights, matrix
    from harness.report.hanging import Hanging
    from harness.report.nights import matrix_json, matrix_markdown, matrix_text

    found = matrix(load_nights(folder, last))
    if form == "json":
        click.echo(matrix_json(found))
    elif form == "markdown":
        click.echo(matrix_markdown(found), nl=False)
    else:
        console = Console(highlight=False, soft_wrap=True)
        for line in matrix_text(found):
            console.print(Hanging(line))
    sys.exit(1 if found.worse else 0)
