"""`breaker: mail`: when the breaker opens, probes, closes; which request is rejected first."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from harness.scenario.expectations.base import ExpectationBase, Surroundings
from harness.scenario.expectations.values import Instant
from harness.scenario.fields import CountField, Misfit, StreamName, UpstreamName, at_least_one
from harness.scenario.located import Path
from harness.scenario.names import Misfits
from harness.units import Around, format_duration

Instants = Annotated[tuple[Instant, ...], Field(json_schema_extra={"minItems": 1})]


class ExpectBreaker(ExpectationBase):
    """The breaker in front of an upstream changes state when the contract says."""

    unsaid: ClassVar[tuple[str, ...]] = ("claims", "because", "breaker", "traffic")

    rules: ClassVar[tuple[dict[str, Any], ...]] = (
        at_least_one("opens", "first_rejection", "attempts", "probes", "closes", "keeps"),
    )

    breaker: UpstreamName = Field(description="whose breaker", examples=["mail"])
    opens: Instant | Literal["never"] | Instants | None = Field(
        None,
        description="when it first opens; as a list every opening, those by a failed probe too",
        examples=["9s ± 1s", "contract ± 1s", "never"],
    )
    first_rejection: CountField | Literal["contract"] | None = Field(
        None,
        description="number of the first request that is rejected fast: #10..#11",
        examples=["#10..#11", "contract"],
    )
    traffic: StreamName | None = Field(
        None, description="the stream that `first_rejection` counts", examples=["chat"]
    )
    attempts: CountField | Literal["contract"] | None = Field(
        None,
        description="attempts at the upstream until it opens: 12..14",
        examples=["12..14", "contract"],
    )
    probes: Instant | Instants | None = Field(
        None,
        description="instants of the probes, exactly these and one attempt each",
        examples=["69.5s ± 1s", ["69.5s ± 1s", "140s ± 1s"]],
    )
    closes: Instant | Literal["never"] | Instants | None = Field(
        None,
        description="when it closes for good; as a list every closing",
        examples=["69.5s ± 1s", "never"],
    )
    keeps: Literal["contract"] | None = Field(
        None, description="a sound breaker explains all that crossed the wire"
    )

    @model_validator(mode="after")
    def _says_something(self) -> ExpectBreaker:
        said = (
            self.opens, self.first_rejection, self.attempts, self.probes, self.closes, self.keeps
        )  # fmt: skip
        if all(value is None for value in said):
            raise ValueError(
                "expected at least one of opens, first_rejection, attempts, probes, closes, keeps"
            )
        for key in ("opens", "probes", "closes"):
            if getattr(self, key) == ():
                raise Misfit("expected at least one instant", key=key)
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
        """A breaker opens, then probes, then closes; what a list says is in order."""
        opens = _listed(self.opens)
        for key in ("opens", "probes", "closes"):
            told = [each for each in _listed(getattr(self, key)) if isinstance(each, Around)]
            for early, late in pairwise(told):
                if late.at_s <= early.at_s:
                    yield (*path, key), f"{_at(late)} is not after {_at(early)}"
        for key in ("probes", "closes"):
            later = next(iter(_listed(getattr(self, key))), None)
            first = opens[0] if opens else None
            if first == "never" and later is not None and later != "never":
                yield (*path, key), "contradicts `opens: never`"
            elif (
                isinstance(first, Around) and isinstance(later, Around) and later.at_s <= first.at_s
            ):
                yield (*path, key), f"{_at(later)} is not after {_at(first)}, when it opens"


def _listed(value: object) -> tuple[object, ...]:
    if value is None:
        return ()
    return value if isinstance(value, tuple) else (value,)


def _at(instant: Around) -> str:
    return format_duration(instant.at_s)
