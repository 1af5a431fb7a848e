"""Watches the baton's holder from a real thread: real waits, busy loops, sockets opened in C.

A step that takes wall time without CPU time and without waiting for a CPU was a real wait: an early
reference to the real sleep, a driver in C. One that takes CPU time without end is a busy loop.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import NoReturn

from . import real
from .escapes import ESCAPES
from .scheduler import KERNEL

SAMPLE_S = 0.02
REAL_WAIT_S = 0.15
"""Real waiting that is taken for an escape: in one step, or in all."""
BUSY_CPU_S = 1.0
STUCK_CPU_S = 4.0
STUCK_WAIT_S = 10.0
UNSEEN_S = 1.0
"""What counts at most of the time between two looks: where this thread gets no CPU, nor does the
play, and has not begun to take long.
"""
_RUNS, _READS = b"R", b"D"
"""It runs, or waits for a CPU at most; it waits for the disk, which no target asked for: where
memory is short, a page of a library has to be read again."""


class Watchdog:
    """Samples the simulation until the process ends; `on_stuck` must end it."""

    simulated = True
    """The audit hook lets this thread start."""

    def __init__(self, limit_s: float, on_stuck: Callable[[str], NoReturn]) -> None:
        self._limit_s = limit_s
        self._on_stuck = on_stuck
        self._stop = real.allocate_lock()
        self._sockets = _sockets()
        self._parent = real.getppid()

    def start(self) -> None:
        """Begin to watch."""
        self._stop.acquire()
        real.start_new_thread(self._watch, ())

    def _watch(self) -> None:
        seen_s, lasted_s = real.monotonic(), 0.0
        own_id = real.get_native_id()
        steps, since_s, cpu_s, waited_s, own_s = -1, seen_s, 0.0, 0.0, 0.0
        before_s = read_s = 0.0
        while not self._stop.acquire(True, SAMPLE_S):
            now_s = real.monotonic()
            lasted_s += min(now_s - seen_s, UNSEEN_S)
            seen_s = now_s
            worker = KERNEL.holder
            if steps != KERNEL.steps:
                steps, before_s, read_s = KERNEL.steps, 0.0, 0.0
                cpu_s, waited_s = _times(worker.native_id)
                own_s = sum(_times(own_id))
                # Looked at last: what the other thread does meanwhile must not seem to be sleep,
                # and on a busy machine this one may be held up between any two of these lines.
                since_s = real.monotonic()
                continue
            cpu_now_s, queued_s = _times(worker.native_id)
            busy_s = cpu_now_s - cpu_s
            # On a busy machine this thread may be kept from the CPU while it holds Python's lock:
            # the other one's wait for that is no wait of the target's.
            held_s = sum(_times(own_id)) - own_s
            asleep_s = now_s - since_s - busy_s - (queued_s - waited_s) - held_s
            state = _state(worker.native_id)
            if state == _RUNS:
                asleep_s = before_s  # a wait for a CPU is counted only when it is over
            elif state == _READS or _imports(worker.real_ident):
                read_s += asleep_s - before_s
            before_s = asleep_s
            self._judge(worker.real_ident, busy_s, asleep_s - read_s)
            if lasted_s > self._limit_s:
                self._on_stuck(f"the play took more than {self._limit_s:g} s of real time")
            if real.getppid() != self._parent:
                real.leave(1)

    def _judge(self, ident: int, busy_s: float, asleep_s: float) -> None:
        if max(busy_s - BUSY_CPU_S, asleep_s - REAL_WAIT_S) < 0:
            return
        frame = sys._current_frames().get(ident)
        if asleep_s >= REAL_WAIT_S and ESCAPES.is_beyond(frame):
            message = ESCAPES.note(
                "waited in real time", "the simulation saw no time pass there", frame
            )
            if asleep_s >= STUCK_WAIT_S:
                self._on_stuck(message)
        if busy_s >= BUSY_CPU_S:
            message = ESCAPES.note(
                f"was busy for {BUSY_CPU_S:g} s of CPU time without a wait",
                "virtual time stands still in a busy loop",
                frame,
            )
            if busy_s >= STUCK_CPU_S:
                self._on_stuck(message)

    def look_for_real_sockets(self) -> None:
        """Name real sockets that were opened since the start: only code in C can have done it."""
        for inode in sorted(_sockets() - self._sockets):
            ESCAPES.note(
                f"a real socket is open{_peer(inode)}, made by a driver in C",
                "the simulation sees no time pass on that network",
            )


def _imports(ident: int) -> bool:
    """Whether a thread is importing: it may wait for the disk then, at a library's first use."""
    frame = sys._current_frames().get(ident)
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


def _times(native_id: int) -> tuple[float, float]:
    """CPU seconds of an OS thread, and seconds that it waited for a CPU."""
    # Not below /proc/self/task: who reaps a process forgets all that was looked up below its
    # folder, and spins in the kernel while a last thread, kept from the CPU, is forgetting its own
    # part: on a busy machine that took several times the CPU of the play.
    try:
        with open(f"/proc/{native_id}/schedstat", "rb", buffering=0) as file:
            busy, queued, _ = file.read().split()
        return int(busy) / 1e9, int(queued) / 1e9
    except (OSError, ValueError):
        # Not Linux: take all wall time for CPU time, so only busy loops are judged.
        return real.monotonic(), 0.0


def _state(native_id: int) -> bytes:
    """What an OS thread does just now, as Linux says; empty where nobody tells."""
    try:
        with open(f"/proc/{native_id}/stat", "rb", buffering=0) as file:
            return file.read().rpartition(b")")[2].split()[0]
    except (OSError, IndexError):
        return b""


def _sockets() -> set[str]:
    found: set[str] = set()
    try:
        for fd in os.listdir("/proc/self/fd"):
            try:
                link = os.readlink(f"/proc/self/fd/{fd}")
            except OSError:
                continue
            if link.startswith("socket:["):
                found.add(link[8:-1])
    except OSError:
        pass
    return found


def _peer(inode: str) -> str:
    """` to HOST:PORT` of a connected IPv4 socket, if the system tells."""
    try:
        with open("/proc/self/net/tcp") as file:
            for line in file.readlines()[1:]:
                fields = line.split()
                if fields[9] == inode:
                    host, port = fields[2].split(":")
                    octets = [str(int(host[i : i + 2], 16)) for i in (6, 4, 2, 0)]
                    return f" to {'.'.join(octets)}:{int(port, 16)}"
    except (OSError, IndexError, ValueError):
        pass
    return ""
