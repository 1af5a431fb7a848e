"""What to put on a proxy, as plain data, apart from the client and all that it imports."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import field

from harness.frozen import Frozen


class ToxicSpec(Frozen, kw_only=True):
    """A toxic to put on a proxy; attributes in Toxiproxy's own units, as whole numbers."""

    type: str
    stream: str = "downstream"
    attributes: Mapping[str, int] = field(default_factory=dict)
    name: str = ""
    """Empty: `<type>_<stream>`."""
    toxicity: float = 1.0
    """Share of connections that it acts on."""

    @property
    def full_name(self) -> str:
        """The name it has on the server."""
        return self.name or f"{self.type}_{self.stream}"
