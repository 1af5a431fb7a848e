"""Whoever else calls a world's target: its port is open to every account of this machine.

One look serves all worlds of an engine: it asks the kernel whose connections to the targets' ports
are open, four times a second, and at once when a call has crossed a proxy: then a visitor whose
request has caused that call still waits for its answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator

from neighbours import visits

EVERY_S = 0.25
APART_S = 0.04
"""Between two looks at the least: one takes a millisecond."""
_LOOPBACK = ("127.", "localhost", "::1")

Tell = Callable[[int], None]
"""Takes the uid of whoever has a connection to a world's target, the harness's own included."""


class Visits:
    """Looks until it is closed. To be made in the loop that plays the worlds."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._worlds: dict[int, Tell] = {}
        """By the target's port."""
        self._soon = threading.Event()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="visits", daemon=True)
        self._thread.start()

    @contextlib.contextmanager
    def at(self, host: str, port: int, tell: Tell) -> Iterator[None]:
        """Look at a target's port inside the block; nothing can be seen of another machine's."""
        if host.strip("[]").startswith(_LOOPBACK):
            self._worlds[port] = tell
        try:
            yield
        finally:
            self._worlds.pop(port, None)

    def look(self) -> None:
        """Look at once, or as soon as that isn't too often."""
        self._soon.set()

    def _run(self) -> None:
        while not self._closing.wait(APART_S):
            self._soon.wait(EVERY_S)
            self._soon.clear()
            if found := set(visits(tuple(self._worlds))):
                with contextlib.suppress(RuntimeError):  # the loop is closed
                    self._loop.call_soon_threadsafe(self._tell, found)

    def _tell(self, found: set[tuple[int, int]]) -> None:
        for port, uid in found:
            if port in self._worlds:
                self._worlds[port](uid)

    def close(self) -> None:
        """Look no more."""
        self._closing.set()
        self._soon.set()
        self._thread.join(2.0)
