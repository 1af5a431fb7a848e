"""Follows containers' output: each line, with the instant at which Docker took it."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import Any

from harness.engines.compose.dockerd import unix_seconds

OnStamped = Callable[[str, float], None]
"""Takes a line and when it was written (seconds since 1970, by the engine's clock)."""


class LogFollower:
    """Follows one container in a thread of its own, and calls back in the loop's."""

    def __init__(
        self, container: Any, on_line: OnStamped, on_end: Callable[[], None] | None = None
    ) -> None:
        """`on_end` is called when the container has said all: it has ended, unasked from here."""
        self._container = container
        self._on_line = on_line
        self._on_end = on_end
        self._loop = asyncio.get_running_loop()
        self._stream: Any = None
        self._closing = False
        self._thread = threading.Thread(target=self._follow, daemon=True, name="container log")
        self._thread.start()

    def _follow(self) -> None:
        rest = b""
        # Docker ends the stream with the container, and the SDK fails when it is closed from here.
        with contextlib.suppress(Exception):
            self._stream = self._container.logs(stream=True, follow=True, timestamps=True)
            for chunk in self._stream:
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    self._pass_on(line)
        if rest:
            self._pass_on(rest)
        if self._on_end is not None and not self._closing:
            self._in_loop(self._on_end)

    def _in_loop(self, take: Callable[..., None], *what: object) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(take, *what)

    def _pass_on(self, line: bytes) -> None:
        stamp, _, text = line.decode("utf-8", "replace").partition(" ")
        if self._closing or not text.strip():
            return
        with contextlib.suppress(ValueError):  # no stamp
            self._in_loop(self._on_line, text.rstrip(), unix_seconds(stamp))

    def close(self) -> None:
        """Stop following; the thread ends with the container at the latest."""
        self._closing = True
        if self._stream is not None:
            with contextlib.suppress(Exception):
                self._stream.close()
