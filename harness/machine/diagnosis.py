"""What this machine can run: one finding for each engine and proxy, with the one thing to do."""

from __future__ import annotations

import os
import platform
import shutil
import socket
import subprocess
import sys
from importlib.util import find_spec

from harness.frozen import Frozen

_DOCKER_TIMEOUT_S = 5.0


class Diagnosis(Frozen, kw_only=True):
    """Whether one thing can be used here."""

    name: str
    """`engine local`, `proxy toxiproxy`..."""
    able: bool
    found: str
    """What was found, in a few words."""
    remedy: str = ""
    """The one thing to do when it can't be used."""
    needed: bool = False
    """Whether nothing can be played without it."""


def diagnose() -> tuple[Diagnosis, ...]:
    """All findings, what is needed first."""
    return (
        _python(),
        _loopback(),
        _addresses(),
        _embedded(),
        _toxiproxy(),
        _local(),
        _sim(),
        _compose(),
    )


def _python() -> Diagnosis:
    return Diagnosis(
        name="python",
        able=sys.version_info >= (3, 11),
        found=f"{platform.python_version()} at {sys.executable}",
        remedy="install Python 3.11 or later",
        needed=True,
    )


def _binds(address: str) -> bool:
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.bind((address, 0))
            probe.listen()
    except OSError:
        return False
    return True


def _loopback() -> Diagnosis:
    able = _binds("127.0.0.1")
    return Diagnosis(
        name="loopback",
        able=able,
        found="127.0.0.1 can be listened on" if able else "127.0.0.1 can't be listened on",
        remedy="allow this user to listen on 127.0.0.1",
        needed=True,
    )


def _addresses() -> Diagnosis:
    able = _binds("127.0.0.2")
    without = "scenarios with many client addresses (logins) are out of scope"
    return Diagnosis(
        name="client addresses",
        able=able,
        found="127.0.0.2 and so on are there" if able else f"only 127.0.0.1: {without}",
        remedy="on macOS: sudo ifconfig lo0 alias 127.0.0.2 (and so on)",
    )


def _embedded() -> Diagnosis:
    able = find_spec("harness.toxiproxy") is not None
    return Diagnosis(name="proxy embedded", able=able, found="comes with the harness", needed=True)


def _toxiproxy() -> Diagnosis:
    from harness.toxiproxy.locate import find_toxiproxy

    found = find_toxiproxy()
    return Diagnosis(
        name="proxy toxiproxy",
        able=found is not None,
        found="no toxiproxy-server on the PATH" if found is None else found.source,
        remedy="outage doctor --install toxiproxy (builds it with Go)"
        if shutil.which("go")
        else "put toxiproxy-server 2.12 on the PATH (github.com/Shopify/toxiproxy/releases)",
    )


def _local() -> Diagnosis:
    able = hasattr(os, "fork") and _binds("127.0.0.1")
    return Diagnosis(
        name="engine local",
        able=able,
        found=f"{platform.system()}, {os.cpu_count()} processors",
        remedy="use Linux or macOS (on Windows: WSL)",
        needed=True,
    )


def _sim() -> Diagnosis:
    able = find_spec("harness.engines.sim") is not None and sys.platform.startswith("linux")
    return Diagnosis(
        name="engine sim",
        able=able,
        found="a virtual clock in one process" if able else platform.system(),
        remedy="use Linux",
    )


def _compose() -> Diagnosis:
    found, remedy = _docker()
    if not remedy and find_spec("docker") is None:
        found, remedy = (
            f"{found}, but not its Python package",
            "pip install outage-harness[compose]",
        )
    return Diagnosis(name="engine compose", able=not remedy, found=found, remedy=remedy)


def _docker() -> tuple[str, str]:
    """What was found, and what to do about it (nothing when a daemon answers)."""
    if shutil.which("docker") is None:
        return "no docker command", "install Docker with Compose"
    if not _answers("docker", "version"):
        return "no Docker daemon answers", "start Docker (or give this user access to its socket)"
    if _answers("docker", "compose", "version"):
        return "Docker with Compose v2", ""
    if shutil.which("docker-compose"):
        return "Docker with Compose v1", ""
    return "Docker without Compose", "install docker-compose or Docker's Compose plugin"


def _answers(*command: str) -> bool:
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_DOCKER_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
