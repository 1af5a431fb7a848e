"""noop: passes everything on, unchanged and at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from harness.faults.toxic import Toxic


@dataclass(frozen=True, slots=True, kw_only=True)
class Noop(Toxic):
    """Does nothing; the template for new toxics, and what a missed toxicity draw runs as."""

    TYPE: ClassVar[str] = "noop"
    GO_NAME: ClassVar[str] = "NoopToxic"

    @property
    def passes_at_once(self) -> bool:
        """Always."""
        return True
