"""The child process in which plays are born: a bare interpreter, patched once, forked for each.

It reads commands from its standard input, one JSON object a line, and answers on its standard
output: `{"play": 1, "plan": ..., "out": ...}` makes it fork a child that plays the plan and writes
its facts to the file `out`; `{"done": 1, "status": 0}` says that it has ended. `{"kill": 1}` ends
one, `{"import": [...]}` loads libraries for all later ones. When its input ends it kills what still
runs and ends. Bare means: `python -S`, so that no module has been imported before the patches.
"""

from __future__ import annotations

import gc
import sys

from . import real

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_LOOK_EVERY_MS = 2
"""For children that have ended, where the system tells of none: a play may be over for so long."""


class Nursery:
    """Forks plays, one for each command, and says how each ended."""

    def __init__(self, poll: Any) -> None:
        import json
        import os

        self._json = json
        self._os = os
        self._poll = poll
        self._rest = b""
        self._running: dict[int, tuple[int, int]] = {}
        """Each child's play and CPU."""
        self._ends: dict[int, int] = {}
        """Each child's descriptor that says when it has ended; Linux has them."""
        self._cpus = _cpus()

    def serve(self) -> None:
        """Until the input ends."""
        os = self._os
        poll = self._poll
        poll.register(0, 1)
        # No signal says that a child has ended: it would come in the middle of something.
        while True:
            unwatched = len(self._running) > len(self._ends)
            for fd, _ in poll.poll(_LOOK_EVERY_MS if unwatched else None):
                if fd == 0:
                    data = os.read(0, 1 << 20)
                    if not data:
                        self._end()
                    self._take(data)
            self._reap()

    def _take(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            command = self._json.loads(line)
            if "import" in command:
                self._import(command["import"])
            elif "kill" in command:
                self._kill(command["kill"])
            else:
                self._fork(command)

    def _import(self, names: list[str]) -> None:
        """Load libraries once, for all plays to come; one that fails will fail in its play."""
        import importlib

        for name in names:
            if name not in sys.modules:
                try:
                    importlib.import_module(name)
                except Exception:
                    continue
        gc.freeze()

    def _fork(self, command: dict[str, Any]) -> None:
        # What is left by now needs no collecting in any play, nor copying by a collection.
        gc.collect()
        gc.freeze()
        cpu = self._next_cpu()
        from harness.machine.cradle import tied_to

        nursery = real.getpid()
        child = real.fork()
        if child:
            self._running[child] = (command["play"], cpu)
            self._watch(child)
            return
        try:
            for fd in self._ends.values():
                self._os.close(fd)
            if not tied_to(nursery):
                real.leave(0)
            _pin(cpu)
            _play(command["plan"], command["out"])
        finally:
            real.leave(1)

    def _watch(self, child: int) -> None:
        try:
            fd = self._os.pidfd_open(child)
        except (AttributeError, OSError):
            return
        self._ends[child] = fd
        self._poll.register(fd, 1)

    def _next_cpu(self) -> int:
        """The CPU with the fewest plays; in turn, since other nurseries do the same."""
        self._cpus.append(self._cpus.pop(0))
        busy = [cpu for _, cpu in self._running.values()]
        return min(self._cpus, key=busy.count)

    def _kill(self, number: int) -> None:
        for child, (playing, _) in self._running.items():
            if playing == number:
                real.kill(child, 9)

    def _reap(self) -> None:
        for child in list(self._running):
            found, status = self._os.waitpid(child, self._os.WNOHANG)
            if found:
                number, _ = self._running.pop(child)
                if (fd := self._ends.pop(child, None)) is not None:
                    self._poll.unregister(fd)
                    self._os.close(fd)
                self._say({"done": number, "status": status})

    def _say(self, answer: dict[str, Any]) -> None:
        self._os.write(1, self._json.dumps(answer).encode() + b"\n")

    def _end(self) -> None:
        for child in self._running:
            real.kill(child, 9)
        real.leave(0)


def _cpus() -> list[int]:
    import os

    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [0]


def _pin(cpu: int) -> None:
    """Keep to one CPU: a baton that wakes another CPU costs six times as much."""
    import os

    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {cpu})


def _play(plan_path: str, out_path: str) -> None:
    import json
    import os

    from .play import Play

    with open(plan_path, "rb") as file:
        plan = json.load(file)
    # Whatever writes to the descriptors themselves must not get into the nursery's answers.
    null = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1):
        os.dup2(null, fd)
    out = os.open(out_path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)

    said = os.open(f"{out_path}.err", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.dup2(said, 2)

    def write(data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(out, view) :]

    Play(plan, write).run()


def main() -> None:
    """Patch, import what every play needs, and serve.

    Sets of objects order by address: the harness starts this with the same addresses each time.
    """
    # What is imported here and in a target is no garbage, and nobody looks through it for some; a
    # play collects when it has begun.
    gc.disable()
    from select import poll  # the real one, from before the patches

    from . import patches

    patches.install()
    import site

    site.main()
    import ctypes  # noqa: F401  what every play needs, loaded once

    from . import play, stubs  # noqa: F401

    stubs.load()
    gc.freeze()

    Nursery(poll()).serve()
