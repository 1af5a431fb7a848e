"""What expectations about an upstream's connections have in common."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from harness.scenario.expectations.base import Surroundings, Windowed
from harness.scenario.fields import UpstreamName
from harness.scenario.located import Path
from harness.scenario.names import Misfits


class OfConnections(Windowed):
    """An expectation about connections of the target to an upstream, whatever they speak."""

    unsaid: ClassVar[tuple[str, ...]] = (*Windowed.unsaid, "upstream")

    upstream: UpstreamName = Field(description="to whom", examples=["cache"])

    @property
    def about(self) -> str:
        """Connections to the upstream."""
        return f"connections to {self.upstream}"

    @property
    def upstreams(self) -> tuple[str, ...]:
        """The one that is connected to, and the one whose breaker names the window."""
        return (self.upstream, *self.breakers)

    def misfits(self, path: Path, around: Surroundings) -> Misfits:
        """What is wrong with its upstream and its window."""
        yield from around.names.upstream((*path, "upstream"), self.upstream)
        yield from super().misfits(path, around)
