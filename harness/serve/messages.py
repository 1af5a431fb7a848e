"""What a run tells the process that shows it, in the order in which it happens."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.frozen import Frozen
from harness.report.provenance import Provenance
from harness.scenario.model import Scenario
from harness.target.known import KnownFailure
from harness.verdict import Judgement


class Begun(Frozen, kw_only=True):
    """A run begins; its histories grow in `folder`."""

    scenarios: tuple[Scenario, ...]
    folder: Path
    engine: str
    proxy: str
    target: str
    made: Provenance
    known: tuple[KnownFailure, ...]
    before: Mapping[str, Any]


class Went(Frozen, kw_only=True):
    """A scenario got somewhere: what it does, and its clock (None before 0s)."""

    name: str
    doing: str
    at_s: float | None


class Judged(Frozen, kw_only=True):
    """A scenario has its verdict."""

    judgement: Judgement


class Over(Frozen, kw_only=True):
    """The run has ended, after so many seconds."""

    wall_s: float


Message = Begun | Went | Judged | Over
