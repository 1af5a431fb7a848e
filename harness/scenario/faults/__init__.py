"""The kinds of fault that a scenario can name, with their parameters and all their facts.

    KINDS     every kind by name; its row (`Kind`) says what it does, shows, and who plays it
    Fault     any fault of a scenario file; `fault.KIND` is its row

`base` is what every fault says, `row` what every kind is, `registry` the list of all. The class of
a kind is loaded when a file first has one, or when it is first asked for by its name.
"""

from __future__ import annotations

from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any

from harness.scenario.faults.after import After
from harness.scenario.faults.base import FaultBase
from harness.scenario.faults.registry import KINDS, PLACES, Fault
from harness.scenario.faults.row import Deadlines, Kind, Where

if TYPE_CHECKING:
    from harness.scenario.faults.service import Truncate

_CLASSES = {place.partition(":")[2]: place for place in PLACES.values()}

__all__ = [
    "KINDS", "After", "Deadlines", "Fault", "FaultBase", "Kind", "Truncate", "Where",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    """The class of a kind, from its module."""
    if name not in _CLASSES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return resolve_name(f"{__name__}.{_CLASSES[name]}")
