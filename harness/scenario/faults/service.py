"""Faults in an upstream itself: it answers, but otherwise, late, or not to the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, ClassVar, Literal

from msgspec.structs import replace
from pydantic import Field, model_validator

from harness.scenario.faults.base import FaultBase
from harness.scenario.faults.delays import DelayField, Drawn, Ramp
from harness.scenario.faults.row import Deadlines, Takes, kind
from harness.scenario.faults.served import Served
from harness.scenario.fields import Duration, Misfit, Size, UserName, Whole
from harness.scenario.header_fields import AnswerHeaders

_DRIPS = {"body": "content-length", "chunked": "chunked", "headers": "headers"}
_CODED = ("Content-Encoding", "gzip")


@kind(
    "stub",
    takes="answer",
    new="otherwise",
    in_stub=True,
    draws={
        "quick": ({"status": 503}, {"status": 500}),
        "odd": tuple({"status": status} for status in (404, 400, 429, 403, 422)),
    },
    example={"status": "503"},
)
class Status(FaultBase):
    """The service answers with this status, its work not done."""

    fault: Literal["status"]
    status: Whole = Field(
        ..., ge=200, le=599, description="the status that it answers", examples=[503]
    )

    @property
    def spoils(self) -> bool:
        """Below 300 the answer is one that a caller may well take for good."""
        return self.status >= 300

    @property
    def fails(self) -> bool:
        """500 and more is a failure, all else an answer (B1)."""
        return self.status >= 500

    def action(self) -> dict[str, Any]:
        """As the stub takes it."""
        return {"action": "status", "status": self.status}

    def serve(self, served: Served) -> Served:
        """As a caller meets it."""
        said = {"error": f"faulted with {self.status}"}
        return replace(served, own=False, status=self.status, json=said)


@kind(
    "stub",
    new="slow",
    in_stub=True,
    draws={
        "silent": ({"delay": Deadlines(1.5)},),
        "late": ({"delay": Deadlines(0.4)}, {"delay": Deadlines(0.8)}),
        "slow": tuple({"delay": Deadlines(share)} for share in (0.4, 0.1, 0.8)),
    },
    example={"delay": "3s"},
)
class Delay(FaultBase):
    """The service answers correctly, but `delay` late: always so, more and more, or as drawn."""

    fault: Literal["delay"]
    delay: DelayField = Field(
        description="how much later its answers come",
        examples=[
            "3s",
            {"from": "100ms", "to": "2s", "over": "30s"},
            {"p50": "100ms", "p99": "3s"},
        ],
    )

    def action(self) -> dict[str, Any]:
        """As the stub takes it."""
        if isinstance(self.delay, Drawn):
            return {"action": "delay", "quantiles": [list(point) for point in self.delay.quantiles]}
        return {"action": "delay", "delay_s": self._fixed_s}

    def serve(self, served: Served) -> Served:
        """As a caller meets it."""
        return replace(served, late_s=served.late_s + self._fixed_s)

    def drawn(self, draw: Callable[[], float]) -> Delay:
        """With the delay of one call."""
        if not isinstance(self.delay, Drawn):
            return self
        return self.model_copy(update={"delay": self.delay.at(draw())})

    @property
    def chancy_s(self) -> tuple[float, float] | None:
        """Between what the delay of a call is drawn."""
        return (self.delay.at(0.0), self.delay.most_s) if isinstance(self.delay, Drawn) else None

    @property
    def _fixed_s(self) -> float:
        """Its one delay; that of a call in the middle where it is drawn."""
        assert not isinstance(self.delay, Ramp)  # it was taken apart
        return self.delay.at(0.5) if isinstance(self.delay, Drawn) else self.delay

    def parts(self, end_s: float) -> Iterator[FaultBase]:
        """The steps of a ramp, those without a delay left out."""
        if not isinstance(self.delay, Ramp):
            yield from super().parts(end_s)
            return
        until_s = end_s if self.to is None else self.to
        begins = [(self.from_ + after_s, delay_s) for after_s, delay_s in self.delay.steps()]
        ends_s = [*(begin_s for begin_s, _ in begins[1:]), until_s]
        for (begin_s, delay_s), stop_s in zip(begins, ends_s, strict=True):
            if delay_s > 0 and begin_s < until_s:
                yield self._lasting(begin_s, min(stop_s, until_s), delay=round(delay_s, 6))

    @model_validator(mode="after")
    def _one_ramp(self) -> Delay:
        if isinstance(self.delay, Ramp):
            if self.again_s is not None:
                raise ValueError("a ramp begins once: drop `every` and `for`")
            if self.trigger is not None:
                raise Misfit("a ramp begins at an instant: drop `after`", key="after")
            if self.counted is not None or self.one_in is not None:
                key = self._selector
                raise Misfit(f"`{key}` would count anew at each step of the ramp", key=key)
        return self


@kind("stub", takes="delivery", new="broken", spoils=True, in_stub=True, draws={"quick": ({},)})
class Truncate(FaultBase):
    """The body ends before its announced length."""

    rules: ClassVar[tuple[dict[str, Any], ...]] = ({"not": {"required": ["wait"]}},)

    fault: Literal["truncate"]
    after: Size | None = Field(  # type: ignore[assignment]  # its own, as `every` of a drip
        None, description="bytes of the body before the end; half of it"
    )

    @property
    def trigger(self) -> None:
        """It waits for no event: its `after` is another."""
        return None

    def action(self) -> dict[str, Any]:
        """As the stub takes it."""
        return {"action": "truncate", "after_bytes": self.after}

    def serve(self, served: Served) -> Served:
        """As a caller meets it."""
        share = 0.5 if self.after is None else None
        return replace(served, kept_bytes=self.after, kept_share=share)


@kind(
    "stub",
    takes="delivery",
    new="slow",
    in_stub=True,
    draws={
        "silent": tuple({"every": "1s", "part": part} for part in ("body", "chunked", "headers"))
    },
)
class Drip(FaultBase):
    """The answer comes a byte at a time."""

    rules: ClassVar[tuple[dict[str, Any], ...]] = ({"not": {"required": ["for"]}},)

    fault: Literal["drip"]
    every: Duration = Field(1.0, description="time between two bytes")
    part: Literal["body", "chunked", "headers"] = Field("body", description="what drips")

    @property
    def again_s(self) -> None:
        """It doesn't come and go: its `every` is another."""
        return None

    def action(self) -> dict[str, Any]:
        """As the stub takes it."""
        return {"action": "drip", "interval_s": self.every, "encoding": _DRIPS[self.part]}

    def serve(self, served: Served) -> Served:
        """As a caller meets it."""
        return replace(served, drips=self.part, every_s=self.every)


