"""A Docker engine that dies in the middle of a run: said; what is left goes at the next start."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.compose.test_leftovers import ENDS_WITHIN_S, STARTS_WITHIN_S, things_of, wait_until

pytestmark = [
    pytest.mark.crowding,
    pytest.mark.compose,
    pytest.mark.timeout(600),
    pytest.mark.xdist_group("engines"),
]

ROOT = Path(__file__).resolve().parents[2]
SCENARIO = """
title: Docker's engine dies while this is played
duration: 6s
traffic:
  check: {request: GET /v1/api/auth/check, as: ada, rate: 2/s}
expect: [{never: {status: 5xx}}]
"""


@contextlib.contextmanager
def engine_at(path: Path) -> Iterator[subprocess.Popen[str]]:
    """Docker's engine at a socket of our own; killing the process is killing the engine."""
    kind, _, engine = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock").partition("://")
    assert kind == "unix", "this test stands before a Docker engine on this machine"
    path.unlink(missing_ok=True)
    command = [sys.executable, "-m", "tests.compose.forwarder", str(path), engine]
    forwarder = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert forwarder.stdout is not None
    try:
        assert forwarder.stdout.readline() == "ready\n"
        yield forwarder
    finally:
        forwarder.kill()
        forwarder.wait()
        forwarder.stdout.close()


@pytest.mark.parametrize("when", ["while containers start", "while it is played"])
def test_what_is_left_then_goes_at_the_next_start(
    when: str, docker_client: Any, tmp_path: Path
) -> None:
    (tmp_path / "lost.yaml").write_text(SCENARIO)
    (temporary := tmp_path / "temporary").mkdir()
    socket, report = tmp_path / "docker.sock", tmp_path / "report"
    env = os.environ | {"DOCKER_HOST": f"unix://{socket}", "TMPDIR": str(temporary)}
    outage = [sys.executable, "-m", "harness"]
    run = [*outage, "run", str(tmp_path / "lost.yaml"), "--engine", "compose"]
    with engine_at(socket) as engine:
        harness = subprocess.Popen(
            [*run, "--report", str(report)],
            cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        reached: dict[str, Callable[[], object]] = {
            "while containers start": lambda: things_of(docker_client, harness.pid),
            "while it is played": lambda: '"phase":"play"' in history(report),
        }
        ready = reached[when]
        assert wait_until(lambda: bool(ready() or harness.poll()), STARTS_WITHIN_S)
        engine.kill()
    said, _ = harness.communicate(timeout=ENDS_WITHIN_S)
    assert harness.returncode == 3, said
    assert "✗" not in said
    why = "could not be started" if when == "while containers start" else "Docker does not show"
    assert why in said
    assert "the next outage command does" in said
    with engine_at(socket):
        subprocess.run([*outage, "list"], cwd=ROOT, env=env, check=True, capture_output=True)
        assert wait_until(lambda: not things_of(docker_client, harness.pid), ENDS_WITHIN_S)
        assert wait_until(lambda: not list(temporary.iterdir()), ENDS_WITHIN_S)


def history(report: Path) -> str:
    """What has been recorded by now."""
    with contextlib.suppress(OSError):
        return (report / "lost.history.jsonl").read_text(encoding="utf-8")
    return ""
