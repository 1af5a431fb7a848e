"""What a run tells the CI server that it finds itself on, beside its reports."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path

import click

from harness.report.github import workflow_commands
from harness.report.markdown import summary_md
from harness.report.outcome import Outcome


def on_github(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether this is a step of GitHub Actions."""
    return environ.get("GITHUB_ACTIONS") == "true"


def tell_github(outcome: Outcome, environ: Mapping[str, str] = os.environ) -> None:
    """Annotate scenario files with what is wrong, and add the summary to the step's page."""
    workspace = Path(environ.get("GITHUB_WORKSPACE") or ".").resolve()

    def placed(file: str) -> str:
        path = Path(file).resolve()
        return str(path.relative_to(workspace)) if path.is_relative_to(workspace) else file

    for line in workflow_commands(outcome.judgements, placed):
        click.echo(line)
    page = environ.get("GITHUB_STEP_SUMMARY")
    if page:
        with contextlib.suppress(OSError), open(page, "a", encoding="utf-8") as file:
            file.write(summary_md(outcome))
