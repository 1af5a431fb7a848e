"""What all forms of expectation have in common, and what each says of itself."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field, model_validator

from harness.scenario.expectations.values import WhileField
from harness.scenario.fields import Claim, Line, Misfit, Part, StreamName, WindowField, exclusive
from harness.scenario.located import Path
from harness.scenario.names import Misfits, Names
from harness.units import Window, format_duration

if TYPE_CHECKING:
    from harness.scenario.model import Scenario


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What an expectation stands in, while its file is checked."""

    scenario: Scenario
    names: Names
    instants: Callable[[str], list[float]]
    """When the requests of a stream of the scenario are planned, in seconds."""

    @property
    def whole(self) -> bool:
        """Whether the file was read whole: else something may be missing by another mistake."""
        return self.names.dropped is None

    @property
    def end(self) -> str:
        """When the scenario ends, as an author writes it."""
        return format_duration(self.scenario.duration)


class ExpectationBase(Part):
    """What every expectation may carry."""

    unsaid: ClassVar[tuple[str, ...]] = ("claims", "because")
    """Fields that say what it is about, or why, not what it demands."""
    under_each_fault: ClassVar[bool] = False
    """Whether it holds under each of a scenario's faults by itself, as what may never happen."""
    of_effects: ClassVar[bool] = False
    """Whether it is about effects that happen at most once, by the upstream that keeps them."""

    claims: tuple[Claim, ...] = Field(
        (), description="the scenario's if none are given", examples=[["T1"]]
    )
    because: Line | None = Field(
        None, description="why, for whoever reads a failure", examples=["five failures open it"]
    )

    @property
    def about(self) -> str:
        """What it is about, wherever: `chat`, `mail breaker`."""
        raise NotImplementedError

    @property
    def subject(self) -> str:
        """What it is about, and where: `chat in 10s..68s`."""
        return self.about

    @property
    def demand(self) -> str:
        """What it demands, as an author writes it: `status: 401, latency: <= 0.1`."""
        fields: dict[str, Any] = dict(type(self).model_fields)
        words = [
            f"{field.alias or name}: {getattr(self, name)}"
            for name, field in fields.items()
            if name in self.model_fields_set and name not in self.unsaid
        ]
        return ", ".join(words)

    @property
    def upstreams(self) -> tuple[str, ...]:
        """The upstreams without which there is nothing to judge."""
        return self.breakers

    @property
    def breakers(self) -> tuple[str, ...]:
        """The upstreams whose breakers it speaks of."""
        return ()

    def misfits(self, path: Path, around: Surroundings) -> Misfits:
        """What is wrong with it where it stands, though by itself it is well formed."""
        return iter(())


class Windowed(ExpectationBase):
    """An expectation about a window: by seconds, or by a breaker's state; the whole run if none."""

    unsaid: ClassVar[tuple[str, ...]] = ("claims", "because", "during", "while_")

    rules: ClassVar[tuple[dict[str, Any], ...]] = (exclusive("during", "while"),)

    during: WindowField | None = None
    while_: WhileField | None = Field(None, alias="while")

    @model_validator(mode="after")
    def _one_window(self) -> Windowed:
        if self.during is not None and self.while_ is not None:
            raise Misfit("`during` and `while` exclude each other; keep one", key="while")
        return self

    @property
    def subject(self) -> str:
        """What it is about, and where."""
        if self.during is not None:
            return f"{self.about} in {self.during}"
        return self.about if self.while_ is None else f"{self.about} while {self.while_}"

    @property
    def breakers(self) -> tuple[str, ...]:
        """The upstream whose state names the window."""
        return () if self.while_ is None else (self.while_.upstream,)

    def misfits(self, path: Path, around: Surroundings) -> Misfits:
        """What is wrong with its window."""
        window = self.during
        if window is not None and window.start_s >= around.scenario.duration:
            yield (
                (*path, "during"),
                f"{window} begins after the scenario's end at {around.end}",
            )
        elif window is not None and around.scenario.duration < window.end_s < math.inf:
            late = f"{window} ends after the scenario's end at {around.end}; write `end`"
            yield (*path, "during"), late
        if self.while_ is None:
            return
        upstream, state = self.while_.upstream, self.while_.state
        unknown = list(around.names.upstream((*path, "while"), upstream))
        yield from unknown
        faulted = around.scenario.faulted_upstreams
        faults_known = around.whole and set(faulted) <= set(around.names.upstreams)
        breakable = state == "closed" or upstream in faulted
        if faults_known and not unknown and not breakable:
            yield (*path, "while"), f"no fault hits {upstream}, so its breaker has no cause to open"


class Selecting(Windowed):
    """An expectation about requests, selected by their planned instants, of one stream or all."""

    unsaid: ClassVar[tuple[str, ...]] = (*Windowed.unsaid, "traffic")

    traffic: StreamName | None = Field(
        None, description="the stream; all of them if none is named", examples=["chat"]
    )

    def selected(self, at_s: list[float]) -> range:
        """The indices of a stream's requests that it judges, of all those planned at `at_s`."""
        window = self.during or Window(0.0, math.inf)
        first = bisect_left(at_s, window.start_s)
        return range(first, max(first, bisect_left(at_s, window.end_s)))

    @property
    def asked(self) -> tuple[str, str]:
        """The key that selects, and which requests it asks for."""
        return "during", f"in {self.during or Window(0.0, math.inf)}"

    def misfits(self, path: Path, around: Surroundings) -> Misfits:
        """Whether any request would be judged: if none is, it could only be inconclusive."""
        scenario = around.scenario
        if self.traffic is not None:
            yield from around.names.stream((*path, "traffic"), self.traffic, scenario.traffic)
        yield from super().misfits(path, around)
        if not around.whole:
            return  # requests may be missing only because of another mistake
        streams = list(scenario.traffic) if self.traffic is None else [self.traffic]
        if any(stream not in scenario.traffic or not around.instants(stream) for stream in streams):
            return
        if self.during is not None and self.during.start_s >= scenario.duration:
            return
        if not any(self.selected(around.instants(stream)) for stream in streams):
            key, asked = self.asked
            told = f"no request of `{', '.join(streams)}` leaves {asked}: nothing to judge"
            yield (*path, key), told
