"""What every fault says, whatever its kind: on whom, from when to when, which calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field, model_validator

from harness.scenario.faults.row import Kind, Takes, ToxicUse, Where
from harness.scenario.faults.served import Served
from harness.scenario.fields import (
    CallRoute,
    CountField,
    Duration,
    Misfit,
    Part,
    Share,
    UpstreamName,
    Whole,
    exclusive,
)
from harness.units import Range


class FaultBase(Part):
    """What every fault says: on which upstream, and from when to when (seconds after 0)."""

    KIND: ClassVar[Kind]
    """Its row in the table of kinds."""
    if TYPE_CHECKING:
        fault: str

    rules: ClassVar[tuple[dict[str, Any], ...]] = (
        exclusive("first", "calls"),
        exclusive("one_in", "first"),
        exclusive("one_in", "calls"),
    )

    upstream: UpstreamName | tuple[UpstreamName, ...] = Field(
        description="one upstream, or a list of several; none for a fault of the target itself",
        examples=["mail", ["mail", "stock"]],
    )
    from_: Duration = Field(0.0, alias="from", description="when it begins; 0s is the default")
    to: Duration | None = Field(None, description="when it is lifted; the scenario's end if absent")
    on: CallRoute | None = Field(None, description="only this route of the upstream")
    first: Whole | None = Field(
        None, ge=1, description="only the first k calls after `from`", examples=[3]
    )
    calls: CountField | None = Field(None, description="only these calls after `from`: 5..8")
    one_in: Whole | None = Field(
        None, ge=2, description="one call in k: 2 hits the 1st, 3rd, 5th", examples=[2]
    )
    share: Share = Field(1.0, description="only this share of calls, drawn from the run's seed")

    @property
    def upstreams(self) -> tuple[str, ...]:
        """The upstreams that it hits, one or several; none where it hits the target itself."""
        return (self.upstream,) if isinstance(self.upstream, str) else self.upstream

    @property
    def subject(self) -> str:
        """What it hits, in words: `mail, stock`, or `target`."""
        return ", ".join(self.upstreams) or "target"

    @property
    def counted(self) -> Range | None:
        """The calls it hits, counted from 1 since it was applied; None means all."""
        return Range(1, self.first) if self.first is not None else self.calls

    @property
    def selective(self) -> bool:
        """Whether it picks calls (a route, a count, a share), which only a stub can do."""
        picked = self.on is not None or self.counted is not None or self.one_in is not None
        return picked or self.share < 1

    @property
    def fails(self) -> bool:
        """Whether every attempt that it hits is a failure to a breaker, so that it must open."""
        return self.KIND.opens and self.spoils

    def toxics(self) -> tuple[ToxicUse, ...]:
        """What it is on a proxy, in this order: for kinds that a proxy plays by toxics."""
        return ()

    def action(self) -> dict[str, Any]:
        """What it is in a stub: an action of `PUT /_stub/behaviours`, by its own name."""
        return {"action": self.fault}

    def serve(self, served: Served) -> Served:
        """What the answer of a service becomes: for kinds that a stub plays."""
        return served

    @property
    def _selector(self) -> str:
        said = {"on": self.on, "first": self.first, "calls": self.calls, "one_in": self.one_in}
        return next((key for key, value in said.items() if value is not None), "share")

    @property
    def where(self) -> Where:
        """Which part of the world plays it: selective network faults move into the stub."""
        return "stub" if self.selective and self.KIND.in_stub else self.KIND.where

    @property
    def spoils(self) -> bool:
        """Whether no attempt that it hits can succeed while it lasts."""
        return self.KIND.spoils

    @property
    def takes(self) -> Takes:
        """What it takes of a call, so that no other fault can have it."""
        return self.KIND.takes

    @model_validator(mode="after")
    def _consistent(self) -> FaultBase:
        if self.to is not None and self.to <= self.from_:
            raise Misfit("`to` must come after `from`", key="to")
        if self.first is not None and self.calls is not None:
            raise Misfit("`first` and `calls` say the same; keep one of them", key="calls")
        if self.one_in is not None and self.counted is not None:
            raise Misfit("`one_in` goes on for ever: drop it, or `first` and `calls`", key="one_in")
        kind = self.KIND
        if self.selective and kind.where != "stub" and not kind.in_stub:
            hit = "the target itself" if kind.where == "target" else "all calls of the upstream"
            raise Misfit(
                f"`{kind.name}` hits {hit}: drop `on`, `first`, `calls`, `one_in` and `share`, "
                f"or use one of {', '.join(_selectable())}",
                key=self._selector,
            )
        return self


def _selectable() -> list[str]:
    from harness.scenario.faults.registry import KINDS

    return [kind.name for kind in KINDS.values() if kind.in_stub]
