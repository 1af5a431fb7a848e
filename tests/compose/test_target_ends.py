"""A gateway whose container ends: never started, or in mid-outage, is said as for a process."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from harness.engines.base import Progress
from harness.engines.compose.command import OVERRIDE
from harness.engines.compose.engine import ComposeEngine
from harness.engines.compose.leftovers import PROJECT, project_prefix
from harness.machine.starts import Starts
from harness.runs.runner import Played, play_all
from harness.scenario.loader import parse_scenario
from harness.scenario.model import Scenario
from harness.target.loading import load_target
from harness.verdict import Verdict

pytestmark = [
    pytest.mark.crowding,
    pytest.mark.compose,
    pytest.mark.timeout(300),
    pytest.mark.xdist_group("engines"),
]

SCENARIO = """
title: The gateway ends while auth answers 503
duration: 6s
traffic:
  check: {request: GET /v1/api/auth/check, as: ada, rate: 2/s}
faults:
  - {upstream: auth, fault: status, status: 503, from: 1s, to: 3s}
"""


class Ends:
    """Has the project's gateway end by a signal as soon as the fault is in force."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._ended = False

    def progress(self, scenario: Scenario, progress: Progress) -> None:
        if self._ended or progress.at_s is None or progress.at_s < 1.5:
            return
        self._ended = True
        containers = self._client.containers.list(filters={"label": PROJECT})
        (pid,) = [
            container.attrs["State"]["Pid"]
            for container in containers
            if container.labels[PROJECT].startswith(project_prefix())
            and container.labels["com.docker.compose.service"] == "gateway"
        ]
        while children := Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            pid = int(children[0])  # init, the keeper, the gateway
        os.kill(pid, signal.SIGSEGV)

    def done(self, played: Played) -> None:
        pass


def played(watcher: Any, starts: Starts) -> Played:
    async def run() -> list[Played]:
        engine = ComposeEngine()
        try:
            scenario = parse_scenario(SCENARIO, "ends.yaml")
            target = load_target("reference")
            return await play_all(
                [scenario], engine=engine, target=target, watcher=watcher, starts=starts
            )
        finally:
            await engine.close()

    (only,) = asyncio.run(run())
    return only


@pytest.mark.skipif(os.geteuid() != 0, reason="ending a container's process takes root")
def test_a_gateway_that_ends_in_mid_outage_is_failed_with_its_last_words(
    docker_client: Any,
) -> None:
    judgement = played(Ends(docker_client), Starts()).judgement
    assert judgement.verdict is Verdict.FAILED
    (stays,) = (each for each in judgement.promises if each.name == "the target stays up")
    assert stays.observed.endswith("with SIGSEGV")
    assert "its last words: [" in stays.evidence


def test_a_gateway_that_cannot_be_started_ends_the_run_with_its_own_output(
    docker_client: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    override = tmp_path / "override.yml"
    override.write_text("services: {gateway: {command: [no_such_module]}}\n")
    monkeypatch.setenv(OVERRIDE, str(override))
    starts = Starts()
    played(Ends(docker_client), starts)
    assert starts.hopeless
    assert starts.refused is not None
    assert starts.refused.why.endswith("ended with exit status 1 before it was ready")
    assert "No module named no_such_module" in starts.refused.output
