"""Faults on the way to an upstream: what its clients meet when the network is broken."""

from __future__ import annotations

from typing import Literal

from harness.scenario.faults.base import FaultBase
from harness.scenario.faults.row import kind
from harness.scenario.fields import Duration


@kind(
    "proxy",
    running="cut",
    new="at once",
    cuts=True,
    spoils=True,
    hides="everything",
    draws={"quick": ({},)},
)
class Refused(FaultBase):
    """Connection refused, and established connections closed."""

    fault: Literal["refused"]


@kind(
    "proxy",
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


@kind(
    "proxy",
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


@kind(
    "proxy",
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


@kind(
    "proxy",
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


@kind(
    "connect",
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
    timeout: Duration = 0.0
