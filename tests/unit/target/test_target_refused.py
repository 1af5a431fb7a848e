"""A target that can't be started is tried no further, and said once."""

from __future__ import annotations

import asyncio
from typing import Any

from harness.errors import TargetError
from harness.history.events import Phase
from harness.machine.starts import Starts
from harness.runs.runner import play_all
from harness.scenario.loader import parse_scenario
from harness.target import Target
from harness.verdict import Verdict

TEXT = """\
title: search is fine
duration: 5s
traffic:
  search: {request: GET /search, rate: 1/s}
expect:
  - {traffic: search, status: 200}
"""
SCENARIOS = [parse_scenario(TEXT, f"s{number}.yaml") for number in range(12)]


class Engine:
    """Fails for want of a target as often as it is told, then plays nothing."""

    name = "fake"
    proxy = "none"

    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.tried = 0

    def unplayable(self, scenario: object) -> None:
        return None

    async def play(self, job: object, record: Any, report: object, started: Any) -> None:
        self.tried += 1
        fails = self.tried <= self.failures
        await asyncio.sleep(0.01)
        if fails:
            raise TargetError("target 'x' could not be started", "no port for me")
        await started()
        record(Phase(at_s=0.0, by="engine", phase="play"))


class Watcher:
    def __init__(self) -> None:
        self.told: list[str] = []

    def progress(self, scenario: object, progress: object) -> None:
        pass

    def done(self, played: Any) -> None:
        self.told.append(played.scenario.name)


def run(failures: int) -> tuple[Engine, Watcher, Starts, list[Any]]:
    engine, watcher, starts = Engine(failures), Watcher(), Starts()
    target = Target(name="x", url="http://127.0.0.1:1").model_copy(update={"url": None})
    played = asyncio.run(
        play_all(
            SCENARIOS,
            engine=engine,  # type: ignore[arg-type]
            target=target,
            watcher=watcher,
            starts=starts,
        )
    )
    return engine, watcher, starts, played


def test_a_target_that_can_never_be_started_is_tried_no_further() -> None:
    engine, watcher, starts, played = run(failures=99)
    assert engine.tried <= 4
    assert starts.hopeless
    assert watcher.told == []
    assert starts.refused is not None
    assert starts.refused.output == "no port for me"
    for each in played:
        (finding,) = each.judgement.findings
        assert finding.verdict is Verdict.INCONCLUSIVE
        assert "could not be started" in finding.observed


def test_one_that_comes_up_elsewhere_is_that_scenarios_trouble_alone() -> None:
    engine, watcher, starts, played = run(failures=2)
    assert engine.tried == len(SCENARIOS)
    assert not starts.hopeless
    assert sorted(watcher.told) == sorted(scenario.name for scenario in SCENARIOS)
    refused = [p for p in played if "could not be started" in p.judgement.findings[0].observed]
    assert len(refused) == 2
