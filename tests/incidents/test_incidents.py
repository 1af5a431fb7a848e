"""What incidents are made of, simulated: the reference passes, a defective gateway fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.engines.sim.engine import SimEngine
from harness.machine import belongings
from harness.verdict import Judgement, Verdict
from tests.bundled import scenario_in
from tests.defects.gateways import DEFECTS
from tests.defects.playing import defective, failures, reference, simulated

SCENARIOS = Path(__file__).parent / "scenarios"
FAILS = {
    ("crowd_at_a_blackhole", "no-deadline"): (
        "auth has at most 24 calls in flight",
        "auth has <= 24 connections open",
        "p99 of chat's answers",
        "chat is answered after 1s or more at most 28 times",
    ),
    ("crowd_at_503", "client-per-request"): (
        "auth gets at most 1 attempts for each request",
        "auth gets at most 8 calls in any 1s",
    ),
    ("auth_flaps", "success-resets-nothing"): ("auth breaker: opens",),
    ("auth_gets_slow", "no-deadline"): ("auth breaker: opens", "auth breaker: keeps"),
    ("auth_jitters", "deadline-halved"): ("auth gets at most 1 attempts for each request",),
    ("everything_down", "client-per-request"): ("auth gets at most 1 attempts for each request",),
    ("clients_try_again", "trips-early"): ("login is answered 200",),
    ("clients_hang_up", "no-deadline"): ("auth breaker: keeps", "auth has at most 18 calls"),
    ("crowd_grows", "lock-across-call"): ("p99 of chat's answers",),
    ("crowd_breaks_auth", "client-per-request"): ("auth breaker: opens",),
    ("few_at_once", "client-per-request"): ("auth breaker: opens",),
    ("auth_fails_again", "trips-once"): ("auth breaker: opens",),
}
"""By scenario and defect: how the names of what has to fail begin."""


def played(simulation: SimEngine, name: str, defect: str | None) -> Judgement:
    target = reference({}, {}) if defect is None else defective(DEFECTS[defect])
    scenario = scenario_in(SCENARIOS / f"{name}.yaml")
    with belongings.folder() as folder:
        return simulated(simulation, scenario, target, folder)


@pytest.mark.parametrize("name", sorted(path.stem for path in SCENARIOS.glob("*.yaml")))
def test_the_reference_passes(simulation: SimEngine, name: str) -> None:
    judgement = played(simulation, name, None)
    bad = [f for f in judgement.all_findings if f.verdict is not Verdict.PASSED]
    assert judgement.verdict is Verdict.PASSED, [str(each) for each in bad]


@pytest.mark.parametrize(("name", "defect"), FAILS)
def test_a_defective_gateway_fails(simulation: SimEngine, name: str, defect: str) -> None:
    judgement = played(simulation, name, defect)
    failed = [finding.name for finding in failures(judgement)]
    for begins in FAILS[name, defect]:
        assert any(each.startswith(begins) for each in failed), (begins, failed)
