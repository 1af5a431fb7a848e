"""The kinds of fault that a scenario can name, with their parameters.

`KINDS` is the one registry: validation, schema, documentation and engines read it. What each kind
does to a client of the upstream is in `doc`; `where` says which part of a world plays it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from harness.scenario.fields import (
    CountField,
    Duration,
    HeaderFields,
    Misfit,
    Part,
    Route,
    Share,
    Size,
    Step,
    Throughput,
    Whole,
)
from harness.units import Range

Where = Literal["proxy", "stub", "process", "connect", "target"]


class FaultBase(Part):
    """What every fault says: on which upstream, and from when to when (seconds after 0)."""

    upstream: str | tuple[str, ...] = Field(
        description="one upstream, or a list of several; none for a fault of the target itself"
    )
    from_: Duration = Field(0.0, alias="from", description="when it begins; 0s is the default")
    to: Duration | None = Field(None, description="when it is lifted; the scenario's end if absent")
    on: Route | None = Field(None, description="only this route of the upstream")
    first: Whole | None = Field(None, ge=1, description="only the first k calls after `from`")
    calls: CountField | None = Field(None, description="only these calls after `from`: 5..8")
    one_in: Whole | None = Field(None, ge=2, description="one call in k: 2 hits the 1st, 3rd, 5th")
    share: Share = Field(1.0, description="only this share of calls, drawn from the run's seed")

    @property
    def upstreams(self) -> tuple[str, ...]:
        """The upstreams that it hits, one or several; none where it hits the target itself."""
        return (self.upstream,) if isinstance(self.upstream, str) else self.upstream

    @property
    def subject(self) -> str:
        """What it hits, in words: `auth, billing`, or `target`."""
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
    def _selector(self) -> str:
        said = {"on": self.on, "first": self.first, "calls": self.calls, "one_in": self.one_in}
        return next((key for key, value in said.items() if value is not None), "share")

    @property
    def where(self) -> Where:
        """Which part of the world plays it: selective network faults move into the stub."""
        kind = KINDS[self.fault]  # type: ignore[attr-defined]
        return "stub" if self.selective and kind.in_stub else kind.where

    @model_validator(mode="after")
    def _consistent(self) -> FaultBase:
        if self.to is not None and self.to <= self.from_:
            raise Misfit("`to` must come after `from`", key="to")
        if self.first is not None and self.calls is not None:
            raise Misfit("`first` and `calls` say the same; keep one of them", key="calls")
        if self.one_in is not None and self.counted is not None:
            raise Misfit("`one_in` goes on for ever: drop it, or `first` and `calls`", key="one_in")
        kind = KINDS[self.fault]  # type: ignore[attr-defined]
        if self.selective and kind.where != "stub" and not kind.in_stub:
            hit = "the target itself" if kind.where == "target" else "all calls of the upstream"
            raise Misfit(
                f"`{kind.name}` hits {hit}: drop `on`, `first`, `calls`, `one_in` and `share`, "
                f"or use one of {', '.join(_selectable())}",
                key=self._selector,
            )
        return self


class Refused(FaultBase):
    """Connection refused, and established connections closed."""

    fault: Literal["refused"]


class Blackhole(FaultBase):
    """Connects, sends, hears nothing; the upstream sees nothing; lifting closes the connections."""

    fault: Literal["blackhole"]


class RequestLost(FaultBase):
    """The request never arrives; answers to earlier ones still do."""

    fault: Literal["request_lost"]


class ReplyLost(FaultBase):
    """The request arrives and is executed; its answer is lost."""

    fault: Literal["reply_lost"]


class Stall(FaultBase):
    """Silence, then on lifting everything arrives late."""

    fault: Literal["stall"]


class Unanswered(FaultBase):
    """The connect itself gets no answer, so the client's connect timeout runs."""

    fault: Literal["unanswered"]


class Empty(FaultBase):
    """Accepted, then closed without a byte: a dead process behind a proxy."""

    fault: Literal["empty"]


class Reset(FaultBase):
    """A TCP reset after the request's first bytes (and after `timeout`, if given)."""

    fault: Literal["reset"]
    timeout: Duration = 0.0


class _Toxic(FaultBase):
    stream: Literal["upstream", "downstream", "both"] = Field(
        "downstream", description="upstream: client to service; downstream: service to client"
    )
    toxicity: Share = Field(1.0, description="share of connections, drawn when one opens")


class Latency(_Toxic):
    """Toxiproxy's `latency`: every chunk arrives later by `latency` ± `jitter`."""

    fault: Literal["latency"]
    latency: Duration
    jitter: Duration = 0.0


class Bandwidth(_Toxic):
    """Toxiproxy's `bandwidth`: no more than `rate`."""

    fault: Literal["bandwidth"]
    rate: Throughput


class SlowClose(_Toxic):
    """Toxiproxy's `slow_close`: the connection closes `delay` late."""

    fault: Literal["slow_close"]
    delay: Duration


class Slicer(_Toxic):
    """Toxiproxy's `slicer`: data arrives in small pieces, `delay` apart."""

    fault: Literal["slicer"]
    average_size: Size = Field(..., gt=0)
    size_variation: Size = 0
    delay: Duration = 0.0


class LimitData(_Toxic):
    """Toxiproxy's `limit_data`: the connection closes after `bytes`."""

    fault: Literal["limit_data"]
    bytes: Size


class Timeout(_Toxic):
    """Toxiproxy's `timeout`: data is dropped; closes after `timeout` without a chunk; 0s never."""

    fault: Literal["timeout"]
    timeout: Duration = 0.0


class Status(FaultBase):
    """The service answers with this status, its work not done."""

    fault: Literal["status"]
    status: Whole = Field(..., ge=200, le=599)


