"""Scenario files as pytest items, seen from a project that has the harness installed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from harness.bundled import find_scenarios
from tests.unit.scenario.malformed import GOOD


def run(folder: Path, *args: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", *args],
        cwd=folder, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "outages").mkdir()
    (tmp_path / "outages" / "down.yaml").write_text(GOOD)
    (tmp_path / "outages" / "other.yaml").write_text("traffic: lights\n")
    (tmp_path / "test_own.py").write_text("def test_own():\n    pass\n")
    return tmp_path


def test_scenario_files_are_collected_where_they_are_named(project: Path) -> None:
    status, said = run(project, "--collect-only", "outages")
    assert status == 0, said
    assert "outages/down.yaml::down" in said
    assert "other.yaml" not in said


def test_a_bare_run_plays_no_outage(project: Path) -> None:
    status, said = run(project, "--collect-only")
    assert status == 0, said
    assert "test_own" in said
    assert "down" not in said


@pytest.mark.parametrize("workers", ["0", "1"])
def test_a_malformed_file_fails_with_its_line_and_no_traceback(project: Path, workers: str) -> None:
    (project / "outages" / "down.yaml").write_text(GOOD.replace("duration", "durration"))
    status, said = run(project, "outages", "-n", workers)
    assert status == 1, said
    assert "down.yaml:3: 'durration' is not known here; did you mean 'duration'?" in said
    assert "Traceback" not in said


def test_items_pass_and_fail_with_their_findings(project: Path) -> None:
    (path,) = find_scenarios(["auth_503_50s"])
    (project / "outages" / "down.yaml").write_text(path.read_text(encoding="utf-8"))
    junit = project / "junit.xml"
    status, said = run(project, "outages", "--outage-engine", "sim", f"--junit-xml={junit}")
    assert status == 0, said
    assert '<property name="verdict" value="passed"' in junit.read_text()
    options = ("--outage-engine", "sim", "--outage-target", "naive")
    status, said = run(project, "outages", *options, "-k", "down", "-m", "outage")
    assert status == 1, said
    assert "failed: auth breaker: opens" in said


def test_the_world_fixture_plays_a_scenario_in_a_python_test(project: Path) -> None:
    (project / "test_own.py").write_text(
        "def test_own(world):\n"
        "    played = world('auth_503_50s', engine='sim')\n"
        "    assert played.judgement.verdict == 'passed'\n"
        "    assert played.events\n"
    )
    status, said = run(project, "test_own.py")
    assert status == 0, said
