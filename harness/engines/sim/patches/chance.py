"""The world's randomness: one seeded stream of bytes where the operating system's would be read."""

from __future__ import annotations

import _random

RealRandom = _random.Random


class Chance:
    """Seeded bytes, in the shape of `os.urandom` and `os.getrandom`."""

    def __init__(self) -> None:
        self.reseed(0)

    def reseed(self, seed: int) -> None:
        """Begin this seed's stream."""
        self._stream = RealRandom(seed ^ 0x6F757461)

    def urandom(self, size: int, /) -> bytes:
        """That many bytes.

        Raises: ValueError for a negative size.
        """
        if size < 0:
            raise ValueError("negative argument not allowed")
        return self._stream.getrandbits(8 * size).to_bytes(size, "little") if size else b""

    def getrandom(self, size: int, flags: int = 0) -> bytes:
        """As `urandom`."""
        return self.urandom(size)


CHANCE = Chance()
"""The one stream of this process."""


def _drawn() -> int:
    return int.from_bytes(CHANCE.urandom(32), "little")


class Random(RealRandom):
    """`_random.Random`, whose seed from nothing is the world's, not the operating system's."""

    def __new__(cls, *args: object, **kwargs: object) -> Random:
        """Make it seeded: C would ask the operating system."""
        self = super().__new__(cls, 0)  # type: ignore[call-arg]
        seed = args[0] if args else None
        RealRandom.seed(self, _drawn() if seed is None else seed)
        return self

    def seed(self, seed: object = None, /) -> None:
        """Seed it; from the world's stream by default."""
        if seed is None:
            seed = _drawn()
        super().seed(seed)
