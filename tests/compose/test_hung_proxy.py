"""A Toxiproxy container that hangs is restarted: no fault outlives its end (design decision 8)."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import Any

import pytest

from harness.engines.base import Progress
from harness.engines.compose.engine import ComposeEngine
from harness.engines.compose.leftovers import PROJECT, project_prefix
from harness.history.events import Lifted
from harness.runs.runner import Played, play_all
from harness.scenario.loader import parse_scenario
from harness.scenario.model import Scenario
from harness.target.loading import load_target
from harness.verdict import Verdict

SCENARIO = """
title: The proxy server hangs while auth is silent
duration: 24s
traffic:
  check: {request: GET /v1/api/auth/check, as: ada, rate: 1/s}
faults:
  - {upstream: auth, fault: blackhole, from: 1s, to: 3s}
expect:
  - {during: 20s..24s, traffic: check, status: 200}
"""


class StopsIt:
    """Stops the project's Toxiproxy as soon as the fault is in force."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._stopped = False

    def progress(self, scenario: Scenario, progress: Progress) -> None:
        if self._stopped or progress.at_s is None or progress.at_s < 1.5:
            return
        self._stopped = True
        containers = self._client.containers.list(filters={"label": PROJECT})
        (pid,) = [
            container.attrs["State"]["Pid"]
            for container in containers
            if container.labels[PROJECT].startswith(project_prefix())
            and container.labels["com.docker.compose.service"] == "toxiproxy"
        ]
        os.kill(pid, signal.SIGSTOP)

    def done(self, played: Played) -> None:
        pass


@pytest.mark.compose
@pytest.mark.timeout(300)
@pytest.mark.xdist_group("engines")
@pytest.mark.skipif(os.geteuid() != 0, reason="stopping a container's process takes root")
def test_a_toxiproxy_container_that_hangs_is_restarted(docker_client: Any) -> None:
    async def play() -> list[Played]:
        engine = ComposeEngine()
        try:
            return await play_all(
                [parse_scenario(SCENARIO, "hung_proxy.yaml")],
                engine=engine,
                target=load_target("reference"),
                watcher=StopsIt(docker_client),
            )
        finally:
            await engine.close()

    (played,) = asyncio.run(play())

    (lifted,) = [event for event in played.events if isinstance(event, Lifted)]
    told = [str(finding) for finding in played.judgement.findings]
    assert "restarted" in (lifted.escalated or ""), told
    (normal,) = [f for f in played.judgement.findings if "during" in f.name or "20s" in f.name]
    assert normal.verdict is Verdict.PASSED, told
    assert played.judgement.verdict is Verdict.INCONCLUSIVE, "a late lift proves nothing"
