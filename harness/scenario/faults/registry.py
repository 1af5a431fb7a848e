"""Every kind of fault: the one registry. A new kind is a class with its row, and a line here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

from harness.places import Places
from harness.scenario.branches import Branches
from harness.scenario.faults.base import FaultBase
from harness.scenario.faults.row import Kind

PLACES = {
    "refused": "network:Refused",
    "blackhole": "network:Blackhole",
    "request_lost": "network:RequestLost",
    "reply_lost": "network:ReplyLost",
    "stall": "network:Stall",
    "unanswered": "network:Unanswered",
    "empty": "network:Empty",
    "reset": "network:Reset",
    "certificate": "certificate:Certificate",
    "latency": "toxics:Latency",
    "bandwidth": "toxics:Bandwidth",
    "slow_close": "toxics:SlowClose",
    "slicer": "toxics:Slicer",
    "limit_data": "toxics:LimitData",
    "timeout": "toxics:Timeout",
    "status": "service:Status",
    "delay": "service:Delay",
    "truncate": "service:Truncate",
    "drip": "service:Drip",
    "malformed": "service:Malformed",
    "undecodable": "service:Undecodable",
    "json": "service:Json",
    "headers": "service:Headers",
    "revoke": "service:Revoke",
    "kill": "process:Kill",
    "pause": "process:Pause",
    "restart": "process:Restart",
    "disconnect": "process:Disconnect",
    "clock_step": "process:ClockStep",
}
"""Where the class of each kind is (module of this package, class), by the name that scenario files
use, in the order in which they are documented."""

_PACKAGE = "harness.scenario.faults"
_MODELS: Mapping[str, type[FaultBase]] = Places(_PACKAGE, PLACES)

KINDS: Mapping[str, Kind] = Places(
    _PACKAGE, {name: f"{place}.KIND" for name, place in PLACES.items()}
)
"""Every kind of fault, by its name."""

if TYPE_CHECKING:
    Fault = FaultBase
else:
    Fault = Annotated[FaultBase, Branches(tag="fault", models=_MODELS)]
