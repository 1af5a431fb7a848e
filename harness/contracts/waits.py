"""How a file says for how long a breaker stays open: one wait, or one that grows each time."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag, model_validator

from harness.policy import waits
from harness.scenario.fields import Duration, Part, at_least_one, exclusive


def _over_one(value: float) -> float:
    if not 1 <= value <= 1000:
        raise ValueError("expected a factor from 1 to 1000")
    return value


Factor = Annotated[
    float,
    BeforeValidator(lambda v: _over_one(v) if type(v) in (int, float) else v),
    Field(strict=True, ge=1, le=1000),
]


class Growth(Part):
    """A wait that is longer each time that the breaker opens in turn, or until a clock ticks."""

    rules: ClassVar[tuple[dict[str, Any], ...]] = (
        at_least_one("factor", "step", "tick"),
        exclusive("factor", "step"),
    )

    first: Duration = Field(..., gt=0, description="the first time", examples=["5s"])
    factor: Factor | None = Field(
        None, description="how many times as long each is as the one before", examples=[2]
    )
    step: Literal["first"] | None = Field(
        None, description="each is the `first` longer than the one before"
    )
    most: Duration | None = Field(None, gt=0, description="never longer than this")
    tick: Duration | None = Field(
        None,
        gt=0,
        description="by up to how much it may be longer, as its end is noticed only so often",
        examples=["1s"],
    )

    @model_validator(mode="after")
    def _consistent(self) -> Growth:
        if self.factor is not None and self.step is not None:
            raise ValueError("expected either `factor` (such as 2) or `step: first`")
        if self.factor is None and self.step is None and self.tick is None:
            raise ValueError("expected `factor` (such as 2), `step: first` or `tick` (such as 1s)")
        return self

    @property
    def wait(self) -> waits.Wait:
        """As everybody takes it."""
        return self._grown if self.tick is None else waits.Ticking(self._grown, self.tick)

    @property
    def _grown(self) -> waits.Wait:
        most_s = math.inf if self.most is None else self.most
        if self.step is not None:
            return waits.Multiplied(self.first, most_s)
        if self.factor is None:
            return waits.Constant(min(self.first, most_s))
        return waits.Growing(self.first, self.factor, most_s)


def shape(value: object) -> str:
    """What a value is that may be written in several ways, so that only one of them is complained
    of: `keys`, `list` or `plain`.
    """
    if isinstance(value, Mapping | Part):
        return "keys"
    return "list" if isinstance(value, list | tuple) else "plain"


WaitText = Annotated[
    Annotated[Duration, Tag("plain")]
    | Annotated[Growth, Tag("keys")]
    | Annotated[Duration, Tag("list")],
    Discriminator(shape),
]


def wait_of(said: float | Growth) -> waits.Wait:
    """A wait as everybody takes it."""
    return said.wait if isinstance(said, Growth) else waits.Constant(said)
