"""What each network fault is on a proxy: disabled, cut off from its upstream, or a set of toxics.

One pure mapping for every engine and every proxy, embedded, real or simulated (design.md, section
*Outage kinds, exactly*).
"""

from __future__ import annotations

from harness.frozen import Frozen
from harness.scenario.faults import FaultBase
from harness.toxiproxy.spec import ToxicSpec


class ProxyPlan(Frozen, kw_only=True):
    """What a fault does to its upstream's proxy."""

    disabled: bool = False
    cut_off: bool = False
    """The proxy's upstream is an address where nobody listens."""
    diverted: str = ""
    """The proxy's upstream is this other listener of it; empty for none."""
    toxics: tuple[ToxicSpec, ...] = ()


def plan(fault: FaultBase) -> ProxyPlan:
    """The plan for a fault that is played on the proxy.

    Raises: TypeError for one that isn't.
    """
    kind = fault.KIND
    if kind.where != "proxy":
        raise TypeError(f"{kind.name} is not played on a proxy")
    return ProxyPlan(
        disabled=kind.proxy == "disabled",
        cut_off=kind.proxy == "cut off",
        diverted=fault.diverted,
        toxics=tuple(
            ToxicSpec(
                type=toxic.type,
                stream=toxic.stream,
                attributes=dict(toxic.attributes),
                toxicity=toxic.toxicity,
            )
            for toxic in fault.toxics()
        ),
    )
