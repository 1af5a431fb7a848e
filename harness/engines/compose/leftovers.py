"""Removes what a run has left in Docker: by a watcher when the harness dies, else at a next start.

A project's name says whose it is: `outage-HOST-BOOT-PID-START-N`, the process that plays it, and by
HOST on which machine, and which user's. What has such a name belongs to nobody when that process is
gone; what is another user's is left to that user. Containers, networks and volumes carry the
name as Compose's label; nothing else is ever touched.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from harness.machine.belongings import boot

PROJECT = "com.docker.compose.project"
_NAME = re.compile(r"outage-([0-9a-f]{6})-([0-9a-f]{6})-(\d+)-(\d+)-\d+")
_ROUNDS = 20
_PAUSE_S = 0.3


def project_prefix(pid: int | None = None) -> str:
    """What the names of a process's projects begin with; this process's by default."""
    pid = os.getpid() if pid is None else pid
    return f"outage-{_host()}-{boot()}-{pid}-{_start(pid)}-"


def _host() -> str:
    # The hostname alone is the same in many containers; the hardware address tells them apart.
    whose = f"{os.uname().nodename} {uuid.getnode()} {os.geteuid()}"
    return hashlib.sha256(whose.encode()).hexdigest()[:6]


def _start(pid: int) -> int:
    """When a process began, in the kernel's ticks: with the id it names it for good. 0: unknown."""
    with contextlib.suppress(OSError, IndexError, ValueError):
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
    return 0


def is_orphan(project: str) -> bool:
    """Whether a project was played by a process of this user, on this machine, that is gone."""
    named = _NAME.fullmatch(project)
    if named is None or named[1] != _host():
        return False
    if named[2] != boot():
        return True
    pid, start = int(named[3]), int(named[4])
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass  # somebody else's process has the id; the start tells whether it is the one
    return start != _start(pid)


def remove_orphans(client: Any) -> tuple[str, ...]:
    """Remove what dead runs have left; the projects' names."""
    found = {project for project in _projects(client) if is_orphan(project)}
    for project in sorted(found):
        remove_project(client, project)
    return tuple(sorted(found))


def is_left(client: Any) -> bool:
    """Whether Docker has anything of this process's projects, or doesn't say."""
    with contextlib.suppress(Exception):
        return any(project.startswith(project_prefix()) for project in _projects(client))
    return True


def _projects(client: Any) -> set[str]:
    anything = [
        *client.containers.list(all=True, filters={"label": PROJECT}, ignore_removed=True),
        *client.networks.list(filters={"label": PROJECT}),
        *client.volumes.list(filters={"label": PROJECT}),
    ]
    return {(_labels(each) or {}).get(PROJECT, "") for each in anything}


def _labels(thing: Any) -> dict[str, str] | None:
    labels: dict[str, str] | None = thing.attrs.get("Labels")
    return labels if labels is not None else thing.attrs.get("Config", {}).get("Labels")


def remove_project(client: Any, project: str) -> bool:
    """Remove all containers, networks and volumes of a project; whether nothing is left.

    It looks again until nothing is there: Docker may still be at work on what it was asked before.
    """
    filters = {"label": f"{PROJECT}={project}"}
    for _ in range(_ROUNDS):
        containers = client.containers.list(all=True, filters=filters, ignore_removed=True)
        with ThreadPoolExecutor(8) as threads:
            list(threads.map(_remove_container, containers))
        others = [*client.networks.list(filters=filters), *client.volumes.list(filters=filters)]
        for each in others:
            with contextlib.suppress(Exception):  # a container may still be on its way out
                each.remove()
        if not containers and not others:
            return True
        if containers or others:
            time.sleep(_PAUSE_S if containers else 0.05)
    return False


def _remove_container(container: Any) -> None:
    with contextlib.suppress(Exception):  # gone already, or going
        container.remove(force=True, v=True)


class Undertaker:
    """A process that removes this process's projects when this process ends, however it ends."""

    def __init__(self) -> None:
        # A session of its own: a signal to the harness's whole group must not take it too.
        self._process = subprocess.Popen(
            [sys.executable, "-m", "harness.engines.compose.leftovers", project_prefix()],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def close(self) -> None:
        """Nothing is left for it: end it."""
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.write(b"nothing left\n")
                self._process.stdin.close()
        self._process.wait()


def _main(prefix: str, folder: str | None = None) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    if sys.stdin.readline():
        return
    import docker

    client = docker.from_env()
    # Twice, a moment apart: what the harness had just asked for may appear only now.
    for _ in range(2):
        for project in _projects(client):
            if project.startswith(prefix):
                remove_project(client, project)
        time.sleep(1.0)
    if folder is not None:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    _main(*sys.argv[1:])
