"""What this system grants, open files, memory and disk, and how many worlds fit into it at once."""

from __future__ import annotations

import contextlib
import itertools
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from harness.frozen import Frozen
from harness.machine.grants import free_memory, processors
from harness.scenario.model import Scenario
from harness.timeline import Send, compile_timeline

ENOUGH = 16_384
"""More are not asked for: some programs go through all that they might have."""
_OWN = 40
"""Of the harness itself: terminal, loop, libraries, reports, and a few at hand."""
_WORLD = 22
"""Of a world at rest: its children's output, the stubs' records, control, a history, held ports."""
_WORLDS_EACH = 16
"""Worlds that a processor carries: one at ten requests a second takes some 4 % of it, and at
32 on two processors requests still left on time."""
_WORLD_MB = 100
"""Of its processes: the reference gateway's, stubs' and proxy's; others' may take more."""
_DISK = 50 << 20
"""Bytes that a report and the simulation's facts are sure to find room in."""
_ANSWER_WITHIN_S = 10.0
"""A request holds its connection for about so long at the worst."""


def granted_files() -> int:
    """Open files that this process may have, once it has asked for what it may ask for.

    Children get the same; they may need twice as many, as a proxy holds two for each connection.
    """
    if sys.platform == "win32":
        return ENOUGH
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = ENOUGH if hard == resource.RLIM_INFINITY else min(hard, ENOUGH)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return ENOUGH if soft == resource.RLIM_INFINITY else soft
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def files_of(scenario: Scenario) -> int:
    """Open files that the harness needs at most while it plays a scenario in real time."""
    sent = [step.at_s for step in compile_timeline(scenario) if isinstance(step, Send)]
    most = first = 0
    for last, at_s in enumerate(sent):
        while sent[first] < at_s - _ANSWER_WITHIN_S:
            first += 1
        most = max(most, last - first + 1)
    return _WORLD + most


def worlds_that_fit(scenarios: Sequence[Scenario], files: int) -> int:
    """How many of these may be played at once, whichever they are; at least one."""
    needs = sorted(map(files_of, scenarios), reverse=True)
    fit = sum(total <= files - _OWN for total in itertools.accumulate(needs))
    return max(1, fit)


class Room(Frozen, kw_only=True):
    """How many worlds there is room for at once, where that isn't all, and what is short."""

    worlds: int
    why: str


def room_for(scenarios: Sequence[Scenario]) -> Room | None:
    """The room for these in real time; None where all of them fit."""
    files = granted_files()
    rooms = [
        Room(
            worlds=worlds_that_fit(scenarios, files),
            why=f"this system grants {files} open files (`ulimit -n`)",
        )
    ]
    cpus = processors()
    why = f"this machine has {cpus:g} processors, and one carries some {_WORLDS_EACH} worlds"
    rooms.append(Room(worlds=max(1, int(cpus * _WORLDS_EACH)), why=why))
    if (free := free_memory()) is not None:
        why = f"this machine has {free >> 20} MB of memory left, and a world takes some {_WORLD_MB}"
        rooms.append(Room(worlds=max(1, (free >> 20) // _WORLD_MB), why=why))
    least = min(rooms, key=lambda room: room.worlds)
    return least if least.worlds < len(scenarios) else None


def shortage_of_disk(*folders: Path | None) -> str | None:
    """What is said of a disk on which a run may not find room; None where there is enough."""
    for folder in filter(None, folders):
        with contextlib.suppress(OSError):
            free = shutil.disk_usage(folder).free
            if free < _DISK:
                return f"only {free >> 20} MB are free in {folder}: what is written may be cut off"
    return None
