"""What this process has on this machine: a folder and children, each marked with its name.

The name says whose it is: process, start, machine and boot. What bears the name of a process that
is gone belongs to nobody; whoever starts next removes it, of this user's own and of no one else's.
Only the standard library is used: the reaper imports this before anything else is there.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import hashlib
import os
import re
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

MARK = "OUTAGE_RUN"
"""The variable that holds the name, in the environment of each child and of its children."""
_CONTAINERS = "containers"
"""A file in the folder of a run that had containers."""
_NAME = re.compile(r"outage-(\d+)-(\d+)-([0-9a-f]{6})-([0-9a-f]{6})-[0-9a-z]{4}")
_DIES_WITHIN_S = 1.0
_ROUNDS = 20


_roots: dict[int, Path] = {}
"""By process: what a forked child has is its own."""


def root() -> Path:
    """The folder of this process, made when first asked for, and removed when it ends."""
    pid = os.getpid()
    if pid not in _roots:
        name = f"outage-{pid}-{_start(pid)[0]}-{_place()}-{boot()}-{os.urandom(2).hex()}"
        made = Path(tempfile.gettempdir()) / name
        made.mkdir(mode=0o700)
        _roots[pid] = made
        atexit.register(_leave)
    return _roots[pid]


def _leave() -> None:
    own = _roots.pop(os.getpid(), None)
    if own is not None and not (own / _CONTAINERS).exists():
        shutil.rmtree(own, ignore_errors=True)


@contextlib.contextmanager
def folder() -> Iterator[Path]:
    """A folder inside, for the length of a block."""
    made = Path(tempfile.mkdtemp(dir=root()))
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def mark() -> Mapping[str, str]:
    """What the environment of a child says of whose it is."""
    return {MARK: root().name}


@contextlib.contextmanager
def marked() -> Iterator[None]:
    """What starts children with this process's own environment marks them in this block."""
    before = os.environ.get(MARK)
    os.environ.update(mark())
    try:
        yield
    finally:
        del os.environ[MARK]
        if before is not None:
            os.environ[MARK] = before


def note_containers(prefix: str) -> None:
    """Note that there will be containers, and what the names of their projects begin with.

    With the note the folder outlives its process, so that the next start removes the containers.
    """
    (root() / _CONTAINERS).write_text(prefix)


def forget_containers() -> None:
    """There are none any more."""
    (root() / _CONTAINERS).unlink(missing_ok=True)


def sweep() -> None:
    """Remove what dead runs of this user have left on this machine; never fails."""
    with contextlib.suppress(OSError), os.scandir(tempfile.gettempdir()) as entries:
        for entry in entries:
            if _NAME.fullmatch(entry.name) and _is_own(entry) and is_orphan(entry.name):
                remove(Path(entry.path))


def _is_own(entry: os.DirEntry[str]) -> bool:
    with contextlib.suppress(OSError):
        return entry.is_dir(follow_symlinks=False) and _owned(entry.stat(follow_symlinks=False))
    return False


def _owned(status: os.stat_result) -> bool:
    return not hasattr(os, "geteuid") or status.st_uid == os.geteuid()


def is_orphan(name: str) -> bool:
    """Whether the process of that name, on this machine, is gone."""
    named = _NAME.fullmatch(name)
    if named is None or named[3] != _place():
        return False
    if named[4] != boot():
        return True
    pid, start = int(named[1]), int(named[2])
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except OSError:
        pass  # somebody else's process has the id; the start tells whether it is the one
    return _start(pid) != (start, True)


def remove(folder: Path) -> None:
    """End all processes that bear a dead run's name, and remove its folder."""
    for _ in range(_ROUNDS):
        found = [pid for pid in _marked(folder.name) if pid != os.getpid()]
        for pid in found:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        if not found:
            break
        time.sleep(0.02)
    note = folder / _CONTAINERS
    if note.exists():
        _remove_containers(note)
        return  # the folder goes with them, or at the next start
    shutil.rmtree(folder, ignore_errors=True)


def remove_once_dead(folder: Path) -> None:
    """The same as soon as its owner is gone; nothing when that isn't so in a second."""
    until_s = time.monotonic() + _DIES_WITHIN_S
    while not is_orphan(folder.name):
        if time.monotonic() > until_s:
            return
        time.sleep(0.01)
    remove(folder)


def _marked(name: str) -> Iterator[int]:
    """Processes of this user, on a system that tells, whose environment bears a name."""
    wanted = f"{MARK}={name}".encode()
    with contextlib.suppress(OSError):
        for each in os.listdir("/proc"):
            if each.isdecimal():
                with contextlib.suppress(OSError):
                    if not _owned(os.stat(f"/proc/{each}")):
                        continue
                    environment = Path(f"/proc/{each}/environ").read_bytes()
                    if wanted in environment.split(b"\0"):
                        yield int(each)


def _remove_containers(note: Path) -> None:
    """Docker may take its time: a process of its own does it, and removes the note's folder."""
    import subprocess  # which only some commands need, and this seldom

    with contextlib.suppress(OSError):
        prefix = note.read_text()
        subprocess.Popen(
            [sys.executable, "-m", "harness.engines.compose.leftovers", prefix, str(note.parent)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )


def _start(pid: int) -> tuple[int, bool]:
    """When a process began, in the kernel's ticks (0: unknown), and whether it still runs."""
    try:
        state, *fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return int(fields[18]), state not in "ZX"
    except (OSError, IndexError, ValueError):
        return 0, True


@functools.cache
def _place() -> str:
    """Where ids of processes mean what they mean here: this machine, or a container in it."""
    with contextlib.suppress(OSError):
        return _digest(f"{os.uname().nodename} {os.readlink('/proc/self/ns/pid')}")
    return _digest(os.uname().nodename if hasattr(os, "uname") else "")


@functools.cache
def boot() -> str:
    """Which of this machine's lives this is: ids of processes begin anew with each."""
    with contextlib.suppress(OSError):
        return _digest(Path("/proc/sys/kernel/random/boot_id").read_text())
    return _digest("")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:6]
