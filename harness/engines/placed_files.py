"""Writes the configuration files of a target into a world's folder, filled."""

from __future__ import annotations

import os
from pathlib import Path

from msgspec.structs import replace

from harness.target.wired import Wired

_FOLDER = "files"


def place_files(wired: Wired, world: Path) -> Wired:
    """The same, with the place of its files filled too, if it has any.

    `world` is the world's own folder. Nobody else can read them: a template may hold a secret.

    Raises: OSError where they can't be written.
    """
    if not wired.target.templates:
        return wired
    folder = world / _FOLDER
    placed = replace(wired, folder=str(folder))
    for name, text in placed.templates.items():
        path = folder / name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(number, "w", encoding="utf-8", newline="") as file:
            file.write(text)
    return placed
