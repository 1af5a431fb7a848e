"""Keys of a terminal, one at a time, without waiting for a line; as it was before afterwards."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import Callable, Iterator

_SEQUENCES = {
    b"\x1b[C": "right",
    b"\x1bOC": "right",
    b"\x1b[D": "left",
    b"\x1bOD": "left",
    b"\x1b[H": "home",
    b"\x1bOH": "home",
    b"\x1b[1~": "home",
}


def keys_in(data: bytes) -> Iterator[str]:
    """The keys that these bytes of a terminal stand for; sequences of other keys are left out."""
    while data:
        if data[:1] != b"\x1b":
            yield chr(data[0])
            data = data[1:]
            continue
        known = next((each for each in _SEQUENCES if data.startswith(each)), None)
        if known is not None:
            yield _SEQUENCES[known]
            data = data[len(known) :]
            continue
        data = data[_length(data) :]


def _length(data: bytes) -> int:
    """How many bytes an escape sequence has: up to its final letter or `~`."""
    if data[1:2] not in (b"[", b"O"):
        return 1
    return next((k + 1 for k in range(2, len(data)) if 0x40 <= data[k] <= 0x7E), len(data))


@contextlib.contextmanager
def keys_to(take: Callable[[str], None]) -> Iterator[bool]:
    """Give each key pressed to `take`, in the running loop; gives whether there are any keys.

    There are none where standard input or output is no terminal, or the system has no termios.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()) or sys.platform == "win32":
        yield False
        return
    import termios
    import tty

    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    loop = asyncio.get_running_loop()

    def ready() -> None:
        data = os.read(descriptor, 256)
        if not data:
            loop.remove_reader(descriptor)
        for key in keys_in(data):
            take(key)

    tty.setcbreak(descriptor)  # Ctrl-C still interrupts
    loop.add_reader(descriptor, ready)
    try:
        yield True
    finally:
        loop.remove_reader(descriptor)
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
