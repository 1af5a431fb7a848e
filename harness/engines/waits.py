"""How long the machine kept processes waiting, as Linux tells it in /proc; elsewhere nothing.

`schedstat` of a thread counts for how long it was ready to run and found no CPU free. The count
grows when such a wait ends. Newer kernels now and then take a sleep for a wait, of any length: so
a wait is believed to reach back to the last look at which the thread slept, and no further. What
can't be seen: waits of a thread or process that begins and ends between two looks, and a stop
(SIGSTOP) that begins and ends between two looks, which the kernel counts nowhere.
"""

from __future__ import annotations

import contextlib
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator

from msgspec import Struct

from harness.frozen import Frozen

PROC = "/proc"
WORTH_TELLING_S = 0.005
"""A process that waited less since the last look is not worth a line in a history."""
_RARELY = 8
"""A thread that doesn't run is looked at every eighth time, at the least."""
_FAMILY_EVERY = 4
"""So often, in looks, it is asked which children a process has."""
TICKS_A_SECOND = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100


class Found(Frozen, kw_only=True):
    """A wait, as `harness.history.events.Waited` says it, on the monotonic clock."""

    who: str
    how: str
    since_s: float
    at_s: float
    wait_s: float


def read(path: str) -> bytes:
    """A small file of /proc.

    Raises: OSError.
    """
    fd = os.open(path, os.O_RDONLY)
    try:
        return os.read(fd, 4096)
    finally:
        os.close(fd)


def _state(stat: bytes) -> bytes:
    """`R` running or ready to, `S` asleep, `T` stopped, and so on."""
    return stat.rpartition(b")")[2].split(maxsplit=1)[0]


class _Thread(Struct):
    """What the last look at a thread told."""

    waited_ns: int
    turns: int
    """How often it has run."""
    slept_s: float
    """When it was last seen to do anything but wait."""
    pause: int = 1
    """In how many looks it is due again."""
    due: int = 1


class ProcessWaits:
    """Looks at one process: its threads' waits for a CPU, and whether it was stopped."""

    def __init__(self, who: str, pid: int, *, proc: str = PROC) -> None:
        self._who = who
        self._folder = f"{proc}/{pid}"
        self._threads: dict[str, _Thread] = {}
        self._looked_s: float | None = None
        self._stopped = False

    def look(self, now_s: float, *, all_threads: bool = False) -> Iterator[Found]:
        """What it waited since the last look, where that is worth telling.

        The first look only begins to count.
        """
        with contextlib.suppress(OSError, ValueError, IndexError):  # it has ended
            yield from self._stop(now_s)
            yield from self._queued(now_s, all_threads=all_threads)
        self._looked_s = now_s

    def _stop(self, now_s: float) -> Iterator[Found]:
        """Stopped at either look: in between too, for all that can be told."""
        state = _state(read(f"{self._folder}/stat"))
        before, self._stopped = self._stopped, state in (b"T", b"t")
        since_s = self._looked_s
        if since_s is not None and (before or self._stopped):
            wait_s = now_s - since_s
            yield Found(who=self._who, how="stopped", since_s=since_s, at_s=now_s, wait_s=wait_s)

    def _queued(self, now_s: float, *, all_threads: bool) -> Iterator[Found]:
        """By when waits can have begun: threads were not all looked at last time."""
        groups: dict[float, float] = defaultdict(float)
        for wait_s, since_s in self._waits(now_s, all_threads=all_threads):
            groups[since_s] += min(wait_s, now_s - since_s)
        if sum(groups.values()) < WORTH_TELLING_S:
            return
        for since_s, wait_s in groups.items():
            yield Found(
                who=self._who,
                how="for a CPU",
                since_s=since_s,
                at_s=now_s,
                wait_s=min(wait_s, now_s - since_s),
            )

    def _waits(self, now_s: float, *, all_threads: bool) -> Iterator[tuple[float, float]]:
        """Each thread's wait, and since when; threads that were idle are looked at rarely."""
        threads = {}
        for name in os.listdir(f"{self._folder}/task"):
            thread = self._threads.get(name)
            if thread is not None and not all_threads and thread.due > 1:
                thread.due -= 1
                threads[name] = thread
                continue
            with contextlib.suppress(OSError, ValueError, IndexError):  # it has ended
                found = read(f"{self._folder}/task/{name}/schedstat").split()
                waited_ns, turns = int(found[1]), int(found[2])
                if thread is None:
                    # Born since the last look: all that it waited is new.
                    if self._looked_s is not None and waited_ns:
                        yield waited_ns / 1e9, self._looked_s
                    threads[name] = _Thread(waited_ns, turns, now_s)
                    continue
                if waited_ns > thread.waited_ns:
                    yield (waited_ns - thread.waited_ns) / 1e9, thread.slept_s
                if turns != thread.turns:
                    thread.pause, thread.slept_s = 1, now_s
                elif thread.pause == _RARELY or not self._runnable(name):
                    thread.pause, thread.slept_s = min(_RARELY, thread.pause * 2), now_s
                thread.waited_ns, thread.turns, thread.due = waited_ns, turns, thread.pause
                threads[name] = thread
        self._threads = threads

    def _runnable(self, name: str) -> bool:
        """Whether a thread that has not run since the last look waits for a CPU at this moment."""
        return _state(read(f"{self._folder}/task/{name}/stat")) == b"R"


