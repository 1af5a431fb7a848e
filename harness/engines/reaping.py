"""The watcher's own process: it waits until its harness is gone, then ends what that one started.

It is started for every run, and nearly always has nothing to do in the end: what its work needs
is loaded when there is some.
"""

from __future__ import annotations

import os
import signal
import sys

DONE = "."
"""The last line of a harness that lives on, and needs this watcher no more."""


def main(own: str) -> None:
    """Watch until the pipe closes, then clear up; `own` is the folder of the harness's own."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    groups: set[int] = set()
    folders: list[str] = []
    done = False
    for raw in sys.stdin.buffer:
        line = os.fsdecode(raw).rstrip("\n")
        mark, rest = line[:1], line[1:]
        if mark == "+":
            groups.add(int(rest))
        elif mark == "-":
            groups.discard(int(rest))
        elif mark == "/":
            folders.append(rest)
        done = line == DONE
    for group in groups:
        for signalled in (signal.SIGCONT, signal.SIGKILL):
            try:
                os.killpg(group, signalled)
            except OSError:
                break
    for folder in filter(os.path.exists, folders):
        _remove(folder)
    if not done:
        _clear_up(own)


def _remove(folder: str) -> None:
    import shutil

    shutil.rmtree(folder, ignore_errors=True)


def _clear_up(own: str) -> None:
    from pathlib import Path

    from harness.machine import belongings

    belongings.remove_once_dead(Path(own))
