"""What earlier explorations found, kept per target in hypothesis' directory of examples."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from hypothesis.database import DirectoryBasedExampleDatabase

from harness.errors import UsageError


def default_folder() -> Path:
    """Where examples are kept unless another folder is named: the user's cache."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "outage" / "examples"


class Memory:
    """The outages that once broke something in one target.

    Raises: UsageError for a folder that can't be made.
    """

    def __init__(self, folder: Path, target: str) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"{folder} can't hold examples: {error.strerror}") from error
        self._database = DirectoryBasedExampleDatabase(folder)
        path = Path(target)
        name = str(path.resolve()) if path.exists() else target
        self._key = hashlib.sha256(f"outage explore 1 {name}".encode()).digest()

    def remembered(self) -> tuple[bytes, ...]:
        """All of them, in an order that doesn't depend on the file system."""
        return tuple(sorted(self._database.fetch(self._key), key=lambda data: (len(data), data)))

    def keep(self, outage: bytes) -> None:
        """Remember one."""
        self._database.save(self._key, outage)
