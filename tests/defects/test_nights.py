"""Two nights of a gateway in which one defect was mended and another planted between them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

from harness.compare.changes import compare
from harness.compare.difference import Sort
from harness.compare.matrix import Trend, load_nights, matrix
from harness.engines.sim.engine import SimEngine
from harness.report.write import write_reports
from harness.runs.runner import Played, play_all
from tests.defects.gateways import DEFECTS
from tests.defects.playing import defective, scenario_named

SCENARIOS = ("auth_503_50s", "charge_reply_lost", "clock_steps_back")


@dataclass
class Silent:
    def progress(self, *_: object) -> None: ...

    def done(self, _played: Played) -> None: ...


def play(engine: SimEngine, defect: str, folder: Path) -> None:
    folder.mkdir()
    scenarios = [scenario_named(name) for name in SCENARIOS]
    target = defective(DEFECTS[defect])
    played = asyncio.run(play_all(scenarios, engine=engine, target=target, watcher=Silent()))
    write_reports(folder, played)


def test_what_was_planted_is_worse_and_what_was_mended_is_better(
    simulation: SimEngine, tmp_path: Path
) -> None:
    play(simulation, "no-idempotency-key", tmp_path / "1-mon")
    play(simulation, "half-the-wait", tmp_path / "2-tue")
    nights = load_nights(tmp_path, 14)
    found = compare(nights[0][1], nights[1][1])
    failed = {d.scenario for d in found.of(Sort.WORSE) if d.after == "failed"}
    assert failed == {"auth_503_50s", "clock_steps_back"}
    assert {d.scenario for d in found.of(Sort.BETTER)} == {"charge_reply_lost"}
    trends = {row.name: row.trend for row in matrix(nights).rows}
    assert trends["auth_503_50s"] is Trend.NEW
    assert trends["charge_reply_lost"] is Trend.FIXED
    # A gateway beside itself.
    assert compare(nights[1][1], nights[1][1]).differences == ()
