"""Every kind of fault: the one registry. A new kind is a class with its row, and a line here."""

from __future__ import annotations

from pkgutil import resolve_name
from typing import TYPE_CHECKING, Annotated, Union

from harness.scenario.branches import Branches
from harness.scenario.faults.base import FaultBase
from harness.scenario.faults.row import Kind

_PLACES = (
    "network:Refused",
    "network:Blackhole",
    "network:RequestLost",
    "network:ReplyLost",
    "network:Stall",
    "network:Unanswered",
    "network:Empty",
    "network:Reset",
    "certificate:Certificate",
    "toxics:Latency",
    "toxics:Bandwidth",
    "toxics:SlowClose",
    "toxics:Slicer",
    "toxics:LimitData",
    "toxics:Timeout",
    "service:Status",
    "service:Delay",
    "service:Truncate",
    "service:Drip",
    "service:Malformed",
    "service:Undecodable",
    "service:Json",
    "service:Headers",
    "service:Revoke",
    "process:Kill",
    "process:Pause",
    "process:Restart",
    "process:Disconnect",
    "process:ClockStep",
)
"""Where the class of each kind is (module of this package, class), in the order in which they are
documented."""

MODELS: tuple[type[FaultBase], ...] = tuple(
    resolve_name(f"harness.scenario.faults.{place}") for place in _PLACES
)
"""The class of each kind."""

KINDS: dict[str, Kind] = {model.KIND.name: model.KIND for model in MODELS}
"""Every kind of fault, by the name that scenario files use."""

if TYPE_CHECKING:
    Fault = FaultBase
else:
    Fault = Annotated[
        Union[MODELS],  # noqa: UP007
        Branches(tag="fault", models={name: kind.model for name, kind in KINDS.items()}),
    ]
