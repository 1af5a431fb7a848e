"""Writes the configuration files of a target into a world's folder, filled."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from harness.target import Target

_FOLDER = "files"


def place_files(
    target: Target,
    world: Path,
    port: int,
    upstreams: Mapping[str, int],
    files: Mapping[str, str] | None = None,
) -> str:
    """Where they lie, for `{files}`; empty where the target has none.

    `world` is the world's own folder; the rest as in `Target.command`. Nobody else can read them:
    a template may hold a secret.
    """
    if not target.templates:
        return ""
    folder = world / _FOLDER
    for name, text in target.filled_files(port, upstreams, files, str(folder)).items():
        path = folder / name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(number, "w", encoding="utf-8", newline="") as file:
            file.write(text)
    return str(folder)
