"""`check: NAME`: a check of the author's own, written in Python and found by its entry point."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pydantic import Field

from harness.scenario.expectations.base import ExpectationBase, Surroundings
from harness.scenario.located import Path
from harness.scenario.names import Misfits
from harness.scenario.spelling import not_known

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "outage_harness.checks"
"""The entry points among which a name is looked up."""


class ExpectOwn(ExpectationBase):
    """What a function of one's own says of the play: it gives what is wrong, a sentence each."""

    check: str = Field(
        min_length=1,
        pattern=r"^[A-Za-z_][\w.-]*$",
        description="name of an entry point in the group `outage_harness.checks`",
        examples=["budget"],
    )
    given: dict[str, Any] = Field(
        default_factory=dict,
        description="what the function is called with, by name, beside the history",
        examples=[{"most": 3}],
    )

    @property
    def about(self) -> str:
        """The check, and what it was given."""
        said = ", ".join(f"{name} {value}" for name, value in self.given.items())
        return f"{self.check} ({said})" if said else self.check

    @property
    def demand(self) -> str:
        """That nothing is wrong."""
        return f"nothing that {self.check} finds wrong"

    def misfits(self, path: Path, around: Surroundings) -> Misfits:
        """Whether such a check is installed."""
        names = [each.name for each in installed()]
        if self.check not in names:
            where = f" (entry points of the group {GROUP})"
            yield (*path, "check"), not_known("check", self.check, names) + where


def installed() -> Iterator[EntryPoint]:
    """All checks of one's own that this Python has."""
    from importlib.metadata import entry_points  # not before somebody has a check of their own

    yield from entry_points(group=GROUP)
