"""How many worlds fit into the open files that a system grants."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from harness.engines import room
from harness.engines.room import files_of, worlds_that_fit
from harness.scenario.loader import load_scenario
from harness.scenario.model import Scenario
from harness.target.loading import load_target
from harness.toxiproxy import server

TEXT = """
title: a burst
duration: 8s
traffic:
  chat: {request: GET /health, TRAFFIC}
expect:
  - never: {status: 5xx}
"""


def scenario(folder: Path, traffic: str) -> Scenario:
    file = folder / "burst.yaml"
    file.write_text(TEXT.replace("TRAFFIC", traffic))
    return load_scenario(file, target=load_target("reference"))


def test_a_burst_needs_a_file_for_each_of_its_requests(tmp_path: Path) -> None:
    quiet = files_of(scenario(tmp_path, "rate: 1/s"))
    assert files_of(scenario(tmp_path, "count: 300 at 1s")) - 300 == quiet - 8


def test_fewer_files_mean_fewer_worlds_but_never_none(tmp_path: Path) -> None:
    quiet = [scenario(tmp_path, "rate: 1/s")] * 6
    burst = scenario(tmp_path, "count: 300 at 1s")
    fit = [worlds_that_fit(quiet, files) for files in (64, 128, 256, 1024)]
    assert fit == sorted(fit)
    assert fit[0] == 1
    assert fit[-1] == 6
    assert worlds_that_fit([*quiet, burst], 256) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="has no such limit")
def test_the_soft_limit_is_raised_as_far_as_the_system_lets_us() -> None:
    code = (
        "import resource; from harness.engines.room import granted_files;"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (64, 200)); print(granted_files())"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert found.stdout.strip() == b"200"


def test_looking_for_a_free_port_ends_when_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def taken(*_: object) -> None:
        raise OSError(server.errno.EADDRINUSE, "taken")

    monkeypatch.setattr(server.socket, "create_server", taken)
    with pytest.raises(server.WorldError, match="no port"):
        server.free_port()


def test_little_memory_means_fewer_worlds_and_a_line_that_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    quiet = [scenario(tmp_path, "rate: 1/s")] * 6
    monkeypatch.setattr(room, "granted_files", lambda: 16_384)
    for free, worlds in ((400 << 20, 4), (1 << 20, 1), (8 << 30, None), (None, None)):
        monkeypatch.setattr(room, "free_memory", lambda free=free: free)
        found = room.room_for(quiet)
        assert (None if found is None else found.worlds) == worlds
        assert found is None or "of memory left" in found.why


def test_a_hundred_worlds_are_too_many_for_two_processors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    quiet = [scenario(tmp_path, "rate: 1/s")] * 100
    monkeypatch.setattr(room, "granted_files", lambda: 16_384)
    monkeypatch.setattr(room, "free_memory", lambda: 8 << 30)
    monkeypatch.setattr(room, "processors", lambda: 2.0)
    found = room.room_for(quiet)
    assert found is not None
    assert found.worlds == 32
    assert found.why == "this machine has 2 processors, and one carries some 16 worlds"


def test_a_full_disk_is_said_before_anything_is_played(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert room.shortage_of_disk(None, tmp_path / "not there yet") is None
    usage = room.shutil.disk_usage(tmp_path)._replace(free=3 << 20)
    monkeypatch.setattr(room.shutil, "disk_usage", lambda folder: usage)
    assert room.shortage_of_disk(None, tmp_path) == (
        f"only 3 MB are free in {tmp_path}: what is written may be cut off"
    )
