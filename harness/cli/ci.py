"""What a run tells others beside its reports: the CI server it is on, a collector of spans."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from harness.errors import UsageError
from harness.printable import in_line

if TYPE_CHECKING:
    from harness.report.outcome import Outcome

_WITHIN_S = 10.0
_EXAMPLE = "http://127.0.0.1:4318/v1/traces"
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


def on_github(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether this is a step of GitHub Actions."""
    return environ.get("GITHUB_ACTIONS") == "true"


def tell_github(outcome: Outcome, environ: Mapping[str, str] = os.environ) -> None:
    """Annotate scenario files with what is wrong, and add the summary to the step's page."""
    from harness.report.github import workflow_commands
    from harness.report.markdown import summary_md

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


def check_collector(url: str, *, allow_remote: bool) -> None:
    """Raises: UsageError for no address, or one beyond this machine unless that is allowed."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(f"--spans {url}: expected an address such as {_EXAMPLE}")
    if not allow_remote and parts.hostname not in _LOOPBACK:
        raise UsageError(f"--spans {url} is not on this machine; --allow-remote if that is meant")


def send_spans(outcome: Outcome, url: str) -> str:
    """Post a run's spans to a collector; what became of that, for a person."""
    import requests  # an eighth of a second that nobody else needs

    from harness.report.spans import otlp_json

    headers = {"Content-Type": "application/json"}
    try:
        answer = requests.post(
            url, data=otlp_json(outcome).encode(), headers=headers, timeout=_WITHIN_S
        )
    except requests.RequestException as error:
        return in_line(f"spans: {url} took none: {type(error).__name__}")
    taken = f"taken by {url}" if answer.ok else f"refused by {url}: status {answer.status_code}"
    return in_line(f"spans: {taken}")
