"""A broken invariant: what was seen, when, by which request, and how a scenario file says it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

RawExpectation = Mapping[str, Any]
"""An expectation as it stands in a scenario file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """One broken invariant in one play."""

    invariant: str
    """Its name, as in `INVARIANTS`."""
    about: str
    """The upstream or stream that it concerns."""
    claims: tuple[str, ...]
    at_s: float
    """When it showed, seconds after 0s."""
    says: str
    """What was seen, in one sentence."""
    request: int | None = None
    """Id of the first offending request (`Sent.id`), where there is one."""
    expectations: tuple[RawExpectation, ...] = ()
    """What a scenario file may expect that this breaks, the plainest first."""

    @property
    def key(self) -> tuple[str, str]:
        """By which findings are kept apart."""
        return self.invariant, self.about
