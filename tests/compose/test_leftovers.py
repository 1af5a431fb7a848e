"""Nothing of a run stays in Docker: after SIGTERM, after SIGKILL, after a next start."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.engines.compose.leftovers import (
    PROJECT,
    is_orphan,
    project_prefix,
    remove_orphans,
    remove_project,
)
from harness.machine.belongings import boot

STARTS_WITHIN_S = 300.0
"""Images may have to be built first, on a busy machine."""
ENDS_WITHIN_S = 90.0


def things_of(client: Any, pid: int) -> list[str]:
    """Names of what a process's projects have in Docker: containers, networks, volumes."""
    mine = f"-{pid}-"
    containers = client.containers.list(all=True, ignore_removed=True)
    found = [container.name for container in containers if mine in container.name]
    found += [network.name for network in client.networks.list() if mine in network.name]
    return found + [volume.name for volume in client.volumes.list() if mine in volume.name]


def wait_until(holds: Callable[[], bool], within_s: float) -> bool:
    deadline_s = time.monotonic() + within_s
    while not holds():
        if time.monotonic() > deadline_s:
            return False
        time.sleep(0.2)
    return True


@pytest.fixture
def running(docker_client: Any, tmp_path: Path) -> Any:
    """A run on containers that is under way."""
    output = (tmp_path / "output").open("wb")
    command = [sys.executable, "-m", "harness", "run", "--engine", "compose", "auth_503_150s"]
    process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
    started = wait_until(
        lambda: (
            process.poll() is not None
            or sum("gateway" in name for name in things_of(docker_client, process.pid)) > 0
        ),
        STARTS_WITHIN_S,
    )
    try:
        assert started, (tmp_path / "output").read_text()
        assert process.poll() is None, (tmp_path / "output").read_text()
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        output.close()


@pytest.mark.compose
@pytest.mark.timeout(600)
@pytest.mark.xdist_group("engines")
def test_a_terminated_run_takes_its_containers_along(running: Any, docker_client: Any) -> None:
    running.send_signal(signal.SIGTERM)

    assert running.wait(ENDS_WITHIN_S) == 143
    assert things_of(docker_client, running.pid) == []


@pytest.mark.compose
@pytest.mark.timeout(600)
@pytest.mark.xdist_group("engines")
def test_a_killed_run_is_cleared_away_without_being_asked(running: Any, docker_client: Any) -> None:
    running.kill()
    running.wait()

    assert wait_until(lambda: not things_of(docker_client, running.pid), ENDS_WITHIN_S)


def ended_pid() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_a_project_of_a_living_process_is_no_orphan() -> None:
    assert not is_orphan(f"{project_prefix()}1")


def test_a_project_of_a_dead_process_is_an_orphan() -> None:
    assert is_orphan(f"{project_prefix(ended_pid())}1")


def test_a_process_that_has_the_id_again_is_another_process() -> None:
    prefix = project_prefix()
    host_and_pid, _, _ = prefix.rstrip("-").rpartition("-")

    assert is_orphan(f"{host_and_pid}-1-1")


def test_a_project_from_before_a_reboot_is_an_orphan_whatever_has_its_id_now() -> None:
    assert is_orphan(f"{project_prefix()}1".replace(f"-{boot()}-", "-abcdef-"))


def test_what_is_another_users_is_left_to_that_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    theirs = f"{project_prefix(ended_pid())}1"
    assert is_orphan(theirs)
    monkeypatch.undo()
    assert not is_orphan(theirs)


@pytest.mark.parametrize(
    "name", ["outage", "shop", "outage-ffffff-ffffff-1-1-1", "outage-ffffff-1-1-1", "outage-t1", ""]
)
def test_projects_that_are_not_ours_are_left_alone(name: str) -> None:
    assert not is_orphan(name)


@pytest.mark.compose
def test_the_next_start_removes_what_a_dead_run_left(docker_client: Any) -> None:
    project = f"{project_prefix(ended_pid())}7"
    other = f"shop{os.getpid()}"
    # By the plain API: any command that starts meanwhile may have removed it by the next line.
    api = docker_client.api
    for name in (project, other):
        api.create_network(f"{name}_default", labels={PROJECT: name})
        api.create_volume(f"{name}_data", labels={PROJECT: name})
    api.create_container("outage-stubs", labels={PROJECT: project}, name=f"{project}_a")
    try:
        remove_orphans(docker_client)

        left = docker_client.containers.list(all=True, filters={"label": f"{PROJECT}={project}"})
        assert left == []
        assert docker_client.networks.list(names=[f"{project}_default"]) == []
        assert len(docker_client.networks.list(names=[f"{other}_default"])) == 1
        assert f"{other}_data" in [volume.name for volume in docker_client.volumes.list()]
    finally:
        assert remove_project(docker_client, other)
