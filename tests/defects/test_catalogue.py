"""Bundled scenarios fail each defective gateway for the right reason, and the sound one never.

Played in the simulation (in real time: `test_in_real_time.py`). A failure names the defect: replay
it with `python -m tests.defects.gateways ID` behind `outage up`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.contracts import document
from harness.engines.base import Job
from harness.engines.sim.determinism import check_determinism
from harness.engines.sim.engine import SimEngine
from harness.history.events import Logged
from harness.timeline import compile_timeline
from harness.verdict import Judgement, Verdict
from tests.bundled import scenario_in
from tests.defects.behaviour import BEHAVES
from tests.defects.gateways import DEFECTS, SOUND, Defect
from tests.defects.playing import (
    REPOSITORY,
    defective,
    failures,
    reference,
    right,
    scenario_named,
    simulated,
)

BUNDLED = {
    path: scenario
    for path in sorted((REPOSITORY / "scenarios").glob("*.yaml"))
    if "sim" in ((scenario := scenario_in(path)).engines or ("sim",))
}
"""All that the simulation can play, by file; some are for containers only."""

SEEDS = range(1, 17)
SWITCHING = 0.3
"""For defects that take switch points to be met: tried seeds, and how often threads switch."""


@pytest.fixture(scope="module")
def switching() -> Iterator[SimEngine]:
    engine = SimEngine(points=SWITCHING)
    yield engine
    engine.close_now()


@pytest.fixture(scope="module")
def tracing() -> Iterator[SimEngine]:
    engine = SimEngine(lines=True)
    yield engine
    engine.close_now()


def rightly_explained(defect: Defect, judgement: Judgement) -> bool:
    """Whether its failures say what it is, if they say anything (`behaviour.py`)."""
    evidence = [each.evidence for each in failures(judgement)]
    wanted = BEHAVES.get(defect.id)
    told = any("it behaves as one that" in words or "serialised?" in words for words in evidence)
    return any(wanted in words for words in evidence) if wanted else not told


ALL = os.environ.get("OUTAGE_CATALOGUE") == "all"
PAIRS = [
    pytest.param(defect, name, id=f"{defect.id}-{name}")
    for defect in DEFECTS.values()
    if not defect.real_only
    for name in (defect.scenarios if ALL else defect.scenarios[:1])
]
"""Each defect with a scenario that the catalogue says fails it; OUTAGE_CATALOGUE=all: with each."""


@pytest.mark.parametrize(("defect", "name"), PAIRS)
def test_a_defect_is_failed_for_the_right_reason(
    defect: Defect,
    name: str,
    simulation: SimEngine,
    switching: SimEngine,
    tracing: SimEngine,
    tmp_path: Path,
) -> None:
    engine = tracing if defect.lines_only else switching if defect.sim_only else simulation
    races = defect.lines_only or defect.sim_only
    others: list[str] = []
    for seed in SEEDS if races else (0,):
        judgement = simulated(engine, scenario_named(name), defective(defect), tmp_path, seed)
        if right(defect, judgement):
            if name == defect.scenarios[0] and not races:
                told = [each.evidence for each in failures(judgement)]
                assert rightly_explained(defect, judgement), told
            return
        others += [str(finding) for finding in failures(judgement)]
    pytest.fail(f"{defect.summary}: {name} did not notice, but {others or 'nothing failed at all'}")


def _variants() -> Iterator[object]:
    for each in SOUND.values():
        for name in each.scenarios:
            yield pytest.param(each, name, id=f"{each.id}-{name}")


@pytest.mark.parametrize(("variant", "name"), list(_variants()))
def test_a_gateway_that_differs_and_is_sound_passes(
    variant: Defect, name: str, simulation: SimEngine, tmp_path: Path
) -> None:
    judgement = simulated(simulation, scenario_named(name), defective(variant), tmp_path)
    wrong = [str(each) for each in judgement.all_findings if each.verdict is not Verdict.PASSED]
    assert judgement.verdict is Verdict.PASSED, wrong


CROWDED = (
    "auth_blackhole_50s",
    "auth_blackhole_burst",
    "auth_cut_heads",
    "billing_blackhole_50s",
    "burst_at_the_probe",
    "late_success",
    "nobody_gets_in",
    "two_users_at_once",
)
"""Those in which requests meet at one breaker: elsewhere lines have but one order."""


@pytest.mark.parametrize(
    "path",
    [path for path in BUNDLED if ALL or path.stem in CROWDED],
    ids=lambda path: path.stem,
)
def test_the_sound_gateway_passes_whatever_the_order_of_its_lines(
    path: Path, tracing: SimEngine, tmp_path: Path
) -> None:
    # In the order of seed 0, without switching at lines, tests/scenarios plays them.
    judgement = simulated(tracing, BUNDLED[path], reference({}, {}), tmp_path, seed=1)
    wrong = [str(each) for each in judgement.findings if each.verdict is not Verdict.PASSED]
    assert judgement.verdict is Verdict.PASSED, wrong


def test_its_lines_come_in_the_same_order_again_from_whatever_folder(
    tmp_path: Path, tracing: SimEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    scenario = scenario_named("auth_blackhole_burst")
    job = Job(
        scenario=scenario,
        timeline=compile_timeline(scenario),
        target=reference({}, {}),
        seed=1,
        folder=tmp_path,
    )
    found = check_determinism(job, lines=True)
    assert found.trustworthy, found.lines()
    monkeypatch.chdir(tmp_path)
    last = tracing.play_now(job)[-1]
    assert isinstance(last, Logged)
    assert last.line == found.summary


def everywhere(**changed: float) -> dict[str, dict[str, float]]:
    """All six services with some settings changed."""
    return {
        name: {
            "attempts": own.attempts,
            "timeout": own.timeout_s,
            "threshold": own.failures,
            "wait": own.wait_s,
        }
        | changed
        for name, own in document().settings.items()
    }


SETTINGS = {
    "N 3, W 15 s": (everywhere(threshold=3, wait=15), frozenset(document().upstreams)),
    "as coded, auth patient": (
        everywhere(threshold=5, wait=60) | {"auth": {"attempts": 4}},
        frozenset({"billing", "git", "auth"}),
    ),
}
"""Other settings, and the upstreams for which they differ from the documented ones."""
NAMED_INSTANTS = {
    ("N 3, W 15 s", "failure_after_recovery"),
    ("N 3, W 15 s", "status_page"),
}
"""Scenarios that say when something is to be seen, as the documented settings have it."""


def _elsewhere() -> Iterator[object]:
    """Each scenario with one of these settings, in turn; OUTAGE_CATALOGUE=all: with each."""
    for index, (path, scenario) in enumerate(BUNDLED.items()):
        hit = scenario.faulted_upstreams
        fitting = [name for name, (_, differ) in SETTINGS.items() if differ.intersection(hit)]
        fitting = [name for name in fitting if (name, path.stem) not in NAMED_INSTANTS]
        for name in fitting if ALL else fitting[index % 2 :][:1] or fitting:
            yield pytest.param(SETTINGS[name][0], path, id=f"{name}-{path.stem}")


@pytest.mark.parametrize(("breakers", "path"), list(_elsewhere()))
def test_a_sound_gateway_with_other_settings_is_failed_by_nothing(
    breakers: dict[str, dict[str, float]], path: Path, simulation: SimEngine, tmp_path: Path
) -> None:
    variables = {"attempts": "ATTEMPTS", "timeout": "TIMEOUT_S", "threshold": "THRESHOLD"}
    variables["wait"] = "WAIT_S"
    environ = {
        f"{name.upper()}_{variables[key]}": f"{value:g}"
        for name, own in breakers.items()
        for key, value in own.items()
    }
    target = reference(environ, breakers)
    wrong = failures(simulated(simulation, BUNDLED[path], target, tmp_path))
    assert [str(each) for each in wrong] == []
