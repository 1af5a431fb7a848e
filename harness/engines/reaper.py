"""A watcher that ends what a run started, even if the harness was killed with SIGKILL.

The harness holds the write end of a pipe to this process and names what it starts, a line each:
`+GROUP` and `-GROUP` for process groups, `FOLDER` paths for temporary folders. When the pipe closes
for whatever reason, the groups still named are killed and the folders removed (design decision 8).
It imports nothing beyond the standard library, so that it is up before the first child.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import IO


class Reaper:
    """The harness's end of the pipe."""

    def __init__(self) -> None:
        # A session of its own: a signal to the harness's whole group must not take the watcher too.
        self._process = subprocess.Popen(
            [sys.executable, "-S", "-E", __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def _say(self, line: str) -> None:
        pipe: IO[bytes] | None = self._process.stdin
        if pipe is not None and not pipe.closed:
            with contextlib.suppress(OSError):
                pipe.write(line.encode() + b"\n")
                pipe.flush()

    def watch(self, group: int) -> None:
        """End this process group when the harness ends."""
        self._say(f"+{group}")

    def forget(self, group: int) -> None:
        """The process group has ended."""
        self._say(f"-{group}")

    def watch_folder(self, folder: Path) -> None:
        """Remove this folder when the harness ends."""
        self._say(f"/{folder}")

    def close(self) -> None:
        """Let the watcher do its work and end, for at most three seconds."""
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
        try:
            self._process.wait(3)
        except subprocess.TimeoutExpired:
            self._process.kill()


def _main() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    groups: set[int] = set()
    folders: list[str] = []
    for line in sys.stdin:
        mark, rest = line[0], line[1:].rstrip("\n")
        if mark == "+":
            groups.add(int(rest))
        elif mark == "-":
            groups.discard(int(rest))
        else:
            folders.append(rest)
    for group in groups:
        with contextlib.suppress(OSError):
            os.killpg(group, signal.SIGCONT)
            os.killpg(group, signal.SIGKILL)
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    _main()
