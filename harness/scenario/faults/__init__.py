"""The kinds of fault that a scenario can name, with their parameters and all their facts.

    KINDS     every kind by name; its row (`Kind`) says what it does, shows, and who plays it
    Fault     any fault of a scenario file; `fault.KIND` is its row

`base` is what every fault says, `row` what every kind is, `registry` the list of all.
"""

from harness.scenario.faults.after import After
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
from harness.scenario.faults.registry import KINDS, MODELS, Fault
from harness.scenario.faults.row import Deadlines, Kind, Where
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

__all__ = [
    "KINDS", "MODELS", "After", "Bandwidth", "Blackhole", "ClockStep", "Deadlines", "Delay",
    "Disconnect", "Drip", "Empty", "Fault", "FaultBase", "Headers", "Json", "Kill", "Kind",
    "Latency", "LimitData", "Malformed", "Pause", "Refused", "ReplyLost", "RequestLost", "Reset",
    "Restart", "Revoke", "Slicer", "SlowClose", "Stall", "Status", "Timeout", "Truncate",
    "Unanswered", "Undecodable", "Where",
]  # fmt: skip
