"""What of the machine this process may take: processors and memory.

A control group (a container's, a service's) grants less than there is, and so may each around it;
both versions of Linux's are read, which a machine may have side by side.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from harness.frozen import Frozen

_PROC = Path("/proc")
_MOUNTED = Path("/sys/fs/cgroup")


def processors(proc: Path = _PROC, mounted: Path = _MOUNTED) -> float:
    """How many processors' time it may take; a group may grant a part of one."""
    here = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    found = [float(here or 1)]
    for group in _groups("cpu", proc, mounted):
        with contextlib.suppress(OSError, ValueError, ZeroDivisionError):
            if group.unified:
                quota, period = map(int, (group.folder / "cpu.max").read_text().split())
            else:
                quota = _number(group.folder / "cpu.cfs_quota_us")
                period = _number(group.folder / "cpu.cfs_period_us")
            if quota > 0:
                found.append(quota / period)
    return min(found)


def crowding() -> float:
    """How many there were for each processor in the last minute, one at the least."""
    if not hasattr(os, "getloadavg"):
        return 1.0
    return max(1.0, os.getloadavg()[0] / processors())


def free_memory(proc: Path = _PROC, mounted: Path = _MOUNTED) -> int | None:
    """Bytes that may still be taken; None where the system doesn't say."""
    left: list[int] = []
    with contextlib.suppress(OSError, ValueError, IndexError):
        lines = (proc / "meminfo").read_text().splitlines()
        (free,) = (line.split()[1] for line in lines if line.startswith("MemAvailable:"))
        left.append(int(free) << 10)
    for group in _groups("memory", proc, mounted):
        with contextlib.suppress(OSError, ValueError):
            left.append(_left_of(group))
    return max(0, min(left)) if left else None


class _Group(Frozen):
    folder: Path
    unified: bool
    """Of version 2."""


def _groups(controller: str, proc: Path, mounted: Path) -> Iterator[_Group]:
    """The groups of this process that may bound something, innermost first.

    In a container the path may be the host's, of which only the end is mounted, as the root.
    """
    try:
        lines = (proc / "self" / "cgroup").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, names, path = line.split(":", 2)
        if names and controller not in names.split(","):
            continue
        root = mounted / names if names else mounted
        folder = root / path.lstrip("/")
        for each in (folder, *folder.parents):
            if each.is_dir():
                yield _Group(each, unified=not names)
            if each == root:
                break


def _left_of(group: _Group) -> int:
    """What a group may still take. What it could give back at once, files read before, is free.

    Raises: OSError, ValueError where it has no bound.
    """
    names = ("memory.max", "memory.current", "inactive_file")
    if not group.unified:
        names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
    most, taken = _number(group.folder / names[0]), _number(group.folder / names[1])
    told = (line.split() for line in (group.folder / "memory.stat").read_text().splitlines())
    idle = next((int(value) for name, value in told if name == names[2]), 0)
    return most - taken + idle


def _number(file: Path) -> int:
    return int(file.read_text())
