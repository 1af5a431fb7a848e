"""The names that a scenario may use beyond its own: upstreams and users."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from harness.scenario.located import Path
from harness.scenario.spelling import not_known

Misfits = Iterator[tuple[Path, str]]
"""What is wrong with a file, by the path of the place: see `located.line_at`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What is known while one file is checked."""

    upstreams: tuple[str, ...]
    users: tuple[str, ...]
    real: tuple[str, ...] = ()
    """Upstreams that are real services here: no stub plays them."""
    dropped: frozenset[str] | None = None
    """Keys of the file that were read as if they were not there; None when it was read whole."""

    def upstream(self, path: Path, name: str) -> Misfits:
        """What is wrong with an upstream's name."""
        yield from self._one(path, "upstream", name, self.upstreams)

    def user(self, path: Path, name: str) -> Misfits:
        """What is wrong with a user's name."""
        yield from self._one(path, "user", name, self.users)

    def stream(self, path: Path, name: str, streams: Collection[str]) -> Misfits:
        """What is wrong with the name of a stream of the file."""
        dropped = self.dropped or frozenset()
        if name not in streams and name not in dropped and "traffic" not in dropped:
            yield path, not_known("traffic", name, streams)

    def _one(self, path: Path, what: str, name: str, known: tuple[str, ...]) -> Misfits:
        if name not in known:
            hint = not_known(what, name, known)
            yield path, f"{hint} (a target file may name more: --target FILE)"
