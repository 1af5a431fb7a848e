"""How long processes can have waited for the disk or for memory, as Linux bounds it in /proc.

How long one process waits for pages that have to be read (again), no kernel tells by default: the
count for it is off since Linux 5.14. Two things that it does tell are a bound together: for how
long anybody at all waited (`/proc/pressure`), and whether this process has had anything to do with
it (its page faults, what it read and wrote). Where there is no pressure to read, nothing is told.
"""

from __future__ import annotations

import contextlib
import math
from collections import deque
from collections.abc import Iterable, Iterator, Mapping

from harness.engines.waits import PROC, TICKS_A_SECOND, WORTH_TELLING_S, Found, read
from harness.frozen import Frozen

_HOW = {"io": "for the disk", "memory": "for memory"}
"""How waits are told that a file of /proc/pressure counts."""


class Pressure(Frozen, kw_only=True):
    """What the whole machine had waited by an instant, on the monotonic clock."""

    at_s: float
    busy_s: float
    """For how long its CPUs, added up, were not idle, or were so only as somebody waited for the
    disk."""
    waited_s: Mapping[str, float]
    """By resource: for how long somebody waited, as a mean of all CPUs by how busy each was."""

    def most_s(self, resource: str, since: Pressure) -> float:
        """The most that a thread can have waited since then.

        Its CPU was busy by that for as long as it waited, x, so that the mean is x * x over what
        all CPUs were busy, at the least.
        """
        mean_s = self.waited_s[resource] - since.waited_s.get(resource, math.inf)
        if mean_s <= 0:
            return 0.0
        busy_s = max(mean_s, self.busy_s - since.busy_s)
        return min(math.sqrt(mean_s * busy_s), self.at_s - since.at_s)


def pressure(now_s: float, *, proc: str = PROC) -> Pressure:
    """What this machine has waited by now; of what it doesn't tell, nothing."""
    waited_s = {}
    for resource in _HOW:
        with contextlib.suppress(OSError, ValueError, IndexError):
            some = read(f"{proc}/pressure/{resource}").split(b"\n", 1)[0]
            waited_s[resource] = int(some.rpartition(b"total=")[2]) / 1e6
    busy_s = 0.0
    with contextlib.suppress(OSError, ValueError, IndexError):
        ticks = [int(word) for word in read(f"{proc}/stat").split(b"\n", 1)[0].split()[1:9]]
        busy_s = (sum(ticks) - ticks[3]) / TICKS_A_SECOND
    return Pressure(at_s=now_s, busy_s=busy_s, waited_s=waited_s)


class Use(Frozen):
    """How often a process has had to do with memory and with the disk, in all."""

    memory: int = 0
    """Page faults: it was given memory, or got back what had been taken."""
    io: int = 0
    """Page faults that something had to be read for, and bytes read and written."""

    def since(self, before: Use) -> Iterator[str]:
        """The resources that it has used since then."""
        if self.memory != before.memory:
            yield "memory"
        if self.io != before.io:
            yield "io"


def use(pid: int, *, proc: str = PROC) -> Use:
    """What a process has used until now, with all of its threads.

    Raises: OSError, ValueError, IndexError where it has ended.
    """
    fields = read(f"{proc}/{pid}/stat").rpartition(b")")[2].split()
    minor, major, moved = int(fields[7]), int(fields[9]), 0
    with contextlib.suppress(OSError):  # somebody else's: its faults still tell
        for line in read(f"{proc}/{pid}/io").splitlines():
            if line.startswith((b"read_bytes", b"write_bytes")):
                moved += int(line.split()[1])
    return Use(memory=minor + major, io=major + moved)


class FamilyStalls:
    """Looks at some processes under one name, which stand still together where one does.

    What a process does is counted when it begins or when it ends: a wait that one look shows may
    have begun before the last one, or go on until the next.
    """

    def __init__(self, who: str, *, proc: str = PROC) -> None:
        self._who = who
        self._proc = proc
        self._uses: dict[int, Use] = {}
        self._used: set[str] = set()
        self._looks: deque[Pressure] = deque(maxlen=2)
        self._told_s: dict[str, float] = {}
        """Until when waits have been told."""

    def look(self, pids: Iterable[int], now: Pressure) -> list[Found]:
        """What they can have waited since the last look, where that is worth telling.

        The first look only begins to count.
        """
        if not now.waited_s:
            return []
        before, self._uses = self._uses, dict(self._told_of(pids))
        used = {
            resource
            for pid, use in self._uses.items()
            for resource in use.since(before.get(pid, Use()))
        }
        found = [each for name in now.waited_s for each in self._found(name, used, now)]
        self._used = used if self._looks else set()
        self._looks.append(now)
        return found

    def _told_of(self, pids: Iterable[int]) -> Iterator[tuple[int, Use]]:
        for pid in pids:
            with contextlib.suppress(OSError, ValueError, IndexError):  # it has ended
                yield pid, use(pid, proc=self._proc)

    def _found(self, resource: str, used: set[str], now: Pressure) -> Iterator[Found]:
        since = [look for look in self._looks if look.at_s >= self._told_s.get(resource, -math.inf)]
        if resource not in used:
            since = since[-1:] if resource in self._used else []
        wait_s = now.most_s(resource, since[0]) if since else 0.0
        if wait_s >= WORTH_TELLING_S:
            self._told_s[resource] = now.at_s
            yield Found(
                who=self._who,
                how=_HOW[resource],
                since_s=since[0].at_s,
                at_s=now.at_s,
                wait_s=wait_s,
            )
