"""How many worlds fit into the open files that a system grants."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from harness.engines.room import files_of, worlds_that_fit
from harness.scenario.loader import load_scenario
from harness.scenario.model import Scenario
from harness.target_file import load_target
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
