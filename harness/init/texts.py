"""The files of an application's folder, as text, and what is alike in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

_LARGEST = 1_000_000
_MOST_FILES = 500


def texts_of(folder: Path, endings: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Name and text of each file with one of the endings, near the top first; tests left out."""
    count = 0
    for file in sorted(folder.rglob("*"), key=lambda f: (len(f.parts), f.name)):
        parts = file.relative_to(folder).parts
        skipped = any(p.startswith(".") or p in ("node_modules", "vendor", "test") for p in parts)
        if skipped or file.suffix not in endings or file.stem.endswith("_test"):
            continue
        count += 1
        if count > _MOST_FILES:
            return
        try:
            if file.stat().st_size <= _LARGEST:
                yield file.relative_to(folder).as_posix(), file.read_text("utf-8", "replace")
        except OSError:
            continue


def braced(path: str) -> str:
    """A path with `{name}` where a framework writes `:name`, `:name?` or `:name` and a pattern."""
    return re.sub(r":(\w+)(?:\([^()]*\))?\??", r"{\1}", path)
