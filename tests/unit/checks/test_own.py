"""Checks of an author's own: the example, installed and run, and what can go wrong with one."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from harness.checks import own
from harness.errors import InvalidFile
from harness.scenario.expectations import own as form
from harness.scenario.loader import parse_scenario
from harness.verdict import Verdict

EXAMPLE = Path(__file__).parents[3] / "examples" / "own_check"
TEXT = "expect: [{check: mine, given: {most: 1}}]"


def good(history, most):
    return ()


def bad(history, most):
    return [f"wrong {number}" for number in range(most + 4)]


def vacuous(history, most):
    return None


def broken(history):
    return ()


@pytest.mark.parametrize(
    ("name", "verdict", "said"),
    [
        ("good", Verdict.PASSED, "nothing"),
        ("bad", Verdict.FAILED, "5 things: wrong 0; wrong 1; wrong 2 and 2 more"),
        ("vacuous", Verdict.INCONCLUSIVE, "nothing to judge by"),
        ("broken", Verdict.INCONCLUSIVE, "the check raised TypeError"),
    ],
)
def test_what_it_gives_is_what_is_wrong(case, world, monkeypatch, name, verdict, said):
    found = EntryPoint(name="mine", value=f"{__name__}:{name}", group=form.GROUP)
    monkeypatch.setattr(EntryPoint, "load", lambda _self: globals()[name])
    for module in (form, own):
        monkeypatch.setattr(module, "installed", lambda: iter([found]))
    one = case(TEXT, world())
    (finding,) = own.check(one.scenario.expect[0], one)
    assert (finding.verdict, finding.name) == (verdict, "mine (most 1)")
    assert said in finding.observed


def test_one_that_is_not_installed_is_refused_with_its_line():
    text = (EXAMPLE / "auth_blinks.yaml").read_text()
    with pytest.raises(InvalidFile, match=r"x\.yaml:12: check 'budget' is not known"):
        parse_scenario(text, "x.yaml")


def test_the_example_runs_where_it_is_installed(tmp_path: Path) -> None:
    site = tmp_path / "site"
    info = site / "own_check-1.dist-info"
    info.mkdir(parents=True)
    # As pip would leave it: the module, and what its pyproject.toml says of entry points.
    (site / "own_check.py").write_text((EXAMPLE / "own_check.py").read_text())
    assert 'budget = "own_check:budget"' in (EXAMPLE / "pyproject.toml").read_text()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: own-check\nVersion: 1\n")
    (info / "entry_points.txt").write_text(f"[{form.GROUP}]\nbudget = own_check:budget\n")
    command = ["-m", "harness", "run", str(EXAMPLE / "auth_blinks.yaml"), "--engine", "sim"]
    said = {}
    for target in ("reference", "naive"):
        done = subprocess.run(
            [sys.executable, *command, "--target", target], cwd=tmp_path, timeout=120,
            env={"PYTHONPATH": f"{site}:{Path(__file__).parents[3]}", "PATH": "/usr/bin:/bin"},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        said[target] = done.stdout + done.stderr
    assert "1 passed" in said["reference"], said
    assert "budget (stream chat, most 0)" in said["naive"], said
