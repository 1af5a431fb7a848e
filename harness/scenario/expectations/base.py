"""What all forms of expectation have in common, and what each says of itself."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field, model_validator

from harness.frozen import Frozen
from harness.scenario.expectations.moving import OF_BREAKERS, DuringField, Moving
from harness.scenario.expectations.values import WhileField
from harness.scenario.fields import Claim, Line, Misfit, Part, StreamName, exclusive
from harness.scenario.located import Path
from harness.scenario.names import Misfits, Names
from harness.units import Window, format_duration

if TYPE_CHECKING:
    from harness.scenario.model import Scenario


class Surroundings(Frozen, kw_only=True):
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
        (), description="the scenario's if none are given", examples=[["S1"]]
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
    """An expectation about a window: by seconds, by events, or by a breaker's state; if none the
    whole run.
    """

    unsaid: ClassVar[tuple[str, ...]] = ("claims", "because", "during", "while_")

    rules: ClassVar[tuple[dict[str, Any], ...]] = (exclusive("during", "while"),)

    during: DuringField | None = None
    while_: WhileField | None = Field(None, alias="while")

    @model_validator(mode="after")
    def _one_window(self) -> Windowed:
        if self.during is not None and self.while_ is not None:
            raise Misfit("`during` and `while` exclude each other; keep one", key="while")
        return self

    @property
    def whose(self) -> str | None:
        """The upstream that it is about by itself; None where it is about none."""
        return getattr(self, "upstream", None)

    @property
    def fixed(self) -> Window | None:
        """The window that is known before anything is played; None where events make it."""
        if self.while_ is not None or isinstance(self.during, Moving):
            return None
        return self.during or Window(0.0, math.inf)

    @property
    def moving(self) -> Moving | None:
        """The window that events of the play make; None where none do."""
        return self.during.of(self.whose) if isinstance(self.during, Moving) else None

    @property
    def subject(self) -> str:
        """What it is about, and where."""
        if self.during is not None:
            return f"{self.about} in {self.during}"
        return self.about if self.while_ is None else f"{self.about} while {self.while_}"

    @property
    def breakers(self) -> tuple[str, ...]:
        """The upstreams whose states name the window."""
        if self.moving is not None:
            return self.moving.breakers
        return () if self.while_ is None else (self.while_.upstream,)

    def misfits(self, path: Path, around: Surroundings) -> Misfits:
        """What is wrong with its window."""
        window = self.during
        if isinstance(window, Moving):
            yield from self._moving_misfits((*path, "during"), around)
            return
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
        yield from self._unbroken((*path, "while"), around, upstream, breaks=state != "closed")

    def _moving_misfits(self, path: Path, around: Surroundings) -> Misfits:
        assert self.moving is not None
        for edge in dict.fromkeys(self.moving.edges):
            if edge.event is None:
                if around.scenario.duration <= edge.offset_s < math.inf:
                    yield path, f"{edge} is not before the scenario's end at {around.end}"
            elif edge.upstream is not None:
                yield from self._unbroken(
                    path, around, edge.upstream, breaks=edge.event in OF_BREAKERS
                )
            elif edge.event in OF_BREAKERS:
                example = next(iter(around.scenario.faulted_upstreams), "mail")
                yield path, f"whose breaker {edge.event}? Write {example} {edge.event}"
            elif around.whole and not around.scenario.faults:
                yield path, f"there is no fault that could be {edge.event}"

    def _unbroken(
        self, path: Path, around: Surroundings, upstream: str, *, breaks: bool
    ) -> Misfits:
        """Whether it waits for what no fault brings about."""
        unknown = list(around.names.upstream(path, upstream))
        yield from unknown
        faulted = around.scenario.faulted_upstreams
        faults_known = around.whole and set(faulted) <= set(around.names.upstreams)
        if not faults_known or unknown or upstream in faulted:
            return
        if breaks:
            yield path, f"no fault hits {upstream}, so its breaker has no cause to open"
        elif isinstance(self.during, Moving):
            yield path, f"no fault hits {upstream}"


class Selecting(Windowed):
    """An expectation about requests, selected by their planned instants, of one stream or all."""

    unsaid: ClassVar[tuple[str, ...]] = (*Windowed.unsaid, "traffic")

    traffic: StreamName | None = Field(
        None, description="the stream; all of them if none is named", examples=["chat"]
    )

    def selected(self, at_s: list[float]) -> range:
        """The indices of a stream's requests that it judges, of all those planned at `at_s`."""
        window = self.fixed or Window(0.0, math.inf)
        first = bisect_left(at_s, window.start_s)
        return range(first, max(first, bisect_left(at_s, window.end_s)))

    @property
    def asked(self) -> tuple[str, str]:
        """The key that selects, and which requests it asks for."""
        return "during", f"in {self.fixed or Window(0.0, math.inf)}"

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
        if self.fixed is not None and self.fixed.start_s >= scenario.duration:
            return
        if not any(self.selected(around.instants(stream)) for stream in streams):
            key, asked = self.asked
            told = f"no request of `{', '.join(streams)}` leaves {asked}: nothing to judge"
            yield (*path, key), told
