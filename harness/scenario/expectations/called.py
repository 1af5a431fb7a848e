"""What expectations about the calls at one upstream have in common."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from harness.scenario.expectations.base import Surroundings, Windowed
from harness.scenario.fields import CallRoute, UpstreamName
from harness.scenario.located import Path
from harness.scenario.names import Misfits


class OfCalls(Windowed):
    """An expectation about calls at an upstream, of all its routes or of one."""

    unsaid: ClassVar[tuple[str, ...]] = (*Windowed.unsaid, "upstream")

    upstream: UpstreamName = Field(description="who is called", examples=["mail"])
    on: CallRoute | None = Field(None, description="only calls of this route of the upstream")

    @property
    def about(self) -> str:
        """Calls at the upstream."""
        return f"calls at {self.upstream}"

    @property
    def upstreams(self) -> tuple[str, ...]:
        """The one that is called, and the one whose breaker names the window."""
        return (self.upstream, *self.breakers)

    def misfits(self, path: Path, around: Surroundings) -> Misfits:
        """What is wrong with its upstream, its route and its window."""
        yield from around.names.upstream((*path, "upstream"), self.upstream)
        if self.on is not None:
            yield from around.names.route((*path, "on"), self.upstream, self.on)
        yield from super().misfits(path, around)
