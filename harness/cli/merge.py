"""`outage merge`: the reports of a run's parts become one."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
from msgspec.structs import replace

from harness.cli.options import previous_option

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.report.provenance import Provenance


@click.command(
    epilog="Exit status: as for `outage run`: 0 all passed, 1 some failed, 2 wrong usage, a part "
    "that is missing or of another run, 3 inconclusive or nothing in scope."
)
@click.argument(
    "folders", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="DIR..."
)
@click.option(
    "--report",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR2",
    required=True,
    help="Where the whole run's report is written, histories included.",
)
@previous_option
@click.option("--quiet", "-q", is_flag=True, help="Only the last line, and what is wrong.")
def merge(folders: tuple[Path, ...], report: Path, previous: Path | None, quiet: bool) -> None:
    r"""Put the reports of parts together, as if one machine had played all of them.

    \b
    outage run --shard 1/2 --report part1      on one machine
    outage run --shard 2/2 --report part2      on another
    outage merge part1 part2 --report whole

    Each part's histories are judged again, so the merged report says what they say.
    """
    from harness.cli.judge import copy_histories, tell
    from harness.errors import UsageError
    from harness.report.provenance import provenance_in
    from harness.report.write import claimed, prepare_folder, write_reports
    from harness.runs.saved import judge_folder, previous_results
    from harness.runs.shards import check_parts
    from harness.target.known import known_in
    from harness.verdict import exit_status, worst

    if report.resolve() in {folder.resolve() for folder in folders}:
        raise UsageError(f"{report} is one of the parts; name another folder for the whole")
    before = {} if (told_before := previous or report) is None else previous_results(told_before)
    parts = {folder: judge_folder(folder) for folder in folders}
    results = {folder: previous_results(folder) for folder in folders}
    made = {folder: provenance_in(each) for folder, each in results.items()}
    check_parts({str(folder): each.shard for folder, each in made.items()})
    _check_alike({str(folder): each for folder, each in made.items()})
    # As one machine plays a folder's scenarios: each part knows only its own order.
    saved = sorted(
        (each for part in parts.values() for each in part),
        key=lambda each: (each.scenario.file, each.name),
    )
    if twice := _twice([each.name for each in saved]):
        raise UsageError(f"{twice} is in two of the folders; which play of it counts?")
    click.get_current_context().with_resource(claimed(report))
    prepare_folder(report)
    for folder, part in parts.items():
        copy_histories(folder, part, report)
    known = {failure: None for each in results.values() for failure in known_in(each)}
    write_reports(
        report, saved, made=_whole(list(made.values())), known=tuple(known), before=before
    )
    tell(saved, report=report, quiet=quiet)
    sys.exit(exit_status(worst(each.judgement.verdict for each in saved)))


def _twice(names: Sequence[str]) -> str | None:
    return next((name for name in names if names.count(name) > 1), None)


def _check_alike(made: Mapping[str, Provenance]) -> None:
    """Parts that were played with other versions, or against another commit, are no whole."""
    from harness.errors import UsageError

    versions = {folder: each.versions.get("outage-harness") for folder, each in made.items()}
    commits = {folder: each.commit for folder, each in made.items()}
    for what, told in (
        ("version of the harness", versions),
        ("commit of the target", commits),
    ):
        if len(set(told.values())) > 1:
            each = "; ".join(f"{folder}: {value or 'unknown'}" for folder, value in told.items())
            raise UsageError(f"the parts differ in the {what}: {each}")


def _whole(made: Sequence[Provenance]) -> Provenance:
    """When the first part began, on which machines, what all of it took, and what each scenario."""
    began = sorted(each.began for each in made if each.began is not None)
    runs = dict.fromkeys(each.run for each in made if each.run is not None)
    hosts = dict.fromkeys(each.host for each in made if each.host is not None)
    return replace(
        made[0],
        run=", ".join(runs) or None,
        began=began[0] if began else None,
        host=", ".join(hosts) or None,
        wall_s=_span_s(made),
        real_s={name: real_s for each in made for name, real_s in each.real_s.items()},
        zero_unix_s={name: zero for each in made for name, zero in each.zero_unix_s.items()},
        shard=None,
    )


def _span_s(made: Sequence[Provenance]) -> float | None:
    """From when the first part began until the last was over, side by side or one by one."""
    from datetime import datetime

    spans = []
    for each in made:
        try:
            begun_s = datetime.fromisoformat(each.began or "").timestamp()
        except ValueError:
            return None
        if each.wall_s is None:
            return None
        spans.append((begun_s, begun_s + each.wall_s))
    return max(end_s for _, end_s in spans) - min(begun_s for begun_s, _ in spans)
