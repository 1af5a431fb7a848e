"""`breaker: auth`: when the breaker opens, probes, closes; which request is rejected first."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, model_validator

from harness.scenario.expectations.base import ExpectationBase, Surroundings
from harness.scenario.expectations.values import Instant
from harness.scenario.fields import CountField
from harness.scenario.located import Path
from harness.scenario.names import Misfits
from harness.units import Around, format_duration


class ExpectBreaker(ExpectationBase):
    """The breaker in front of an upstream changes state when the contract says."""

    unsaid: ClassVar[tuple[str, ...]] = ("claims", "because", "breaker", "traffic")

    breaker: str
    opens: Instant | Literal["never"] | None = None
    first_rejection: CountField | Literal["contract"] | None = Field(
        None, description="number of the first request that is rejected fast: #10..#11"
    )
    traffic: str | None = Field(None, description="the stream that `first_rejection` counts")
    attempts: CountField | Literal["contract"] | None = Field(
        None, description="attempts at the upstream until it opens: 12..14"
    )
    probes: Instant | tuple[Instant, ...] | None = Field(
        None, description="instants of the probes, exactly these and one attempt each"
    )
    closes: Instant | Literal["never"] | None = None

    @model_validator(mode="after")
    def _says_something(self) -> ExpectBreaker:
        said = (self.opens, self.first_rejection, self.attempts, self.probes, self.closes)
        if all(value is None for value in said):
            raise ValueError(
                "expected at least one of opens, first_rejection, attempts, probes, closes"
            )
        return self

    @property
    def about(self) -> str:
        """The breaker."""
        return f"{self.breaker} breaker"

    @property
    def breakers(self) -> tuple[str, ...]:
        """Its upstream."""
        return (self.breaker,)

    def misfits(self, path: Path, around: Surroundings) -> Misfits:
        """What is wrong with its names, instants, and their order."""
        scenario = around.scenario
        if self.traffic is not None:
            yield from around.names.stream((*path, "traffic"), self.traffic, scenario.traffic)
        yield from around.names.upstream((*path, "breaker"), self.breaker)
        yield from self._first_rejection((*path, "first_rejection"), around)
        for key in ("opens", "closes", "probes"):
            value = getattr(self, key)
            for number, instant in enumerate(value if isinstance(value, tuple) else (value,)):
                if isinstance(instant, Around) and instant.at_s >= scenario.duration:
                    unseen = f"{instant} can't be seen: the scenario ends at {around.end}"
                    yield (*path, key, number), unseen
        yield from self._order(path)

    def _first_rejection(self, path: Path, around: Surroundings) -> Misfits:
        first, streams = self.first_rejection, around.scenario.traffic
        if first is not None and self.traffic is None and len(streams) > 1:
            yield path, f"of which `traffic`? Add one of {', '.join(streams)}"
        if first is not None and not isinstance(first, str):
            stream = self.traffic or next(iter(streams))
            if stream in streams and len(around.instants(stream)) < first.low:
                count = len(around.instants(stream))
                yield path, f"`{stream}` sends no more than {count} requests"

    def _order(self, path: Path) -> Misfits:
        """A breaker opens, then probes, then closes."""
        opens = self.opens
        for key in ("probes", "closes"):
            value = getattr(self, key)
            later = value[0] if isinstance(value, tuple) and value else value
            if opens == "never" and later is not None and later != "never":
                yield (*path, key), "contradicts `opens: never`"
            elif (
                isinstance(opens, Around) and isinstance(later, Around) and later.at_s <= opens.at_s
            ):
                at, before = format_duration(later.at_s), format_duration(opens.at_s)
                yield (*path, key), f"{at} is not after {before}, when it opens"
