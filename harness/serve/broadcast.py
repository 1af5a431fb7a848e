"""The run's side: starts the process that shows it, and tells it what happens, never waiting."""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import queue
import subprocess
import sys
import threading
import time

from harness.engines.base import Progress
from harness.errors import UsageError
from harness.machine.belongings import mark
from harness.serve.messages import Message, Over, Went

_EVERY_S = 1.0
"""How often each scenario's clock is told."""
_LAST_LOOK_S = 5.0
"""How long a browser has to fetch the end of a run."""


class Broadcast:
    """Tells a process of its own, which serves a page on this machine, how a run goes on."""

    def __init__(self, port: int) -> None:
        """Start it on a port, 0 for any that is free.

        Raises: UsageError when the port can't be had.
        """
        self._process = subprocess.Popen(
            [sys.executable, "-m", "harness.serve", str(port)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is the run's affair
            env=dict(os.environ) | dict(mark()),
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        said = json.loads(line) if line.strip() else {"problem": "its process did not start"}
        if "problem" in said:
            self._process.kill()
            self._process.wait()
            raise UsageError(f"--serve: {said['problem']}")
        self.url = f"http://127.0.0.1:{said['port']}/"
        self._queue: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        self._began_s = time.monotonic()
        self._told_s: dict[str, float] = {}
        self._writer = threading.Thread(target=self._write, daemon=True)
        self._writer.start()

    def tell(self, message: Message) -> None:
        """Pass something on, some time soon."""
        self._queue.put(message)

    def went(self, name: str, progress: Progress) -> None:
        """Pass on how far a scenario is, once a second."""
        now_s = time.monotonic()
        if progress.at_s is None or now_s - self._told_s.get(name, -_EVERY_S) >= _EVERY_S:
            self._told_s[name] = now_s
            self.tell(Went(name=name, doing=progress.doing, at_s=progress.at_s))

    def close(self) -> None:
        """The run is over: let browsers fetch how it ended, for a few seconds at most."""
        self.tell(Over(wall_s=time.monotonic() - self._began_s))
        self._queue.put(None)
        self._writer.join(_LAST_LOOK_S)
        try:
            self._process.wait(_LAST_LOOK_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _write(self) -> None:
        pipe = self._process.stdin
        assert pipe is not None
        with contextlib.suppress(OSError):  # it is gone: nobody is there to be told
            while (message := self._queue.get()) is not None:
                pickle.dump(message, pipe)
                pipe.flush()
        with contextlib.suppress(OSError):
            pipe.close()
