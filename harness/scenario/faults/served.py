"""What a service answers to one call, as far as its caller can tell: what faults in it change."""

from __future__ import annotations

from typing import Any, Literal

from harness.frozen import Frozen

Part = Literal["nothing", "body", "chunked", "headers"]


class Served(Frozen, kw_only=True):
    """One answer. `FaultBase.serve` takes the usual one, or what others have made of it."""

    status: int = 200
    json: Any = None
    """The JSON that stands in for the service's own."""
    own: bool = True
    """Whether the service does its work and answers what it always does."""
    agreed: bool = True
    """Whether the body's JSON is what was agreed; a service's own always is."""
    late_s: float = 0.0
    """Seconds that it leaves later."""
    kept_bytes: int | None = None
    """How much of the body leaves before the connection is closed; None: all."""
    kept_share: float | None = None
    """The same, as a share of the body."""
    readable: bool = True
    """Whether what arrives whole can be decoded."""
    drips: Part = "nothing"
    """What of it leaves a byte at a time."""
    every_s: float = 0.0
    """Seconds between two of those bytes."""
    headers: tuple[tuple[str, str], ...] = ()
    """Headers beside the usual ones."""

    @property
    def whole(self) -> bool:
        """Whether all of it leaves."""
        return self.kept_bytes is None and self.kept_share is None