@kind(
    "stub",
    takes="answer",
    new="otherwise",
    spoils=True,
    opens=False,
    in_stub=True,
    draws={"odd": ({},)},
)
class Malformed(FaultBase):
    """200 with JSON that doesn't parse."""

    fault: Literal["malformed"]

    def serve(self, served: Served) -> Served:
        """As a caller meets it."""
        said = {"broken": "this ends too so"}
        return replace(served, own=False, agreed=False, status=200, json=said)


@kind("stub", takes="delivery", new="broken", in_stub=True, draws={"quick": ({},)})
class Undecodable(FaultBase):
    """A body whose Content-Encoding can't be undone."""

    fault: Literal["undecodable"]

    @property
    def fails(self) -> bool:
        """Whoever never undoes encodings may not notice, but B1 calls it a failure."""
        return True

    def action(self) -> dict[str, Any]:
        """As the stub takes it."""
        return {"action": "encoding"}

    def serve(self, served: Served) -> Served:
        """As a caller meets it."""
        return replace(served, readable=False, headers=(*served.headers, _CODED))


@kind(
    "stub",
    takes="answer",
    new="otherwise",
    spoils=True,
    in_stub=True,
    draws={"odd": ({"json": {}}, {"json": []}, {"json": None}, {"json": "surprise"})},
    example={"json": "{surprise: true}"},
)
class Json(FaultBase):
    """The service answers this JSON instead of its own, its work not done."""

    fault: Literal["json"]
    json_: Any = Field(
        ..., alias="json", description="what it answers", examples=[{"surprise": True}]
    )
    status: Whole = Field(200, ge=200, le=599, description="with this status", examples=[200])

    @property
    def fails(self) -> bool:
        """Whatever it says, its status decides (B1)."""
        return self.status >= 500

    def action(self) -> dict[str, Any]:
        """As the stub takes it."""
        return {"action": "json", "json": self.json_, "status": self.status}

    def serve(self, served: Served) -> Served:
        """As a caller meets it."""
        agreed = self.json_ is not None
        return replace(served, own=False, agreed=agreed, status=self.status, json=self.json_)


@kind("stub", new="otherwise", in_stub=True, example={"headers": "{X-Surprise: hello}"})
class Headers(FaultBase):
    """The answer has these headers too, and this status if one is given."""

    fault: Literal["headers"]
    headers: AnswerHeaders = Field(
        description="headers beside its own", examples=[{"X-Surprise": "hello"}]
    )
    status: Whole | None = Field(
        None, ge=200, le=599, description="with this status, its work not done", examples=[503]
    )

    @property
    def takes(self) -> Takes:
        """With a status it is an answer of its own."""
        return "nothing" if self.status is None else "answer"

    def action(self) -> dict[str, Any]:
        """As the stub takes it."""
        action: dict[str, Any] = {"action": "headers", "headers": self.headers}
        return action if self.status is None else action | {"status": self.status}

    def serve(self, served: Served) -> Served:
        """As a caller meets it."""
        headers = (*served.headers, *((name, str(value)) for name, value in self.headers.items()))
        if self.status is None:
            return replace(served, headers=headers)
        return replace(served, own=False, status=self.status, json={}, headers=headers)


@kind("stub", new="otherwise", opens=False, example={"user": "eve"})
class Revoke(FaultBase):
    """A user's token is not valid any more, to whoever vouches for tokens."""

    fault: Literal["revoke"]
    user: UserName = Field(description="whose token", examples=["eve"])

    @property
    def revoked(self) -> str:
        """Whose token it is."""
        return self.user

    def action(self) -> dict[str, Any]:
        """As the stub takes it."""
        return {"action": "revoke", "user": self.user}
