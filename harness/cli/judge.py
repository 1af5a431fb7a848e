"""`outage judge`: judge saved histories again, without playing anything."""

from __future__ import annotations

import gc
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli.options import previous_option

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.runs.saved import Saved
    from harness.target.known import KnownFailure


@click.command(
    epilog="Exit status: as for `outage run`: 0 all passed, 1 some failed, 2 wrong usage, "
    "3 inconclusive or nothing in scope."
)
@click.argument("folder", type=click.Path(path_type=Path), metavar="DIR")
@click.option(
    "--report",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR2",
    help="Write the new results there, histories included; DIR itself is left as it is otherwise.",
)
@previous_option
@click.option("--quiet", "-q", is_flag=True, help="Only the last line, and what is wrong.")
def judge(folder: Path, report: Path | None, previous: Path | None, quiet: bool) -> None:
    r"""Judge the histories in DIR again, as `outage run --report DIR` left them.

    Each scenario is taken as it was played (NAME.played.yaml); edit its expectations there to see
    what they would have said of the same run.

    \b
    outage judge out                   the same verdicts again
    outage judge out --report again    and new reports
    """
    from harness.report.write import claimed, prepare_folder
    from harness.runs.saved import judge_folder, previous_results
    from harness.target.known import known_in
    from harness.verdict import exit_status, worst

    apart = report is not None and report.resolve() != folder.resolve()
    told_before = previous or report
    before = {} if told_before is None else previous_results(told_before)
    if report is not None and apart:
        click.get_current_context().with_resource(claimed(report))
        prepare_folder(report)
    saved = judge_folder(folder)
    gc.freeze()  # it stays to the end
    known = known_in(previous_results(folder))
    if report is not None:
        _write(folder, report, saved, known, before, copies=apart)
    tell(saved, report=report, quiet=quiet)
    sys.exit(exit_status(worst(each.judgement.verdict for each in saved)))


def tell(saved: Sequence[Saved], *, report: Path | None, quiet: bool) -> None:
    """Print what saved runs prove, and where the report is."""
    from rich.console import Console

    from harness.checks.silence import uncalled_routes
    from harness.printable import in_line
    from harness.report.links import PAGE
    from harness.report.text import details, silence, told_line, totals
    from harness.report.totals import busy_line
    from harness.verdict import Verdict

    console = Console(highlight=False, soft_wrap=True)
    for each in saved:
        wrong = each.judgement.verdict in (Verdict.FAILED, Verdict.INCONCLUSIVE)
        if wrong or not quiet or each.judgement.known:
            console.print(told_line(each.judgement))
        if wrong or each.judgement.known:
            console.print(details(each.judgement, each.scene))
    judgements = [each.judgement for each in saved]
    for line in silence(judgements, uncalled_routes(each.events for each in saved)):
        console.print(line)
    console.print(totals(judgements))
    if report is not None:
        console.print(f"report: {report / PAGE}", markup=False)
    if busy := busy_line(judgements):
        console.print(in_line(busy), style="bold yellow", markup=False)


def copy_histories(folder: Path, saved: Sequence[Saved], report: Path) -> None:
    """Copy what was saved of these scenarios to another folder.

    Raises: UsageError when that can't be done.
    """
    from harness.bundled import PLAYED
    from harness.errors import UsageError
    from harness.history.store import HISTORY

    try:
        for each in saved:
            for suffix in (HISTORY, PLAYED):
                path = folder / f"{each.name}{suffix}"
                if path.exists():
                    shutil.copyfile(path, report / path.name)
    except OSError as error:
        raise UsageError(f"can't copy the histories to {report}: {error.strerror}") from error


def _write(
    folder: Path,
    report: Path,
    saved: list[Saved],
    known: tuple[KnownFailure, ...],
    before: dict[str, Any],
    *,
    copies: bool,
) -> None:
    from harness.report.provenance import provenance_in
    from harness.report.write import write_reports
    from harness.runs.saved import previous_results

    made = provenance_in(previous_results(folder))
    if copies:
        copy_histories(folder, saved, report)
    write_reports(report, saved, made=made, known=known, before=before)
