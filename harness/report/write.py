"""Puts a run's reports into a folder, each file whole or not at all.

A report folder holds what each of `WRITERS` makes of the run, and for each scenario its history
(`NAME.history.jsonl`, written by the recorder as facts come in) and its text as it was played
(`NAME.played.yaml`), so that the history stays judgeable when the file has changed or moved.
"""

from __future__ import annotations

import contextlib
import glob
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

from harness.bundled import PLAYED
from harness.errors import UsageError
from harness.history.store import HISTORY
from harness.judge import not_played
from harness.report.links import PAGE
from harness.report.outcome import Outcome, Played, outcome_of
from harness.report.provenance import Provenance
from harness.report.results import results_json
from harness.report.secrets import clean_source
from harness.scenario.model import Scenario
from harness.target.known import KnownFailure

RESULTS = "results.json"
UNFINISHED = "the run is not over, or was killed before it wrote its results"

WRITERS = {
    RESULTS: "results:results_json",
    "junit.xml": "junit:junit_xml",
    "junit-jenkins.xml": "junit:jenkins_xml",
    "metrics.txt": "metrics:metrics_txt",
    "trace.otlp.json": "spans:otlp_json",
    "summary.md": "markdown:summary_md",
    PAGE: "page:report_html",
}
"""The reports by the names of their files, and where each is made: a module of this package, and
its function from an `Outcome` to a text."""


Clean = Callable[[str], str]
"""Takes out of a text what must not be told."""


@contextlib.contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Make a folder, and keep it to this process for the length of a block, where that is possible.

    The system gives it back when this process ends, however it does.

    Raises: UsageError when another run is at work there, or the folder can't be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(_refusal(folder, error)) from error
    held = _locked(folder)
    try:
        yield
    finally:
        if held is not None:
            os.close(held)


def _locked(folder: Path) -> int | None:
    """A descriptor that keeps others away; None where the system, or the file system, has none."""
    if sys.platform == "win32":
        return None
    import fcntl

    held = None
    try:
        held = os.open(folder, os.O_RDONLY)
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        if held is not None:
            os.close(held)
        raise UsageError(
            f"another run is writing to {folder}; name another folder with --report"
        ) from None
    except OSError:
        pass
    return held


def prepare_folder(
    folder: Path,
    scenarios: Sequence[Scenario] = (),
    clean: Clean = clean_source,
    made: Provenance | None = None,
) -> None:
    """Make a report folder ready for a run, before anything is played.

    Summaries of an earlier run go, so that nobody takes them for this one's, and so does all of the
    scenarios that are to be played. The results that are there until the run is over name it and
    say that nothing was played: so whatever ends it, nothing is judged by older histories.
    Scenario files are copied, as they are when they are played.

    Raises: UsageError when the folder can't be made or written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
        for name in WRITERS:
            (folder / name).unlink(missing_ok=True)
        for scenario in scenarios:
            for suffix in (HISTORY, ".history.*.jsonl"):
                for stale in folder.glob(f"{glob.escape(scenario.name)}{suffix}"):
                    stale.unlink(missing_ok=True)
    except OSError as error:
        raise UsageError(_refusal(folder, error)) from error
    for scenario in scenarios:
        keep_scenario(folder, scenario, clean)
    if scenarios:
        planned = tuple(not_played(scenario, UNFINISHED) for scenario in scenarios)
        outcome = Outcome(judgements=planned, made=made or Provenance())
        write_whole(folder / RESULTS, results_json(outcome))


def keep_scenario(folder: Path, scenario: Scenario, clean: Clean = clean_source) -> None:
    """Copy a scenario's file, without secrets; one that can't be read any more is left out.

    Raises: UsageError when the copy can't be written.
    """
    try:
        text = scenario.text or Path(scenario.file).read_text(encoding="utf-8")
    except (OSError, ValueError):
        with contextlib.suppress(OSError):
            (folder / f"{scenario.name}{PLAYED}").unlink()  # an older run's
        return
    write_whole(folder / f"{scenario.name}{PLAYED}", clean(text))


def write_reports(
    folder: Path,
    played: Sequence[Played],
    *,
    wall_s: float | None = None,
    made: Provenance | None = None,
    known: Sequence[KnownFailure] = (),
    before: Mapping[str, Any] | None = None,
) -> None:
    """Write all summaries of a run; what can be written is, even if something else can't.

    `before`: the results of the run before this one, for what is new.

    Raises: UsageError that names each file which could not be written.
    """
    outcome = outcome_of(played, wall_s, made, known, before)
    problems = []
    for name, place in WRITERS.items():
        try:
            write_whole(folder / name, resolve_name(f"harness.report.{place}")(outcome))
        except UsageError as error:
            problems.append(str(error))
    for each in played:
        if not (folder / f"{each.scenario.name}{PLAYED}").exists():
            try:
                keep_scenario(folder, each.scenario)
            except UsageError as error:
                problems.append(str(error))
    if problems:
        raise UsageError("\n".join(problems))


def write_whole(path: Path, text: str) -> None:
    """Write a file so that a reader finds the old one or the new one, never half of it.

    Raises: UsageError when that can't be done; an earlier file is then still there.
    """
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        scratch.write_text(text.encode("utf-8", "backslashreplace").decode(), encoding="utf-8")
        scratch.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            scratch.unlink(missing_ok=True)
        raise UsageError(_refusal(path, error)) from error


def _refusal(path: Path, error: OSError) -> str:
    return f"can't write {path}: {error.strerror or error}; name another folder with --report"
