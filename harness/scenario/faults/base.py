"""What every fault says, whatever its kind: on whom, from when to when, which calls."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self

from pydantic import Field, PrivateAttr, model_validator

from harness.scenario.faults.after import After
from harness.scenario.faults.row import Kind, Takes, ToxicUse, Where
from harness.scenario.faults.served import Served
from harness.scenario.fields import (
    AtOnceField,
    CallRoute,
    CountField,
    Duration,
    LoadField,
    Misfit,
    Part,
    Share,
    UpstreamName,
    Whole,
    exclusive,
)
from harness.units import Range

_COUNTS = ("first", "calls", "one_in")


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
        *(exclusive(load, counts) for load in ("above", "more_than") for counts in _COUNTS),
        {
            "anyOf": [
                {"not": {"required": ["for"]}},
                *({"required": [k]} for k in ("every", "after")),
            ]
        },
        {"dependentRequired": {"wait": ["after"]}},
    )

    upstream: (
        UpstreamName | Annotated[tuple[UpstreamName, ...], Field(json_schema_extra={"minItems": 1})]
    ) = Field(
        description="one upstream, a list of several, or `all` of the target's; none for a fault "
        "of the target itself",
        examples=["mail", ["mail", "stock"], "all"],
    )
    from_: Duration = Field(0.0, alias="from", description="when it begins; 0s is the default")
    to: Duration | None = Field(None, description="when it is lifted; the scenario's end if absent")
    every: Duration | None = Field(
        None, gt=0, description="it comes and goes: how often it begins", examples=["10s"]
    )
    for_: Duration | None = Field(
        None, alias="for", gt=0, description="how long it lasts each time", examples=["2s"]
    )
    after: After | None = Field(
        None,
        description="it begins after an event of the play instead: a breaker's state, or so many "
        "calls; `for` says how long it lasts, if not to the end",
        examples=[{"breaker": "mail", "is": "open"}, {"calls": 10, "at": "mail"}],
    )
    wait: Duration | None = Field(
        None, description="how long after that event it begins", examples=["2s"]
    )
    on: CallRoute | None = Field(None, description="only this route of the upstream")
    first: Whole | None = Field(
        None, ge=1, description="only the first k calls after `from`", examples=[3]
    )
    calls: CountField | None = Field(None, description="only these calls after `from`: 5..8")
    one_in: Whole | None = Field(
        None, ge=2, description="one call in k: 2 hits the 1st, 3rd, 5th", examples=[2]
    )
    above: LoadField | None = Field(
        None, description="only calls beyond so many within such a time", examples=["10/s"]
    )
    more_than: AtOnceField | None = Field(
        None, description="only calls beyond so many under way at once", examples=["10 at once"]
    )
    share: Share = Field(1.0, description="only this share of calls, drawn from the run's seed")

    _part_of: int | None = PrivateAttr(None)
    _of_all: bool = PrivateAttr(False)

    @property
    def upstreams(self) -> tuple[str, ...]:
        """The upstreams that it hits, one or several; none where it hits the target itself."""
        return (self.upstream,) if isinstance(self.upstream, str) else self.upstream

    @property
    def diverted(self) -> str:
        """To which other listener of its upstream a proxy leads meanwhile; empty for none."""
        return ""

    @property
    def revoked(self) -> str | None:
        """The user whose token is not valid meanwhile; None for a kind that leaves tokens alone."""
        return None

    @property
    def clock_step_s(self) -> float:
        """How far it steps the target's wall clock, in seconds; 0 for a kind that doesn't."""
        return 0.0

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
        return self.on is not None or self._picks

    @property
    def _picks(self) -> bool:
        """Whether it leaves out calls of its own route."""
        return self.counts or self.by_load or self.share < 1

    @property
    def counts(self) -> bool:
        """Whether it picks calls by their number."""
        return self.counted is not None or self.one_in is not None

    @property
    def hits_each(self) -> bool:
        """Whether each call meets it, of its route where it has one: none is picked by a count, a
        load or a draw.
        """
        return not self._picks and not self.hits_some_connections

    @property
    def hits_some_connections(self) -> bool:
        """Whether a proxy draws the connections that meet it."""
        return any(toxic.toxicity < 1 for toxic in self.toxics())

    @property
    def by_load(self) -> bool:
        """Whether it hits what comes beyond a load."""
        return self.above is not None or self.more_than is not None

    @property
    def fails(self) -> bool:
        """Whether every attempt that it hits is a failure to a breaker, so that it must open."""
        return self.KIND.opens and self.spoils

    @property
    def again_s(self) -> float | None:
        """How often it begins, where it comes and goes."""
        return self.every

    @property
    def trigger(self) -> After | None:
        """The event after which it begins, where it waits for one."""
        return self.after

    def placed(self, begin_s: float, end_s: float) -> Self:
        """The same from an instant to an instant: where its event has come, or never does."""
        return self.model_copy(update={"from_": round(begin_s, 6), "to": round(end_s, 6)})

    def parts(self, end_s: float) -> Iterator[FaultBase]:
        """What it is made of: itself, or each time that it comes until the scenario's `end_s`.

        One that waits for an event stands at the end, where it hits nothing, until that has come.
        """
        if self.trigger is not None:
            yield self.placed(end_s, end_s)
            return
        if self.again_s is None or self.for_ is None:
            yield self
            return
        until_s = end_s if self.to is None else self.to
        for turn in count():
            begin_s = self.from_ + turn * self.again_s
            if begin_s >= until_s:
                return
            yield self._lasting(begin_s, min(begin_s + self.for_, until_s))

    def _lasting(self, begin_s: float, end_s: float, **changed: Any) -> Self:
        """The same from an instant to an instant, once."""
        span: dict[str, Any] = {"from_": round(begin_s, 6), "to": round(end_s, 6)}
        span |= {} if self.again_s is None else {"every": None, "for_": None}
        return self.model_copy(update={**span, **changed})

    def part_of(self, number: int) -> Self:
        """The same, as a part of the file's fault with that number (from 1)."""
        part = self.model_copy()
        part._part_of = number
        return part

    def of_everybody(self) -> Self:
        """The same, as what the file asks for by `upstream: all`."""
        fault = self.model_copy()
        fault._of_all = True
        return fault

    @property
    def of_all(self) -> bool:
        """Whether it hits whoever is there, so that traffic need not reach each by name."""
        return self._of_all

    @property
    def number(self) -> int | None:
        """The number of the file's fault that it is a part of; None where each is whole."""
        return self._part_of

    def drawn(self, draw: Callable[[], float]) -> FaultBase:
        """As one call meets it; `draw` gives a share from 0 to 1 for whatever is drawn."""
        return self

    @property
    def chancy_s(self) -> tuple[float, float] | None:
        """From what to what a delay is drawn for each call; None where nothing is."""
        return None

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
        keys = ("on", "first", "calls", "one_in", "above", "more_than")
        said = {key: getattr(self, key) for key in keys}
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
    def _timed(self) -> FaultBase:
        if self.trigger is None:
            if self.wait is not None:
                told = "`wait` needs `after`: the event that it waits for"
                raise Misfit(told, key="wait", lacks=True)
            return self
        if "from_" in self.model_fields_set:
            raise Misfit("`after` says when it begins: drop `from`, or `after`", key="from")
        if self.to is not None:
            raise Misfit("say with `for` how long it lasts after its event", key="to")
        if self.again_s is not None:
            raise Misfit("a fault that comes after an event comes once: drop `every`", key="every")
        return self

    @model_validator(mode="after")
    def _consistent(self) -> FaultBase:
        if self.to is not None and self.to <= self.from_:
            raise Misfit("`to` must come after `from`", key="to")
        if self.again_s is None and self.for_ is not None and self.every is not None:
            told = f"`every` of `{self.fault}` says something else: drop `for`"
            raise Misfit(told, key="for")
        if self.again_s is None and self.for_ is not None and self.trigger is None:
            told = "`for` needs `every`: how often it begins, or `after`; else write `to`"
            raise Misfit(told, key="for", lacks=True)
        if self.again_s is not None and self.for_ is None:
            raise Misfit("`every` needs `for`: how long it lasts each time", key="every")
        if self.again_s is not None and self.for_ is not None and self.for_ >= self.again_s:
            raise ValueError("`for` must be shorter than `every`, or it never goes away")
        if self.first is not None and self.calls is not None:
            raise Misfit("`first` and `calls` say the same; keep one of them", key="calls")
        if self.one_in is not None and self.counted is not None:
            raise Misfit("`one_in` goes on for ever: drop it, or `first` and `calls`", key="one_in")
        if self.by_load and (self.counted is not None or self.one_in is not None):
            key = self._selector
            raise Misfit(f"`{key}` counts calls, whatever the load: drop it, or the load", key=key)
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
