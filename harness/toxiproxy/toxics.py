"""A proxy's toxics: two chains, in order of creation, and their names."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from msgspec.structs import replace

from harness.faults import Placed, Toxic
from harness.frozen import Frozen

UPSTREAM = "upstream"
DOWNSTREAM = "downstream"
DIRECTIONS = (UPSTREAM, DOWNSTREAM)


def float32(number: float) -> float:
    """The nearest number that Toxiproxy's 32 bits can hold."""
    return float(struct.unpack("f", struct.pack("f", number))[0])


class NamedToxic(Frozen, kw_only=True):
    """A toxic as the API shows it."""

    name: str
    stream: str
    """As its creator wrote it: upstream or downstream in any case."""
    toxicity: float
    toxic: Toxic

    @property
    def direction(self) -> str:
        """`upstream` or `downstream`."""
        return self.stream.lower()

    @property
    def placed(self) -> Placed:
        """As a link takes it."""
        return Placed(name=self.name, toxic=self.toxic, toxicity=self.toxicity)

    def to_json(self) -> dict[str, object]:
        """The wire's object, every attribute listed."""
        attributes = {a.name: getattr(self.toxic, a.field) for a in self.toxic.ATTRIBUTES}
        return {
            "attributes": attributes,
            "name": self.name,
            "type": self.toxic.TYPE,
            "stream": self.stream,
            "toxicity": self.toxicity,
        }


class ToxicChains:
    """All toxics of one proxy; names are unique over both directions."""

    __slots__ = ("_chains",)

    def __init__(self) -> None:
        self._chains: dict[str, list[NamedToxic]] = {direction: [] for direction in DIRECTIONS}

    def __iter__(self) -> Iterator[NamedToxic]:
        """All upstream toxics, then all downstream, each in chain order."""
        return iter([toxic for chain in self._chains.values() for toxic in chain])

    def find(self, name: str) -> NamedToxic | None:
        """The toxic of that name."""
        return next((t for chain in self._chains.values() for t in chain if t.name == name), None)

    def of(self, direction: str) -> list[NamedToxic]:
        """One direction's chain."""
        return self._chains[direction]

    def add(self, toxic: NamedToxic) -> None:
        """Appends to its direction's chain."""
        self._chains[toxic.direction].append(toxic)

    def update(
        self, toxic: NamedToxic, settings: Toxic, *, toxicity: float | None = None
    ) -> NamedToxic:
        """Replaces a toxic's settings in place; returns the new one."""
        chain = self._chains[toxic.direction]
        new = replace(
            toxic, toxic=settings, toxicity=toxic.toxicity if toxicity is None else toxicity
        )
        chain[chain.index(toxic)] = new
        return new

    def remove(self, toxic: NamedToxic) -> None:
        """Takes one out."""
        self._chains[toxic.direction].remove(toxic)
