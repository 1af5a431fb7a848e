"""A gateway whose breakers open by a share of failures: sound it passes, defective it fails."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from harness.engines.base import Job
from harness.engines.sim.engine import SimEngine
from harness.explore.confirming import sound_twin
from harness.explore.openings import openings
from harness.explore.player import Player
from harness.history.view import History
from harness.judge import judge
from harness.machine import belongings
from harness.scenario.loader import load_scenario
from harness.target import Target
from harness.target.loading import load_target
from harness.timeline import compile_timeline
from harness.verdict import Verdict

HERE = Path(__file__).parent
DEFECTS = {
    "waits long": "a probe has been due",
    "waits short": "has been open since",
    "share of 90%": "50% failures of the last 10s",
    "share of 20%": "its breaker is closed",
    "from 2 on": "its breaker is closed",
    "from 12 on": "50% failures of the last 10s",
    "never forgets": "50% failures of the last 10s",
    "forgets after 1s": "50% failures of the last 10s",
    "everybody tries": "was still in flight",
    "closes anyhow": "although its breaker's probe failed",
    "never opens": "50% failures of the last 10s",
    "never asks again": "has been open since",
}


def target(defect: str) -> Target:
    loaded = load_target(str(HERE / "target.yaml"))
    assert loaded.start is not None
    start = loaded.start.model_copy(update={"env": {"DEFECT": defect}})
    return loaded.model_copy(update={"start": start})


def kept(engine: SimEngine, defect: str) -> tuple[Verdict, str]:
    own = target(defect)
    scenario = load_scenario(HERE / "auth_by_halves.yaml", target=own)
    with belongings.folder() as folder:
        timeline = compile_timeline(scenario)
        job = Job(scenario=scenario, timeline=timeline, target=own, folder=folder)
        history = History(engine.play_now(job))
    judgement = judge(scenario, history)
    keeps = next(f for f in judgement.all_findings if f.name.endswith("keeps its contract"))
    return keeps.verdict if defect else judgement.verdict, keeps.observed


def test_a_sound_one_passes(simulation: SimEngine) -> None:
    assert kept(simulation, "")[0] is Verdict.PASSED


@pytest.mark.parametrize("defect", DEFECTS)
def test_a_defective_one_fails_for_what_is_wrong_with_it(
    simulation: SimEngine, defect: str
) -> None:
    verdict, observed = kept(simulation, defect)
    assert verdict is Verdict.FAILED
    assert DEFECTS[defect] in observed


AT_THE_BORDER = (
    "more than half",
    "from 5 on",
    "from 7 on",
    "by results, not seconds",
    "hears of failures only",
    "keeps its window",
)
"""What only outages show that are made for it."""
EXPLORED = (
    (*DEFECTS, *AT_THE_BORDER)
    if os.environ.get("OUTAGE_CATALOGUE") == "all"
    else ("never forgets", "everybody tries", *AT_THE_BORDER)
)
"""Found by what exploration begins with; the others where all of them are asked for."""


@pytest.mark.parametrize("defect", ["", *EXPLORED])
def test_exploration_finds_it_and_accuses_no_sound_one(defect: str, simulation: SimEngine) -> None:
    own = target(defect)
    with Player(own, simulation) as player:
        broken = (
            promise.name
            for outage in openings(player.surface, ["auth"])
            for promise in player.try_out(outage).broken
        )
        assert (next(broken, None) is not None) is bool(defect)


def test_exploration_has_no_twin_of_it_to_accuse() -> None:
    assert sound_twin(target("")) is None
