"""Plays of the reference, sound or with a defect, in the simulation, and what failed in them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from harness.contracts.policies import Adjustment
from harness.engines.base import Job
from harness.engines.sim.engine import SimEngine
from harness.judge import judge
from harness.scenario.model import Scenario
from harness.target import Target
from harness.target.loading import bundled
from harness.timeline import compile_timeline
from harness.verdict import Finding, Judgement, Verdict
from tests.bundled import scenario_in
from tests.defects.gateways import Defect

REPOSITORY = Path(__file__).parents[2]


def scenario_named(name: str) -> Scenario:
    own = Path(__file__).parent / "scenarios" / f"{name}.yaml"
    return scenario_in(own if own.exists() else REPOSITORY / "scenarios" / f"{name}.yaml")


@cache
def sound() -> Target:
    target = bundled("reference")
    assert target is not None
    return target


def reference(environ: Mapping[str, str], breakers: Mapping[str, Mapping[str, Any]]) -> Target:
    """The reference gateway with other settings, and a target that says so."""
    target = sound()
    assert target.start is not None
    start = target.start.model_copy(update={"env": dict(environ)})
    own = {
        name: Adjustment.model_validate(
            {
                key: f"{value}s" if key in ("timeout", "wait") else value
                for key, value in settings.items()
            }
        )
        for name, settings in breakers.items()
    }
    return target.model_copy(update={"start": start, "breakers": own})


def defective(defect: Defect) -> Target:
    target = reference({"DEFECT": defect.id, **defect.environ}, defect.breakers)
    assert target.start is not None
    command = ("{python}", "-m", "tests.defects.gateways", defect.id)
    start = target.start.model_copy(
        update={
            "wsgi": "tests.defects.gateways.wsgi:app",
            "cwd": str(REPOSITORY),
            "command": command,
        }
    )
    return target.model_copy(update={"start": start, "name": defect.id})


def simulated(
    engine: SimEngine, scenario: Scenario, target: Target, folder: Path, seed: int = 0
) -> Judgement:
    timeline = compile_timeline(scenario)
    job = Job(scenario=scenario, timeline=timeline, target=target, seed=seed, folder=folder)
    return judge(scenario, engine.play_now(job))


def failures(judgement: Judgement) -> list[Finding]:
    return [each for each in judgement.all_findings if each.verdict is Verdict.FAILED]


def right(defect: Defect, judgement: Judgement) -> list[Finding]:
    """The failed expectations and promises that name a claim which the defect breaks."""
    return [each for each in failures(judgement) if set(each.claims) & set(defect.claims)]
