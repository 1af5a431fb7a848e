"""The gallery: each example does what docs/gallery.md says of it."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from pathlib import Path

import pytest

from harness.cli.entry import call
from harness.engines.sim.engine import SimEngine
from harness.measure.measuring import measure, streams_of
from harness.target.loading import load_target

EXAMPLES = Path(__file__).parents[2] / "examples"
NAMES = sorted(file.parent.name for file in EXAMPLES.glob("*/target.yaml"))
REAL = {
    "cockatiel": "node_modules",
    "envoy": "",
    "gobreaker": "gateway",
    "gobreaker_share": "gateway",
    "haproxy": "",
    "nginx": "",
    "opossum": "node_modules",
    "resilience4j": "target/lib",
}
"""Those that play in real time only: what building one leaves in its folder; else its program."""
SIMULATED = [name for name in NAMES if name not in REAL]
_TIMES = 3


def test_all_of_them_are_on_the_page() -> None:
    page = (EXAMPLES.parent / "docs" / "gallery.md").read_text()
    assert len(NAMES) >= 4
    assert [name for name in NAMES if f"examples/{name}" not in page] == []


@pytest.mark.parametrize("name", SIMULATED)
def test_its_scenario_passes(name: str, tmp_path: Path) -> None:
    folder = EXAMPLES / name
    (scenario,) = (file for file in folder.glob("*.yaml") if file.name != "target.yaml")
    given = ["run", str(scenario), "--target", str(folder / "target.yaml"), "--engine", "sim"]
    assert call([*given, "--report", str(tmp_path), "--quiet"]) == 0
    results = json.loads((tmp_path / "results.json").read_text())
    assert results["verdict"] == "passed"


@pytest.mark.real_time
@pytest.mark.parametrize("name", REAL)
def test_its_scenario_passes_in_real_time(name: str, tmp_path: Path) -> None:
    folder = EXAMPLES / name
    if not ((folder / REAL[name]).exists() if REAL[name] else shutil.which(name)):
        if name in os.environ.get("OUTAGE_REQUIRE", "").split(","):
            pytest.fail(f"OUTAGE_REQUIRE names {name}, and it is not there")
        pytest.skip(f"{name} is not there: docs/gallery.md says how to get it")
    given = ["run", str(folder / "rates_503.yaml"), "--target", str(folder / "target.yaml")]
    given += ["--proxy", "embedded", "--retries", str(_TIMES - 1), "--report", str(tmp_path)]
    assert call([*given, "--quiet"]) == 0


def test_what_is_measured_of_pybreaker_is_what_its_code_says(simulation: SimEngine) -> None:
    target = load_target(str(EXAMPLES / "pybreaker" / "target.yaml"))
    document = asyncio.run(measure(target, simulation, streams_of(target))).as_json()
    found = document["upstreams"]["rates"]
    assert (found["attempts"], found["breaker"]["rule"]) == (1, "in a row")
    assert (found["breaker"]["threshold"], found["breaker"]["trials"]) == (5, 1)
    assert abs(found["breaker"]["wait_s"] - 20) <= found["errors"]["wait_s"]
    assert abs(found["timeout_s"] - 2) <= found["errors"]["timeout_s"]
    assert set(found["counts"].values()) == {"failure"}  # it raises for every status from 400 on
