"""All toxics by the name that Toxiproxy gives them."""

from __future__ import annotations

from collections.abc import Mapping
from pkgutil import resolve_name
from types import MappingProxyType

from harness.faults.toxic import Toxic

_PLACES = {
    "latency": "latency:Latency",
    "bandwidth": "bandwidth:Bandwidth",
    "slow_close": "slow_close:SlowClose",
    "timeout": "timeout:Timeout",
    "reset_peer": "reset_peer:ResetPeer",
    "slicer": "slicer:Slicer",
    "limit_data": "limit_data:LimitData",
    "noop": "noop:Noop",
}
"""Where each toxic is (module of this package, class), by its name."""

TOXICS: Mapping[str, type[Toxic]] = MappingProxyType(
    {name: resolve_name(f"harness.faults.{place}") for name, place in _PLACES.items()}
)
"""Name (case-sensitive) to class; the class's `ATTRIBUTES` say what can be set."""
