"""Toxiproxy's toxics as faults, under their own names and parameters."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from harness.scenario.faults.base import FaultBase
from harness.scenario.faults.row import BOTH, FOR_EVER_MS, Deadlines, ToxicUse, kind, ms
from harness.scenario.fields import Duration, Share, Size, Throughput


class _Toxic(FaultBase):
    """A toxic under Toxiproxy's own name: a subclass says its attributes."""

    stream: Literal["upstream", "downstream", "both"] = Field(
        "downstream", description="upstream: client to service; downstream: service to client"
    )
    toxicity: Share = Field(1.0, description="share of connections, drawn when one opens")

    @property
    def streams(self) -> tuple[Literal["upstream", "downstream"], ...]:
        """The directions that it hits."""
        return BOTH if self.stream == "both" else (self.stream,)

    def toxics(self) -> tuple[ToxicUse, ...]:
        """One toxic of that name for each direction."""
        return tuple(
            ToxicUse(self.fault, stream, self.attributes(), self.toxicity)
            for stream in self.streams
        )

    def attributes(self) -> dict[str, int]:
        """The toxic's attributes, in Toxiproxy's names and units."""
        raise NotImplementedError


@kind(
    "proxy",
    running="slow",
    new="slow",
    lift="delivers",
    draws={"slow": ({"latency": Deadlines(0.4)}, {"latency": Deadlines(0.1)})},
    example={"latency": "3s"},
)
class Latency(_Toxic):
    """Toxiproxy's `latency`: every chunk arrives later by `latency` ± `jitter`."""

    fault: Literal["latency"]
    latency: Duration = Field(description="how much later each chunk arrives")
    jitter: Duration = Field(0.0, description="how far that varies, to both sides")

    def attributes(self) -> dict[str, int]:
        """As the wire has them."""
        return {"latency": ms(self.latency), "jitter": ms(self.jitter)}


@kind("proxy", running="slow", new="slow", lift="delivers", cuts=True, example={"rate": "1KB/s"})
class Bandwidth(_Toxic):
    """Toxiproxy's `bandwidth`: no more than `rate`."""

    fault: Literal["bandwidth"]
    rate: Throughput = Field(description="no more than this")

    def attributes(self) -> dict[str, int]:
        """As the wire has them."""
        return {"rate": max(1, round(self.rate / 1000))}


@kind(
    "proxy",
    running="slow",
    new="slow",
    lift="delivers",
    cuts=True,
    opens=False,
    draws={"slow": ({"delay": "500ms"},)},
    example={"delay": "1s"},
)
class SlowClose(_Toxic):
    """Toxiproxy's `slow_close`: the connection closes `delay` late."""

    fault: Literal["slow_close"]
    delay: Duration = Field(description="how much later it closes")

    def attributes(self) -> dict[str, int]:
        """As the wire has them."""
        return {"delay": ms(self.delay)}


@kind(
    "proxy",
    running="slow",
    new="slow",
    lift="delivers",
    cuts=True,
    draws={"slow": ({"average_size": "64B", "delay": "50ms"},)},
    example={"average_size": "64B", "delay": "10ms"},
)
class Slicer(_Toxic):
    """Toxiproxy's `slicer`: data arrives in small pieces, `delay` apart."""

    fault: Literal["slicer"]
    average_size: Size = Field(..., gt=0, description="of a piece")
    size_variation: Size = Field(0, description="how far that varies, to both sides")
    delay: Duration = Field(0.0, description="between two pieces")

    def attributes(self) -> dict[str, int]:
        """As the wire has them."""
        return {
            "average_size": self.average_size,
            "size_variation": self.size_variation,
            "delay": round(self.delay * 1_000_000),
        }


@kind(
    "proxy",
    running="broken",
    new="broken",
    cuts=True,
    hides="stub",
    draws={"quick": ({"bytes": "20B"},)},
    example={"bytes": "100B"},
)
class LimitData(_Toxic):
    """Toxiproxy's `limit_data`: the connection closes after `bytes`."""

    fault: Literal["limit_data"]
    bytes: Size = Field(description="what passes before it closes")

    def attributes(self) -> dict[str, int]:
        """As the wire has them."""
        return {"bytes": self.bytes}


@kind(
    "proxy",
    running="silent",
    new="silent",
    lift="cuts",
    cuts=True,
    closes=True,
    spoils=True,
    hides="stub",
    draws={"silent": ({"timeout": "0s"},)},
)
class Timeout(_Toxic):
    """Toxiproxy's `timeout`: all is dropped; closes after `timeout` without a chunk; 0s never."""

    fault: Literal["timeout"]
    timeout: Duration = Field(0.0, description="without a chunk, then it closes; 0s never")

    def attributes(self) -> dict[str, int]:
        """As the wire has them."""
        return {"timeout": ms(self.timeout)}

    def toxics(self) -> tuple[ToxicUse, ...]:
        """Towards the client the close is held back with the data, so that silence is silence.

        Not where the share of connections is drawn: the two toxics would be drawn apart.
        """
        if self.toxicity < 1 or self.stream == "upstream":
            return super().toxics()
        held = ToxicUse("slow_close", "downstream", {"delay": ms(self.timeout) or FOR_EVER_MS})
        return (held, *super().toxics())
