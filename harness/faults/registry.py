"""All toxics by the name that Toxiproxy gives them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from harness.faults.bandwidth import Bandwidth
from harness.faults.latency import Latency
from harness.faults.limit_data import LimitData
from harness.faults.noop import Noop
from harness.faults.reset_peer import ResetPeer
from harness.faults.slicer import Slicer
from harness.faults.slow_close import SlowClose
from harness.faults.timeout import Timeout
from harness.faults.toxic import Toxic

TOXICS: Mapping[str, type[Toxic]] = MappingProxyType(
    {
        toxic.TYPE: toxic
        for toxic in (
            Latency, Bandwidth, SlowClose, Timeout, ResetPeer, Slicer, LimitData, Noop,
        )
    }
)  # fmt: skip
"""Name (case-sensitive) to class; the class's `ATTRIBUTES` say what can be set."""
