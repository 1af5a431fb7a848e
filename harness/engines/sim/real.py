"""The real world's primitives, kept from before the patches replaced them.

Only what the simulation itself needs: batons between OS threads, the watchdog's clock, the pipes
of the child process. The target never sees these.
"""

from __future__ import annotations

import posix
import time
from _thread import allocate_lock, get_ident, get_native_id, start_new_thread

monotonic = time.monotonic
process_time = time.process_time
sleep = time.sleep
fork = posix.fork
getpid = posix.getpid
getppid = posix.getppid
kill = posix.kill
leave = posix._exit
urandom = posix.urandom

__all__ = [
    "allocate_lock",
    "fork",
    "get_ident",
    "get_native_id",
    "getpid",
    "getppid",
    "kill",
    "leave",
    "monotonic",
    "process_time",
    "sleep",
    "start_new_thread",
    "urandom",
]
