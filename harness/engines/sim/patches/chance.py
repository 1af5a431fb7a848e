"""The world's randomness: one seeded stream of bytes where the operating system's would be read."""

from __future__ import annotations

import _random
import sys

RealRandom = _random.Random
_DRAWERS = ("/random.py", "/secrets.py", "/uuid.py", "/tempfile.py", "/chance.py")


class Chance:
    """Seeded bytes, in the shape of `os.urandom` and `os.getrandom`."""

    def __init__(self) -> None:
        self._seed = 0
        self._streams: dict[str, RealRandom] = {}
        self._stream: RealRandom | None = None

    def reseed(self, seed: int, *, importing: bool = False) -> None:
        """Begin this seed's stream, one for all; while importing, one for each file.

        Which libraries were loaded before a play must not change what its target draws.
        """
        self._seed = seed
        self._streams.clear()
        self._stream = None if importing else RealRandom(seed ^ 0x6F757461)

    def urandom(self, size: int, /) -> bytes:
        """That many bytes.

        Raises: ValueError for a negative size.
        """
        if size < 0:
            raise ValueError("negative argument not allowed")
        stream = self._stream or self._stream_of_file()
        return stream.getrandbits(8 * size).to_bytes(size, "little") if size else b""

    def _stream_of_file(self) -> RealRandom:
        file = _drawing_file()
        stream = self._streams.get(file)
        if stream is None:
            library = "/lib/python" in file or "/site-packages/" in file
            seed = 0 if library else self._seed
            # Text hashes are fixed by PYTHONHASHSEED; this sum does not even need that.
            sum_of_name = int.from_bytes(file.encode()[-64:], "little")
            stream = self._streams[file] = RealRandom(sum_of_name ^ seed)
        return stream

    def getrandom(self, size: int, flags: int = 0) -> bytes:
        """As `urandom`."""
        return self.urandom(size)


CHANCE = Chance()
"""The one stream of this process."""


def _drawing_file() -> str:
    """The file whose code wants random bytes, whatever module it asks."""
    frame = sys._getframe(2)
    while frame is not None:
        file = frame.f_code.co_filename
        if not file.endswith(_DRAWERS):
            return file
        frame = frame.f_back  # type: ignore[assignment]
    return ""


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
