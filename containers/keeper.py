"""Keeps a command running, and stops, starts or pauses it when asked: `keeper.py HOST:PORT CMD...`.

The harness of the nightly run has no Docker socket, and shall have none. What it needs to do to a
process in another container it asks of this keeper by one line on a connection: `restart`, `kill`,
`start`, `pause` or `resume`; the answer is a line too, `done` or what went wrong. When the command
ends by itself, so does the keeper, with its exit status (of a signal 128 and its number); SIGTERM
and SIGINT end both. Where OUTAGE_CONTROL_TOKEN is set, an order is obeyed only behind it: `TOKEN
restart`.
"""

from __future__ import annotations

import contextlib
import hmac
import os
import signal
import socket
import subprocess
import sys
from types import FrameType

TALKS_WITHIN_S = 2.0
STOPS_WITHIN_S = 3.0
LOOKS_EVERY_S = 0.5
LONGEST_ORDER = 200
TOKEN = os.environ.get("OUTAGE_CONTROL_TOKEN", "")


class Keeper:
    """One command, and what has been asked of it."""

    def __init__(self, command: list[str]) -> None:
        self._command = command
        self._down = False
        self._child = subprocess.Popen(command)

    @property
    def ended(self) -> int | None:
        """The exit status of a command that ended unasked; None while all is as it should be."""
        return None if self._down else self._child.poll()

    def obey(self, asked: str) -> str:
        """Carry out one order, and say so."""
        shown, _, order = asked.rpartition(" ")
        if not hmac.compare_digest(shown.encode(), TOKEN.encode()):
            return "not obeyed: the token is missing or wrong"
        match order:
            case "restart":
                self.stop()
                self._start()
            case "kill":
                self._down = True
                self._child.kill()
                self._child.wait()
            case "start":
                if self._down:
                    self._start()
            case "pause":
                self._child.send_signal(signal.SIGSTOP)
            case "resume":
                self._child.send_signal(signal.SIGCONT)
            case _:
                return f"unknown order {order!r}"
        return "done"

    def _start(self) -> None:
        self._child = subprocess.Popen(self._command)
        self._down = False

    def stop(self) -> None:
        """End the command: SIGTERM, then SIGKILL."""
        self._child.send_signal(signal.SIGCONT)
        self._child.terminate()
        try:
            self._child.wait(STOPS_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()


def main() -> int:
    """Serve until a signal comes, or the command ends; the exit status."""
    host, _, port = sys.argv[1].rpartition(":")
    keeper = Keeper(sys.argv[2:])

    def end(number: int, frame: FrameType | None) -> None:
        keeper.stop()
        sys.exit(128 + number)

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    with socket.create_server((host, int(port))) as listener:
        listener.settimeout(LOOKS_EVERY_S)
        while keeper.ended is None:
            try:
                asked, _ = listener.accept()
            except TimeoutError:
                continue
            # Whoever asked may be gone before the answer; what was asked is done all the same.
            with asked, contextlib.suppress(OSError):
                asked.settimeout(TALKS_WITHIN_S)
                order = asked.makefile("r", encoding="utf-8", errors="replace")
                words = order.readline(LONGEST_ORDER).strip()
                asked.sendall(f"{keeper.obey(words)}\n".encode())
    status = keeper.ended or 0
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    sys.exit(main())
