"""Replaces names of builtin modules, before anything has been imported from them."""

from __future__ import annotations

import _queue
import _random
import _signal  # type: ignore[import-not-found]
import _thread
import posix
import sys
import time

from ..clock import REPLACEMENTS
from ..ending import ENDING, PID
from ..escapes import ESCAPES
from ..local import Local
from ..locks import Lock, RLock, SimpleQueue
from .chance import CHANCE, Random
from .ledger import replace
from .threads import THREADS, ThreadHandle

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class _Process:
    """What a process asks of its own surroundings."""

    def getpid(self) -> int:
        """Always the same number, since it ends up in logs."""
        return PID

    def refused_signal(self, *_: Any) -> Any:
        """A timer or a wait for a signal; raises Escaped."""
        raise ESCAPES.refuse("a signal", "alarms and signals never come in virtual time")


_PROCESS = _Process()


def install() -> None:
    """Replace clocks, threads, locks, randomness and signals."""
    for name, value in REPLACEMENTS.items():
        if hasattr(time, name):
            replace(time, name, value)
    _install_threads()
    replace(_queue, "SimpleQueue", SimpleQueue)
    replace(_random, "Random", Random)
    for module in filter(None, (posix, sys.modules.get("os"))):  # `os` copies the names
        replace(module, "urandom", CHANCE.urandom)
        replace(module, "getpid", _PROCESS.getpid)
        replace(module, "_exit", ENDING.leave)
        replace(module, "abort", ENDING.abort)
        replace(module, "kill", ENDING.kill)
        if hasattr(module, "getrandom"):
            replace(module, "getrandom", CHANCE.getrandom)
    for name in ("alarm", "setitimer", "pause", "sigwait", "sigwaitinfo", "sigtimedwait"):
        if hasattr(_signal, name):
            replace(_signal, name, _PROCESS.refused_signal)
    sys.addaudithook(ESCAPES.audit)


def _install_threads() -> None:
    names: dict[str, object] = {
        "allocate_lock": THREADS.allocate_lock,
        "allocate": THREADS.allocate_lock,
        "LockType": Lock,
        "RLock": RLock,
        "_local": Local,
        "start_new_thread": THREADS.start_new_thread,
        "start_new": THREADS.start_new_thread,
        "get_ident": THREADS.get_ident,
        "get_native_id": THREADS.get_ident,
    }
    if sys.version_info >= (3, 13):
        names |= {
            "lock": Lock,
            "start_joinable_thread": THREADS.start_joinable_thread,
            "_ThreadHandle": ThreadHandle,
            "_make_thread_handle": THREADS.make_thread_handle,
            "_get_main_thread_ident": THREADS.get_main_thread_ident,
        }
    else:
        names["_set_sentinel"] = THREADS.set_sentinel
    for name, value in names.items():
        replace(_thread, name, value)
