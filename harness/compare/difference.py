"""One difference between two runs, and of what sort it is."""

from __future__ import annotations

from enum import StrEnum

from harness.frozen import Frozen


class Sort(StrEnum):
    """Which way something changed."""

    WORSE = "worse"
    BETTER = "better"
    NEW = "new"
    GONE = "gone"
    CHANGED = "changed"
    """Neither better nor worse by itself."""
    UNCLEAR = "unclear"
    """It proves nothing now, for no reason of the target's."""


class Difference(Frozen, kw_only=True):
    """One thing that is not as it was."""

    sort: Sort
    scenario: str
    expectation: str | None
    """Its name, or that of a figure (`mail breaker: first opening`); None for the scenario."""
    before: str | None
    after: str | None
    weight: int
    """How bad it is among its sort, 0 the worst."""
    observed: str = ""
    """What was seen now, where it is an expectation."""
    file: str = ""
    line: int = 0