class FamilyWaits:
    """Looks at some processes under one name, and at those that they start."""

    def __init__(self, who: str, *, proc: str = PROC) -> None:
        self._who = who
        self._proc = proc
        self._processes: dict[int, ProcessWaits] = {}
        self._family: tuple[int, ...] = ()
        self._roots: tuple[int, ...] = ()
        self._looks = 0

    @property
    def family(self) -> tuple[int, ...]:
        """The ids of all that were looked at last."""
        return self._family

    def look(self, roots: Iterable[int], now_s: float, *, all_threads: bool = False) -> list[Found]:
        """What `roots` and their children waited since the last look."""
        now_roots = tuple(roots)
        if now_roots != self._roots or self._looks % _FAMILY_EVERY == 0:
            self._roots = now_roots
            self._family = tuple(dict.fromkeys(self._with_children(now_roots)))
        self._looks += 1
        known = self._processes
        self._processes = {
            pid: known.get(pid) or ProcessWaits(self._who, pid, proc=self._proc)
            for pid in self._family
        }
        return [
            found
            for process in self._processes.values()
            for found in process.look(now_s, all_threads=all_threads)
        ]

    def _with_children(self, pids: Iterable[int]) -> Iterator[int]:
        """Those that a process's first thread started; other threads rarely do."""
        for pid in pids:
            yield pid
            try:
                children = read(f"{self._proc}/{pid}/task/{pid}/children").split()
            except OSError:  # ended, or a kernel that doesn't tell
                continue
            yield from self._with_children(int(child) for child in children)


class StolenTime:
    """Looks at the machine: what its own host took from it, in a virtual machine."""

    def __init__(self, *, proc: str = PROC) -> None:
        self._path = f"{proc}/stat"
        self._before: tuple[float, int] | None = None

    def look(self, now_s: float) -> list[Found]:
        """What was stolen from all CPUs since the last look."""
        try:
            ticks = int(read(self._path).split(b"\n", 1)[0].split()[8])
        except (OSError, ValueError, IndexError):
            return []
        before, self._before = self._before, (now_s, ticks)
        if before is None or ticks <= before[1]:
            return []
        since_s = before[0]
        wait_s = min((ticks - before[1]) / TICKS_A_SECOND, now_s - since_s)
        return [Found(who="machine", how="stolen", since_s=since_s, at_s=now_s, wait_s=wait_s)]
