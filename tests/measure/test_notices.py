"""What an engine tells of an experiment reaches whoever measures: no play is repeated silently."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from harness.engines.base import Gate, Job, Progress, Record, Report
from harness.errors import WorldError
from harness.measure.lab import Lab
from harness.scenario.loader import parse_scenario
from harness.target.loading import load_target

SCENARIO = """
title: an experiment
duration: 5s
traffic: {chat: {request: POST /v1/api/chat, as: ada, rate: 1/s}}
expect: [{never: {status: 5xx}}]
"""


class LosesAWorker:
    """As the cluster's engine tells of a play that begins again, and then of its loss."""

    name = "sim"
    proxy = "simulated"

    def unplayable(self, scenario: Any) -> str | None:
        return None

    async def play(self, job: Job, record: Record, report: Report, started: Gate) -> None:
        report(Progress(doing="on tcp://one"))
        report(Progress(doing="on tcp://two", notice="it is played again: tcp://one was lost"))
        raise WorldError("the cluster did not finish it")

    async def close(self) -> None:
        pass


def test_an_experiment_that_is_played_again_is_said() -> None:
    told: list[str] = []
    lab = Lab(load_target("reference"), LosesAWorker(), told.append)
    with pytest.raises(WorldError):
        asyncio.run(lab.history(parse_scenario(SCENARIO, "experiment.yaml")))
    assert told == ["it is played again: tcp://one was lost"]
