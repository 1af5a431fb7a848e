"""Whether the images are of the sources as they are: then there is nothing to build."""

from __future__ import annotations

import contextlib
import hashlib
from pathlib import Path
from typing import Any

_SOURCES = ("pyproject.toml", "containers", "stub_services", "gateway")
"""What the images of the stubs and the gateway are made of (containers/Dockerfile)."""
_IMAGES = ("outage-stubs", "outage-gateway")


def sources_digest(folder: Path) -> str:
    """Names and contents of all source files, as one short name."""
    digest = hashlib.sha256()
    for source in _SOURCES:
        found = folder / source
        files = sorted(found.rglob("*")) if found.is_dir() else [found]
        for file in files:
            if file.is_file() and "__pycache__" not in file.parts:
                digest.update(f"{file.relative_to(folder)}\0".encode())
                digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:16]


def are_built(client: Any, digest: str) -> bool:
    """Whether what would be run now was built from these sources."""
    images = {tag: image.id for image in client.images.list() for tag in image.tags}
    return all(
        f"{name}:latest" in images and images.get(f"{name}:{digest}") == images[f"{name}:latest"]
        for name in _IMAGES
    )


def note_built(client: Any, digest: str) -> None:
    """Remember that the images were built from these sources: by a tag, one for each image."""
    images = {tag: image for image in client.images.list() for tag in image.tags}
    for name in _IMAGES:
        for tag in images:
            repository, _, version = tag.rpartition(":")
            if repository == name and version not in ("latest", digest):
                with contextlib.suppress(Exception):  # another run has just removed it
                    client.images.remove(tag)
        images[f"{name}:latest"].tag(name, digest)
