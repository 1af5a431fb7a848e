"""Toxiproxy's toxics as faults, under their own names and parameters."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from harness.scenario.faults.base import FaultBase
from harness.scenario.faults.row import Deadlines, kind
from harness.scenario.fields import Duration, Share, Size, Throughput


class _Toxic(FaultBase):
    stream: Literal["upstream", "downstream", "both"] = Field(
        "downstream", description="upstream: client to service; downstream: service to client"
    )
    toxicity: Share = Field(1.0, description="share of connections, drawn when one opens")


@kind(
    "proxy",
    running="slow",
    new="slow",
    lift="delivers",
    draws={"slow": ({"latency": Deadlines(0.4)}, {"latency": Deadlines(0.1)})},
)
class Latency(_Toxic):
    """Toxiproxy's `latency`: every chunk arrives later by `latency` ± `jitter`."""

    fault: Literal["latency"]
    latency: Duration
    jitter: Duration = 0.0


@kind("proxy", running="slow", new="slow", lift="delivers", cuts=True)
class Bandwidth(_Toxic):
    """Toxiproxy's `bandwidth`: no more than `rate`."""

    fault: Literal["bandwidth"]
    rate: Throughput


@kind(
    "proxy",
    running="slow",
    new="slow",
    lift="delivers",
    cuts=True,
    opens=False,
    draws={"slow": ({"delay": "500ms"},)},
)
class SlowClose(_Toxic):
    """Toxiproxy's `slow_close`: the connection closes `delay` late."""

    fault: Literal["slow_close"]
    delay: Duration


@kind(
    "proxy",
    running="slow",
    new="slow",
    lift="delivers",
    cuts=True,
    draws={"slow": ({"average_size": "64B", "delay": "50ms"},)},
)
class Slicer(_Toxic):
    """Toxiproxy's `slicer`: data arrives in small pieces, `delay` apart."""

    fault: Literal["slicer"]
    average_size: Size = Field(..., gt=0)
    size_variation: Size = 0
    delay: Duration = 0.0


@kind("proxy", running="broken", new="broken", cuts=True, draws={"quick": ({"bytes": "20B"},)})
class LimitData(_Toxic):
    """Toxiproxy's `limit_data`: the connection closes after `bytes`."""

    fault: Literal["limit_data"]
    bytes: Size


@kind(
    "proxy",
    running="silent",
    new="silent",
    lift="cuts",
    cuts=True,
    spoils=True,
    hides="stub",
    draws={"silent": ({"timeout": "0s"},)},
)
class Timeout(_Toxic):
    """Toxiproxy's `timeout`: data is dropped; closes after `timeout` without a chunk; 0s never."""

    fault: Literal["timeout"]
    timeout: Duration = 0.0
