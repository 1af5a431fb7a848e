"""A scenario: one file's traffic, faults and expectations, typed and validated."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationInfo, field_validator

from harness.scenario.expectations import Expectation
from harness.scenario.faults import Fault, FaultBase
from harness.scenario.fields import Claim, Length, Line, Part, StreamName, texts
from harness.scenario.traffic import Stream

MatrixName = Annotated[str, texts("a name of the matrix", "upstream", pattern="^[a-z_][a-z0-9_]*$")]
MOST_PARTS = 1000
"""How often one fault may come and go."""


class Scenario(Part):
    """One outage: what is sent, what breaks, and what is expected. 0s is the outage's begin."""

    title: Line = Field(
        description="what happens, in a line", examples=["Auth server unreachable for 50 s"]
    )
    replays: Line | None = Field(
        None, description="the section of a document that it replays", examples=["RUNBOOK.md, 4.2"]
    )
    claims: tuple[Claim, ...] = Field(
        (), description="the claims of the contract that it asserts", examples=[["S1", "PAY-12"]]
    )
    duration: Length = Field(gt=0, le=86_400, description="from 0s to the scenario's end")
    traffic: dict[StreamName, Stream] = Field(
        min_length=1,
        description="streams of equal requests, each by a name of yours",
        examples=[{"chat": {"request": "POST /orders", "as": "eve", "rate": "1/s"}}],
    )
    faults: tuple[Fault, ...] = Field(
        (),
        description="what breaks, and when",
        examples=[[{"upstream": "mail", "fault": "blackhole", "to": "50s"}]],
    )
    expect: tuple[Expectation, ...] = Field(
        (),
        min_length=1,
        description="beyond the promises, which are judged in every run",
        examples=[[{"breaker": "mail", "opens": "9s ± 1s"}]],
    )
    engines: tuple[Literal["local", "compose", "sim"], ...] | None = Field(
        None,
        min_length=1,
        description="only on these engines: local, compose, sim",
        examples=[["sim"]],
    )
    matrix: dict[MatrixName, Annotated[tuple[Any, ...], Field(min_length=1)]] | None = Field(
        None,
        description="a scenario for each combination: $upstream stands for its value",
        examples=[{"upstream": ["mail", "stock"], "fault": ["refused", "blackhole"]}],
    )
    combination: str = Field(
        "", description="set from the matrix: which of its combinations it is", exclude=True
    )
    text: str | None = Field(
        None, description="set from the matrix: the combination's own file", exclude=True
    )
    name: str = Field("", description="set from the file's name", exclude=True)
    file: str = Field("", description="set from the file's path", exclude=True)
    expect_lines: tuple[int, ...] = Field(
        (), description="set from the file: where each expectation begins", exclude=True
    )

    @field_validator("faults", mode="after")
    @classmethod
    def _taken_apart(cls, faults: tuple[FaultBase, ...], info: ValidationInfo) -> tuple[Any, ...]:
        """Faults that come and go, and ramps, as the single faults that they are made of."""
        end_s = info.data.get("duration")
        if end_s is None:
            return faults
        parts: list[tuple[int, FaultBase]] = []
        for number, fault in enumerate(faults, start=1):
            several = list(islice(fault.parts(end_s), MOST_PARTS + 1))
            if len(several) > MOST_PARTS:
                raise ValueError(f"fault {number} comes more than {MOST_PARTS} times")
            if not several:
                raise ValueError(f"fault {number} ends before its first step begins")
            parts += ((number, part) for part in several)
        if len(parts) == len(faults):
            return tuple(part for _, part in parts)
        return tuple(part.part_of(number) for number, part in parts)

    def number_of(self, index: int) -> int:
        """Which fault of the file, from 1, fault number `index` (from 0) is, or is a part of."""
        return self.faults[index].number or index + 1

    @property
    def single_faults(self) -> tuple[int, ...]:
        """The numbers (from 0) of faults that may all be in force together: of one that comes and
        goes, or grows, the last part.
        """
        return tuple({self.number_of(index): index for index in range(len(self.faults))}.values())

    @property
    def waiting(self) -> tuple[int, ...]:
        """The numbers (from 0) of faults that begin after an event, whose time is not known yet."""
        return tuple(
            index
            for index, fault in enumerate(self.faults)
            if fault.trigger is not None and fault.from_ >= self.duration
        )

    def begun_after(self, known_s: Mapping[int, float]) -> Scenario:
        """The same with faults whose events were known at these instants: each `wait` later."""
        waits_s = {index: self.faults[index].wait or 0.0 for index in known_s}
        return self.begun({index: at_s + waits_s[index] for index, at_s in known_s.items()})

    def begun(self, begins_s: Mapping[int, float]) -> Scenario:
        """The same with faults that begin after an event from these instants on, by number.

        One that would begin after the end stays where it is: nowhere.
        """
        if not begins_s:
            return self
        faults = list(self.faults)
        for index, begin_s in begins_s.items():
            if begin_s < self.duration:
                lasts_s = faults[index].for_
                end_s = self.duration if lasts_s is None else begin_s + lasts_s
                faults[index] = faults[index].placed(begin_s, min(end_s, self.duration))
        return self.model_copy(update={"faults": tuple(faults)})

    def fault_end_s(self, index: int) -> float:
        """When fault number `index` (from 0) is lifted, in seconds."""
        to_s = self.faults[index].to
        return self.duration if to_s is None else min(to_s, self.duration)

    @property
    def last_lift_s(self) -> float:
        """When the last fault is lifted; 0 without faults."""
        return max((self.fault_end_s(index) for index in range(len(self.faults))), default=0.0)

    @property
    def all_claims(self) -> tuple[str, ...]:
        """Its own claims and those of its expectations, each once, in file order."""
        of_expectations = (claim for one in self.expect for claim in one.claims)
        return tuple(dict.fromkeys((*self.claims, *of_expectations)))

    @property
    def faulted_upstreams(self) -> tuple[str, ...]:
        """The upstreams that some fault hits, in file order."""
        return tuple(dict.fromkeys(name for fault in self.faults for name in fault.upstreams))
