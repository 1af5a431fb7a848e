"""An exploration in real time is over when its time is, whatever the machine makes of its plays."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from harness.cli.entry import call
from harness.engines.base import Gate, Job, Record, Report
from harness.explore.side_by_side import START_S
from harness.explore.timed import play_until, side_by_side
from harness.history.events import Phase
from harness.scenario.loader import parse_scenario
from harness.scenario.model import Scenario
from harness.target.loading import bundled

SCENARIO = """
title: {name}
duration: 2s
traffic: {{chat: {{request: GET /health, rate: 1/s}}}}
faults: [{{upstream: auth, fault: refused, to: 1s}}]
"""
_TIME_S = 2.0


class Stuck:
    """An engine that never gets to the end of the scenario `stuck`."""

    name = "fake"
    proxy = "none"

    def __init__(self) -> None:
        self.taken_down: list[str] = []

    def unplayable(self, scenario: Scenario) -> str | None:
        return None

    async def play(self, job: Job, record: Record, report: Report, started: Gate) -> None:
        record(Phase(at_s=0.0, by="engine", phase="play"))
        await started()
        try:
            if job.scenario.name == "stuck":
                await asyncio.sleep(3600)
        finally:
            self.taken_down.append(job.scenario.name)

    async def close(self) -> None:
        pass


def test_what_did_not_end_in_time_is_taken_down_and_left_out() -> None:
    async def played() -> tuple[set[str], list[str]]:
        engine, target = Stuck(), bundled("reference")
        assert target is not None
        scenarios = [
            parse_scenario(SCENARIO.format(name=name).encode(), f"{name}.yaml")
            for name in ("stuck", "short")
        ]
        until_s = asyncio.get_running_loop().time() + _TIME_S
        found = await play_until(until_s, scenarios, engine=engine, target=target, seed=0)
        return set(found), engine.taken_down

    ended, taken_down = asyncio.run(played())
    assert ended == {"short"}
    assert sorted(taken_down) == ["short", "stuck"]


@pytest.mark.parametrize(
    ("left_s", "room", "taken"),
    [
        (None, 9, [0, 1, 2, 3]),
        (60.0, 9, [0, 1, 2, 3]),  # all of it is used: nothing is kept back for a second play
        (46.5, 9, [0, 1, 2]),  # one more would have all of them start later
        (44.5, 9, [0, 2, 3]),  # many short ones before a long one
        (14.5, 9, [0]),
        (60.0, 2, [0, 1]),
        (5.0, 9, []),
    ],
)
def test_as_many_are_played_side_by_side_as_the_time_is_enough_for(
    left_s: float | None, room: int, taken: list[int]
) -> None:
    durations = [10.0, 40.0, 6.0, 20.0]
    found = side_by_side(durations, room=room, left_s=left_s, start_s=3.0, each_s=1.0)
    assert found == taken


TARGET = """
name: slow to come up
start: {command: [sleep, "60"]}
upstreams: {STOCK_URL: stock}
stubs: {stock: [{route: GET /stock, json: {left: 1}}]}
ready: GET /health
routes: {stock: {request: GET /stock}}
"""


@pytest.mark.real_time
def test_a_time_in_which_nothing_can_be_played_is_wrong_usage_not_nothing_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "target.yaml"
    file.write_text(TARGET)
    began_s = time.monotonic()
    given = ["explore", "--target", str(file), "--engine", "local", "--for", "2s"]
    status = call([*given, "--report", str(tmp_path / "found")])
    assert status == 2
    assert "--for" in capsys.readouterr().err
    assert time.monotonic() - began_s < START_S + 10
