"""The simulation and the real clock agree: same verdicts, breakers at the same instants.

Plays real time. By default the outages of up to half a minute and T1; with OUTAGE_PARITY=all, as in
CI, every bundled one (three and a half minutes, side by side).
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from harness.bundled import bundled_scenarios
from harness.scenario.loader import load_scenario

pytestmark = [pytest.mark.real_time, pytest.mark.timeout(420)]

EVERYTHING = os.environ.get("OUTAGE_PARITY") == "all"
LONGEST_S = 16.0
NAMES = [
    path.stem
    for path in bundled_scenarios()
    if EVERYTHING or path.stem == "auth_blackhole_50s" or load_scenario(path).duration <= LONGEST_S
]
Results = dict[str, dict[str, Any]]


def play(engine: str, folder: Path) -> Results:
    command = [sys.executable, "-m", "harness", "run", *NAMES, "--engine", engine]
    done = subprocess.run(
        [*command, "--proxy", "embedded", "--report", str(folder)],
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert (folder / "results.json").exists(), done.stdout + done.stderr
    print(done.stdout)
    results = json.loads((folder / "results.json").read_text())
    return {each["name"]: each for each in results["scenarios"]}


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return play("local", tmp_path_factory.mktemp("local"))


@pytest.fixture(scope="module")
def sim(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return play("sim", tmp_path_factory.mktemp("sim"))


# One group: the two runs are made once, on one worker.
@pytest.mark.xdist_group("parity")
@pytest.mark.parametrize("name", NAMES)
def test_both_engines_agree(name: str, local: Results, sim: Results) -> None:
    real, simulated = local[name], sim[name]
    if simulated["verdict"] == "out_of_scope" or real["verdict"] == "out_of_scope":
        pytest.skip("one of the engines can't show this scenario, and says so")

    def verdicts(result: dict[str, Any]) -> dict[str, str]:
        return {each["name"]: each["verdict"] for each in result["expectations"]}

    assert verdicts(real) == verdicts(simulated), json.dumps(real["expectations"], indent=1)
    for upstream, changes in simulated["breakers"].items():
        found = real["breakers"].get(upstream, [])
        assert [c["state"] for c in found] == [c["state"] for c in changes], (found, changes)
        for one, other in zip(found, changes, strict=True):
            # Where events of two calls meet at one instant either order is right: a second apart.
            allowed_s = one["error_s"] + other["error_s"] + 1.1
            assert abs(one["at_s"] - other["at_s"]) <= allowed_s, (found, changes)
