"""A target's folder on its way to machines that don't have it."""

from __future__ import annotations

import hashlib
import io
import tarfile
from functools import cache
from pathlib import Path

from harness.errors import UsageError
from harness.frozen import Frozen
from harness.machine import belongings
from harness.target import Target

_LARGEST_BYTES = 50_000_000


class Parcel(Frozen, kw_only=True):
    """A target's folder, packed for machines that don't have it."""

    name: str
    """Of the target's file in it."""
    data: bytes
    """A compressed archive."""


def packed(target: Target) -> Parcel | None:
    """The folder of a target's file, or None for a target that every worker has or reaches.

    What is hidden or cached there stays behind.

    Raises: UsageError when it is larger than 50 MB, or the target is started outside of it.
    """
    if not target.file or target.start is None:
        return None
    file = Path(target.file).resolve()
    if not target.cwd.is_relative_to(file.parent):
        raise UsageError(
            f"{target.file}: it is started in {target.cwd}, and a cluster's workers are sent "
            f"{file.parent} only; put the target's file where its code is"
        )
    buffer = io.BytesIO()
    size = 0

    def chosen(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
        nonlocal size
        name = Path(member.name).name
        if name == "__pycache__" or (name.startswith(".") and member.name != "."):
            return None
        size += member.size
        if size > _LARGEST_BYTES:
            raise UsageError(
                f"{file.parent} is larger than {_LARGEST_BYTES // 1_000_000} MB, and a cluster's "
                "workers are sent all of it; give the target a folder of its own"
            )
        return member

    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        archive.add(file.parent, arcname=".", filter=chosen)
    return Parcel(name=file.name, data=buffer.getvalue())


def unpacked(target: Target, parcel: Parcel | None) -> Target:
    """The target with its folder on this machine."""
    if parcel is None:
        return target
    return target.model_copy(update={"file": str(file_of(parcel))})


def file_of(parcel: Parcel) -> Path:
    """The target's file on this machine."""
    return _folder(parcel.data) / parcel.name


@cache
def _folder(data: bytes) -> Path:
    folder = belongings.root() / f"target-{hashlib.sha256(data).hexdigest()[:16]}"
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as archive:
        # Python before 3.11.4 has none; whoever sends a folder has its code run here in any case.
        if hasattr(tarfile, "data_filter"):
            archive.extraction_filter = staticmethod(tarfile.data_filter)
        archive.extractall(folder)
    return folder
