"""A watcher that ends what a run started, even if the harness was killed with SIGKILL.

The harness holds the write end of a pipe to this process and names what it starts, a line each:
`+GROUP` and `-GROUP` for process groups, `/FOLDER` for what is removed with them. When the pipe
closes for whatever reason, the groups still named are killed and the folders removed (design
decision 8), and whatever else bears the dead run's name (`reaping`). A watcher that was killed is
replaced at the next word to it.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
from pathlib import Path

from harness.engines.reaping import DONE
from harness.machine import belongings

_BOOT = (
    f"import sys; sys.path.insert(0, {str(Path(__file__).resolve().parents[2])!r}); "
    "from harness.engines.reaping import main; main(sys.argv[1])"
)


class Reaper:
    """The harness's end of the pipe."""

    def __init__(self) -> None:
        self._known: dict[str, None] = {}
        self._process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        # A session of its own: a signal to the harness's whole group must not take the watcher too.
        return subprocess.Popen(
            [sys.executable, "-S", "-E", "-c", _BOOT, str(belongings.root())],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def _say(self, line: str) -> None:
        if self._process.poll() is not None:
            with contextlib.suppress(OSError):
                self._process = self._start()
            line = "\n".join((*self._known, line))
        pipe = self._process.stdin
        if pipe is not None and not pipe.closed:
            with contextlib.suppress(OSError):
                pipe.write(line.encode(errors="surrogateescape") + b"\n")
                pipe.flush()

    def watch(self, group: int) -> None:
        """End this process group when the harness ends."""
        self._say(f"+{group}")
        self._known[f"+{group}"] = None

    def forget(self, group: int) -> None:
        """The process group has ended."""
        self._say(f"-{group}")
        self._known.pop(f"+{group}", None)

    def watch_folder(self, folder: Path) -> None:
        """Remove this folder when the harness ends."""
        self._say(f"/{folder}")
        self._known[f"/{folder}"] = None

    def close(self) -> None:
        """Let the watcher do its work and end, for at most three seconds."""
        self._say(DONE)
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
        try:
            self._process.wait(3)
        except subprocess.TimeoutExpired:
            self._process.kill()
