"""Bundled scenarios in the simulation: the sound gateway passes, the naive one does not."""

from pathlib import Path

import pytest

from harness.bundled import bundled_scenarios
from harness.engines.base import Job
from harness.engines.sim.engine import SimEngine
from harness.judge import judge
from harness.target.loading import load_target
from harness.timeline import compile_timeline
from harness.verdict import Judgement, Verdict
from tests.bundled import scenario_in

FILES = bundled_scenarios()


def simulate(engine: SimEngine, path: Path, target_name: str, folder: Path) -> Judgement:
    scenario = scenario_in(path)
    reason = engine.unplayable(scenario)
    if reason is not None:
        pytest.skip(reason)
    job = Job(
        scenario=scenario,
        timeline=compile_timeline(scenario),
        target=load_target(target_name),
        folder=folder,
    )
    return judge(scenario, engine.play_now(job))


def wrong(judgement: Judgement) -> list[str]:
    return [str(finding) for finding in judgement.findings if finding.verdict != Verdict.PASSED]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_reference_gateway_keeps_its_contract(
    path: Path, simulation: SimEngine, tmp_path: Path
) -> None:
    judgement = simulate(simulation, path, "reference", tmp_path)

    assert wrong(judgement) == []
    assert judgement.verdict == Verdict.PASSED


@pytest.mark.parametrize(
    "name", ["auth_blackhole_50s", "auth_503_50s", "billing_refused_50s", "chroma_refused_50s"]
)
def test_the_naive_gateway_does_not(name: str, simulation: SimEngine, tmp_path: Path) -> None:
    (path,) = [path for path in FILES if path.stem == name]

    assert simulate(simulation, path, "naive", tmp_path).verdict == Verdict.FAILED
