"""`after: {breaker: mail, is: open}`: the event of the play after which a fault begins."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from harness.scenario.fields import Misfit, Part, UpstreamName, Whole
from harness.units import plural

BreakerState = Literal["open", "half_open", "closed"]


class After(Part):
    """An event of the play: a breaker's state, or so many calls of an upstream since 0s."""

    rules: ClassVar[tuple[dict[str, Any], ...]] = (
        {"oneOf": [{"required": ["breaker", "is"]}, {"required": ["calls", "at"]}]},
        {"maxProperties": 2},
    )

    breaker: UpstreamName | None = Field(None, description="whose breaker")
    is_: BreakerState | None = Field(
        None, alias="is", description="its state: open, half_open, or closed once it was open"
    )
    calls: Whole | None = Field(None, ge=1, description="how many calls, since 0s", examples=[10])
    at: UpstreamName | None = Field(None, description="the upstream that is called")

    @property
    def upstream(self) -> str:
        """The upstream that it watches."""
        named = self.breaker or self.at
        assert named is not None  # as validated
        return named

    def __str__(self) -> str:
        """In words: `mail's breaker is half open`, `payments got 10 calls`."""
        if self.is_ is not None:
            return f"{self.upstream}'s breaker is {self.is_.replace('_', ' ')}"
        return f"{self.upstream} got {plural(self.calls or 0, 'call')}"

    @model_validator(mode="after")
    def _one_event(self) -> After:
        of_breaker = self.breaker is not None, self.is_ is not None
        of_calls = self.calls is not None, self.at is not None
        if any(of_breaker) and any(of_calls):
            key = "calls" if self.calls is not None else "at"
            raise Misfit("a breaker's state and calls are two events; keep one", key=key)
        if self.breaker is not None and self.is_ is None:
            told = "`breaker` needs `is`: open, half_open or closed"
            raise Misfit(told, key="breaker", lacks=True)
        if self.calls is not None and self.at is None:
            told = "`calls` needs `at`: the upstream that is called"
            raise Misfit(told, key="calls", lacks=True)
        if self.breaker is None and self.calls is None:
            raise ValueError("expected {breaker: mail, is: open} or {calls: 10, at: mail}")
        return self
