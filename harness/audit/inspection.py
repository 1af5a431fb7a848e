"""One audit: files read, clients recognised, rules applied."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from harness.audit.clients import find_clients
from harness.audit.direct import direct_calls
from harness.audit.findings import Finding
from harness.audit.guards import unguarded_calls
from harness.audit.resolution import Code
from harness.audit.sources import read_sources
from harness.errors import Problem
from harness.frozen import Frozen


class Report(Frozen, kw_only=True):
    """What an audit found, and which files could not be read."""

    findings: tuple[Finding, ...]
    problems: tuple[Problem, ...]
    files: int


def audit(path: Path, *, clients: Iterable[str] = (), exclude: Iterable[str] = ()) -> Report:
    """Audit a file or folder. `clients` names further classes that are resilient clients.

    Raises: UsageError for a path that isn't there or holds no Python file.
    """
    sources, problems = read_sources(path, tuple(exclude))
    code = Code(sources)
    known = find_clients(code, clients)
    findings = {*direct_calls(code, known), *unguarded_calls(code, known)}
    return Report(
        findings=tuple(sorted(findings)), problems=tuple(sorted(problems)), files=len(sources)
    )
