"""What each network fault is on a proxy: disabled, cut off from its upstream, or a set of toxics.

One pure mapping for every engine and every proxy, embedded, real or simulated (design.md, section
*Outage kinds, exactly*).
"""

from __future__ import annotations

from dataclasses import dataclass

from harness.scenario.faults import (
    Bandwidth,
    Blackhole,
    Empty,
    FaultBase,
    Latency,
    LimitData,
    Refused,
    ReplyLost,
    RequestLost,
    Reset,
    Slicer,
    SlowClose,
    Stall,
    Timeout,
)
from harness.toxiproxy.spec import ToxicSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyPlan:
    """What a fault does to its upstream's proxy."""

    disabled: bool = False
    cut_off: bool = False
    """The proxy's upstream is an address where nobody listens."""
    toxics: tuple[ToxicSpec, ...] = ()


def plan(fault: FaultBase) -> ProxyPlan:
    """The plan for a fault that is played on the proxy.

    Raises: TypeError for one that isn't.
    """
    match fault:
        case Refused():
            return ProxyPlan(disabled=True)
        case Empty():
            return ProxyPlan(cut_off=True)
        case Blackhole():
            return _toxics("timeout", "both", timeout=0)
        case RequestLost():
            return _toxics("timeout", "upstream", timeout=0)
        case ReplyLost():
            return _toxics("timeout", "downstream", timeout=0)
        case Stall():
            return _toxics("bandwidth", "both", rate=0)
        case Reset():
            return _toxics("reset_peer", "upstream", timeout=_ms(fault.timeout))
        case Latency():
            attributes = {"latency": _ms(fault.latency), "jitter": _ms(fault.jitter)}
        case Bandwidth():
            attributes = {"rate": max(1, round(fault.rate / 1000))}
        case SlowClose():
            attributes = {"delay": _ms(fault.delay)}
        case Slicer():
            attributes = {
                "average_size": fault.average_size,
                "size_variation": fault.size_variation,
                "delay": round(fault.delay * 1_000_000),
            }
        case LimitData():
            attributes = {"bytes": fault.bytes}
        case Timeout():
            attributes = {"timeout": _ms(fault.timeout)}
        case _:
            raise TypeError(f"{type(fault).__name__} is not played on a proxy")
    return _toxics(fault.fault, fault.stream, fault.toxicity, **attributes)


def _toxics(kind: str, stream: str, toxicity: float = 1.0, **attributes: int) -> ProxyPlan:
    streams = ("upstream", "downstream") if stream == "both" else (stream,)
    return ProxyPlan(
        toxics=tuple(
            ToxicSpec(type=kind, stream=name, attributes=dict(attributes), toxicity=toxicity)
            for name in streams
        )
    )


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
