"""Scenario files as pytest items, seen from a project that has the harness installed."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from harness.bundled import find_scenarios
from tests.unit.scenario.malformed import GOOD


def run(folder: Path, *args: str, plugins: Sequence[str] = ("outage", "xdist")) -> tuple[int, str]:
    """A session with just these plugins; with all that are installed, where none are named.

    Loading all others takes as long as most of these sessions.
    """
    named = [word for plugin in plugins for word in ("-p", plugin)]
    alone = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"} if plugins else {}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", *named, *args],
        cwd=folder, env=os.environ | alone,
        capture_output=True, text=True, timeout=120, check=False,
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
    report = project / "rep"
    report.mkdir()
    (report / "results.json").write_text("of last night")
    words = ("--collect-only", "--outage-report", "rep", "outages")
    status, said = run(project, *words, plugins=())
    assert status == 0, said
    assert "outages/down.yaml::down" in said
    assert "other.yaml" not in said
    assert [each.name for each in report.iterdir()] == ["results.json"]
    assert (report / "results.json").read_text() == "of last night"


def test_a_bare_run_plays_no_outage(project: Path) -> None:
    status, said = run(project, "--collect-only")
    assert status == 0, said
    assert "test_own" in said
    assert "down" not in said


def test_a_session_without_outages_leaves_the_report_that_an_ini_file_names(project: Path) -> None:
    (project / "pytest.ini").write_text("[pytest]\noutage_report = rep\n")
    report = project / "rep"
    report.mkdir()
    (report / "results.json").write_text("of last night")
    status, said = run(project)
    assert status == 0, said
    assert (report / "results.json").read_text() == "of last night"
    (project / "outages" / "down.yaml").write_text(GOOD.replace("duration", "durration"))
    status, said = run(project, "outages")
    assert status == 1, said
    assert "of last night" not in (report / "results.json").read_text()


@pytest.mark.parametrize("workers", ["0", "1"])
def test_a_malformed_file_fails_with_its_line_and_no_traceback(project: Path, workers: str) -> None:
    (project / "outages" / "down.yaml").write_text(GOOD.replace("duration", "durration"))
    status, said = run(project, "outages", "-n", workers)
    assert status == 1, said
    assert "down.yaml:3: 'durration' is not known here; did you mean 'duration'?" in said
    assert "Traceback" not in said


def outage(name: str, project: Path, change: tuple[str, str] = ("", "")) -> None:
    (path,) = find_scenarios([name])
    text = path.read_text(encoding="utf-8")
    (project / "outages" / f"{name}.yaml").write_text(text.replace(*change))


def test_scenarios_of_a_session_are_items_with_markers_subtests_and_one_report(
    project: Path,
) -> None:
    (project / "pytest.ini").write_text("[pytest]\noutage_engine = sim\noutage_report = rep\n")
    (project / "outages" / "down.yaml").unlink()
    outage("token_refused", project)
    # No request of these calls auth while its fault lasts: that proves nothing.
    outage("auth_one_503", project, ("first: 1", "calls: 99..100"))
    junit = project / "junit.xml"
    status, said = run(project, "outages", f"--junit-xml={junit}", "-vv", "--strict-markers")
    assert status == 1, said
    assert "2 scenarios side by side on sim" in said
    assert "1 inconclusive" in said.splitlines()[-1]
    assert "failed" not in said.splitlines()[-1]
    assert "1 passed" in said.splitlines()[-1]
    assert "inconclusive: run: fault 1, status on auth POST /verify_token, meets a call: " in said
    assert "subtests passed" in said.splitlines()[-1]
    assert '<property name="verdict" value="passed"' in junit.read_text()
    found = json.loads((project / "rep" / "results.json").read_text())
    assert {each["name"]: each["verdict"] for each in found["scenarios"]} == {
        "auth_one_503": "inconclusive",
        "token_refused": "passed",
    }
    status, said = run(project, "outages", "--collect-only", "-m", "claim_G2 and upstream_auth")
    assert "token_refused" in said
    assert "auth_one_503" not in said


def test_what_fails_says_its_findings_apart_and_workers_share_a_report(project: Path) -> None:
    (project / "outages" / "down.yaml").unlink()
    outage("token_refused", project)
    options = ("--outage-engine", "sim", "--outage-target", "naive", "--outage-report", "rep")
    status, said = run(project, "outages", *options, "-n", "1", "-m", "outage")
    assert status == 1, said
    assert "failed: chat is answered 401 in 2s..10.5s: expected 401" in said
    assert "SUBFAILED[chat is answered 401 in 2s..10.5s]" in said
    assert "Captured stdout" not in said
    found = json.loads((project / "rep" / "results.json").read_text())
    assert [each["verdict"] for each in found["scenarios"]] == ["failed"]


def test_an_ini_file_that_asks_for_what_there_is_not_is_told(project: Path) -> None:
    (project / "pytest.ini").write_text("[pytest]\noutage_seed = soon\noutage_report = rep\n")
    status, said = run(project, "test_own.py")
    assert status == 4
    assert "outage_seed: expected a whole number, not 'soon'" in said
    assert "Traceback" not in said


PAGE = (Path(__file__).parents[2] / "docs" / "pytest.md").read_text(encoding="utf-8")
(EXAMPLE,) = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
MISSPELT = """

def test_misspelt(world):
    fault = {"fault": "statsu", "upstream": "auth", "status": 503}
    world.scenario(traffic={"chat": CHAT}, faults=[fault])
"""
ONE_SIMULATION = """

def test_one_simulation_has_played_all():
    import os
    from pathlib import Path
    own = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children")
    if own.exists():
        said = [Path(f"/proc/{child}/cmdline").read_bytes() for child in own.read_text().split()]
        assert sum(b"nursery" in words for words in said) == 1
"""


def test_the_world_plays_what_is_built_in_python(project: Path) -> None:
    (project / "test_own.py").write_text(EXAMPLE + MISSPELT + ONE_SIMULATION)
    options = ("--outage-engine", "sim", "--outage-report", "rep")
    status, said = run(project, "test_own.py", *options)
    assert status == 1, said
    assert "1 failed, 4 passed" in said
    assert re.search(r"test_own.py: at `fault: statsu`: .*did you mean 'status'", said)
    names = {path.name.partition(".")[0] for path in (project / "rep").glob("*.played.yaml")}
    built = "test_auth_is_down_for_four_seconds"
    assert names == {f"{built}_500_", f"{built}_503_", "auth_503_50s"}
    kept = (project / "rep" / f"{built}_500_.played.yaml").read_text()
    assert "upstream: auth" in kept
