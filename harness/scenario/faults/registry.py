"""Every kind of fault: the one registry. A new kind is a class with its row, and a line here."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from harness.scenario.faults.base import FaultBase
from harness.scenario.faults.network import (
    Blackhole,
    Empty,
    Refused,
    ReplyLost,
    RequestLost,
    Reset,
    Stall,
    Unanswered,
)
from harness.scenario.faults.process import ClockStep, Disconnect, Kill, Pause, Restart
from harness.scenario.faults.row import Kind
from harness.scenario.faults.service import (
    Delay,
    Drip,
    Headers,
    Json,
    Malformed,
    Revoke,
    Status,
    Truncate,
    Undecodable,
)
from harness.scenario.faults.toxics import (
    Bandwidth,
    Latency,
    LimitData,
    Slicer,
    SlowClose,
    Timeout,
)

MODELS: tuple[type[FaultBase], ...] = (
    Refused, Blackhole, RequestLost, ReplyLost, Stall, Unanswered, Empty, Reset,
    Latency, Bandwidth, SlowClose, Slicer, LimitData, Timeout,
    Status, Delay, Truncate, Drip, Malformed, Undecodable, Json, Headers, Revoke,
    Kill, Pause, Restart, Disconnect,
    ClockStep,
)  # fmt: skip
"""The class of each kind, in the order in which they are documented."""

KINDS: dict[str, Kind] = {model.KIND.name: model.KIND for model in MODELS}
"""Every kind of fault, by the name that scenario files use."""

if TYPE_CHECKING:
    Fault = FaultBase
else:
    Fault = Annotated[reduce(or_, MODELS), Field(discriminator="fault")]
