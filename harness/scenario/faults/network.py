"""Faults on the way to an upstream: what its clients meet when the network is broken."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from harness.scenario.faults.base import FaultBase
from harness.scenario.faults.row import BOTH, FOR_EVER_MS, ToxicUse, kind, ms
from harness.scenario.fields import Duration


@kind(
    "proxy",
    takes="call",
    running="cut",
    new="at once",
    cuts=True,
    spoils=True,
    hides="everything",
    proxy="disabled",
    draws={"quick": ({},)},
)
class Refused(FaultBase):
    """Connection refused, and established connections closed."""

    fault: Literal["refused"]


@kind(
    "proxy",
    takes="call",
    running="silent",
    new="silent",
    lift="cuts",
    cuts=True,
    spoils=True,
    hides="stub",
    in_stub=True,
    draws={"silent": ({},)},
)
class Blackhole(FaultBase):
    """Connects, sends, hears nothing; the upstream sees nothing; lifting closes the connections."""

    fault: Literal["blackhole"]

    def toxics(self) -> tuple[ToxicUse, ...]:
        """All is dropped, and both ends stay open."""
        return (*_dropped("upstream"), *_silenced())


@kind(
    "proxy",
    takes="call",
    new="silent",
    lift="cuts",
    cuts=True,
    spoils=True,
    hides="stub",
    in_stub=True,
    draws={"silent": ({},)},
)
class RequestLost(FaultBase):
    """The request never arrives; answers to earlier ones still do."""

    fault: Literal["request_lost"]

    def toxics(self) -> tuple[ToxicUse, ...]:
        """What the client sends is dropped."""
        return _dropped("upstream")


@kind(
    "proxy",
    takes="delivery",
    running="silent",
    new="silent",
    lift="cuts",
    cuts=True,
    spoils=True,
    in_stub=True,
    draws={"silent": ({},)},
)
class ReplyLost(FaultBase):
    """The request arrives and is executed; its answer is lost."""

    fault: Literal["reply_lost"]

    def toxics(self) -> tuple[ToxicUse, ...]:
        """What the service sends is dropped, its close included."""
        return _silenced()


@kind(
    "proxy",
    takes="call",
    running="late",
    new="late",
    lift="delivers",
    cuts=True,
    spoils=True,
    hides="stub",
    draws={"silent": ({},)},
)
class Stall(FaultBase):
    """Silence, then on lifting everything arrives late."""

    fault: Literal["stall"]

    def toxics(self) -> tuple[ToxicUse, ...]:
        """Nothing passes, and nothing is dropped."""
        return tuple(ToxicUse("bandwidth", stream, {"rate": 0}) for stream in BOTH)


@kind(
    "connect",
    takes="call",
    running="cut",
    new="late",
    lift="delivers",
    cuts=True,
    spoils=True,
    hides="everything",
    draws={"silent": ({},)},
)
class Unanswered(FaultBase):
    """The connect itself gets no answer, so the client's connect timeout runs."""

    fault: Literal["unanswered"]


@kind(
    "proxy",
    proxy="cut off",
    takes="call",
    running="cut",
    new="at once",
    cuts=True,
    spoils=True,
    hides="stub",
    in_stub=True,
    draws={"quick": ({},)},
)
class Empty(FaultBase):
    """Accepted, then closed without a byte: a dead process behind a proxy."""

    fault: Literal["empty"]


@kind(
    "proxy",
    takes="call",
    new="at once",
    cuts=True,
    spoils=True,
    hides="stub",
    in_stub=True,
    draws={"quick": ({},)},
)
class Reset(FaultBase):
    """A TCP reset after the request's first bytes (and after `timeout`, if given)."""

    fault: Literal["reset"]
    timeout: Duration = Field(0.0, description="after the first bytes, before the reset")

    def toxics(self) -> tuple[ToxicUse, ...]:
        """The request's first bytes end the connection."""
        return (ToxicUse("reset_peer", "upstream", {"timeout": ms(self.timeout)}),)


def _dropped(stream: Literal["upstream", "downstream"]) -> tuple[ToxicUse, ...]:
    return (ToxicUse("timeout", stream, {"timeout": 0}),)


def _silenced() -> tuple[ToxicUse, ...]:
    """Nothing of the service is heard, not even that it closed.

    Toxiproxy's `timeout` lets a close pass at once: a client that asked for `Connection: close`
    would meet an empty answer where another meets silence.
    """
    return (ToxicUse("slow_close", "downstream", {"delay": FOR_EVER_MS}), *_dropped("downstream"))
