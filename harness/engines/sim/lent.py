"""What a target's own Python is lent of the harness's packages: whatever it hasn't itself.

Loaded before the patches, so it imports nothing but what Python has begun with.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


def lend(places: Mapping[str, str]) -> None:
    """Let packages be found in the folders that hold them, where they are found nowhere else."""
    from _frozen_importlib_external import PathFinder

    class Lent:
        """The last that is asked."""

        @staticmethod
        def find_spec(name: str, path: Any = None, target: Any = None) -> Any:
            """Only those by name: nothing else of a folder is lent."""
            return PathFinder.find_spec(name, [places[name]]) if name in places else None

    sys.meta_path.append(Lent)