class Delay(FaultBase):
    """The service answers correctly, but `delay` late."""

    fault: Literal["delay"]
    delay: Duration


class Truncate(FaultBase):
    """The body ends before its announced length."""

    fault: Literal["truncate"]
    after: Size | None = Field(None, description="bytes of the body before the end; half of it")


class Drip(FaultBase):
    """The answer comes a byte at a time."""

    fault: Literal["drip"]
    every: Duration = Field(1.0, description="time between two bytes")
    part: Literal["body", "chunked", "headers"] = Field("body", description="what drips")


class Malformed(FaultBase):
    """200 with JSON that doesn't parse."""

    fault: Literal["malformed"]


class Undecodable(FaultBase):
    """A body whose Content-Encoding can't be undone."""

    fault: Literal["undecodable"]


class Json(FaultBase):
    """The service answers this JSON instead of its own, its work not done."""

    fault: Literal["json"]
    json_: Any = Field(..., alias="json")
    status: Whole = Field(200, ge=200, le=599)


class Headers(FaultBase):
    """The answer has these headers too, and this status if one is given."""

    fault: Literal["headers"]
    headers: HeaderFields
    status: Whole | None = Field(None, ge=200, le=599)


class Revoke(FaultBase):
    """The user's token is not valid any more (auth)."""

    fault: Literal["revoke"]
    user: str


class Kill(FaultBase):
    """The service's process is killed; its port refuses; on lifting it is started again."""

    fault: Literal["kill"]


class Pause(FaultBase):
    """The service's process is stopped (SIGSTOP, docker pause); on lifting it goes on."""

    fault: Literal["pause"]


class Restart(FaultBase):
    """The service's process is stopped and started at once; connections to it are gone."""

    fault: Literal["restart"]


class Disconnect(FaultBase):
    """The service's container leaves the network; on lifting it is back."""

    fault: Literal["disconnect"]


def _no_upstream(value: object) -> tuple[()]:
    if value != ():
        raise ValueError("the target's own clock is stepped, no upstream's; drop `upstream`")
    return ()


class ClockStep(FaultBase):
    """The target's wall clock is stepped, its monotonic clock isn't; lifting steps it back."""

    fault: Literal["clock_step"]
    upstream: Annotated[tuple[()], BeforeValidator(_no_upstream)] = Field(
        (), exclude=True, description="not to be said: it is the target's own clock"
    )
    by: Step = Field(description="how far, and whether back (-1h) or forth (+90s)")


Fault = Annotated[
    Refused
    | Blackhole
    | RequestLost
    | ReplyLost
    | Stall
    | Unanswered
    | Empty
    | Reset
    | Latency
    | Bandwidth
    | SlowClose
    | Slicer
    | LimitData
    | Timeout
    | Status
    | Delay
    | Truncate
    | Drip
    | Malformed
    | Undecodable
    | Json
    | Headers
    | Revoke
    | Kill
    | Pause
    | Restart
    | Disconnect
    | ClockStep,
    Field(discriminator="fault"),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of fault: where it is played, on which engines, and whether a stub can select calls.

    `silent`: while it lasts an attempt leaves no trace at the stub. `invisible`: nor at the proxy.
    """

    name: str
    model: type[FaultBase]
    where: Where
    engines: tuple[str, ...] = ("local", "compose", "sim")
    in_stub: bool = False
    silent: bool = False
    invisible: bool = False

    @property
    def doc(self) -> str:
        """What a client of the upstream meets, in one sentence."""
        return (self.model.__doc__ or "").strip()


def _kind(model: type[FaultBase], where: Where, **more: Any) -> Kind:
    (name,) = model.model_fields["fault"].annotation.__args__  # type: ignore[union-attr]
    return Kind(name=name, model=model, where=where, **more)


_TABLE = (
    _kind(Refused, "proxy", silent=True, invisible=True),
    _kind(Blackhole, "proxy", in_stub=True, silent=True),
    _kind(RequestLost, "proxy", in_stub=True, silent=True),
    _kind(ReplyLost, "proxy", in_stub=True),
    _kind(Stall, "proxy", silent=True),
    _kind(Unanswered, "connect", silent=True, invisible=True),
    _kind(Empty, "proxy", in_stub=True, silent=True),
    _kind(Reset, "proxy", in_stub=True, silent=True),
    _kind(Latency, "proxy"),
    _kind(Bandwidth, "proxy"),
    _kind(SlowClose, "proxy"),
    _kind(Slicer, "proxy"),
    _kind(LimitData, "proxy"),
    _kind(Timeout, "proxy", silent=True),
    _kind(Status, "stub", in_stub=True),
    _kind(Delay, "stub", in_stub=True),
    _kind(Truncate, "stub", in_stub=True),
    _kind(Drip, "stub", in_stub=True),
    _kind(Malformed, "stub", in_stub=True),
    _kind(Undecodable, "stub", in_stub=True),
    _kind(Json, "stub", in_stub=True),
    _kind(Headers, "stub", in_stub=True),
    _kind(Revoke, "stub"),
    _kind(Kill, "process", silent=True, invisible=True),
    _kind(Pause, "process", engines=("local", "compose", "sim"), silent=True),
    _kind(Restart, "process", silent=True),
    _kind(Disconnect, "process", engines=("compose",), silent=True),
    _kind(ClockStep, "target", engines=("sim",)),
)

KINDS: dict[str, Kind] = {kind.name: kind for kind in _TABLE}
"""Every kind of fault, by the name that scenario files use."""


def _selectable() -> list[str]:
    return [kind.name for kind in _TABLE if kind.in_stub]
