"""Annotations as GitHub's runner reads them."""

from __future__ import annotations

import re
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from harness.cli.ci import on_github, tell_github
from harness.report.github import workflow_commands
from harness.verdict import Known, Verdict


def read(line: str) -> tuple[str, dict[str, str], str]:
    """What the runner makes of a line: kind, properties, message; escapes undone."""
    found = re.fullmatch(r"::(\w+) (.*?)::(.*)", line)
    assert found, line
    properties = dict(part.split("=", 1) for part in found[2].split(","))
    back = {name: _undo(value) for name, value in properties.items()}
    return found[1], back, _undo(found[3])


def _undo(text: str) -> str:
    for code, character in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
        text = text.replace(code, character)
    return text


def test_each_thing_that_is_wrong_is_told_at_its_line_the_worst_first(finding, judgement):
    bad = finding(Verdict.FAILED, name="a: 100%, really", observed="x\ny", line=12)
    known = finding(
        Verdict.FAILED, name="k", line=14, known=Known(because="OPS-7", until="2030-12-31")
    )
    unclear = finding(Verdict.INCONCLUSIVE, name="u")
    lines = [read(line) for line in workflow_commands([judgement(unclear, known, bad)])]
    assert [kind for kind, *_ in lines] == ["error", "warning", "notice"]
    _, properties, text = lines[0]
    assert properties == {
        "file": "scenarios/auth_blackhole_50s.yaml",
        "line": "12",
        "title": "auth_blackhole_50s: a: 100%, really",
    }
    assert "observed x\ny" in text
    assert "known until 2030-12-31: OPS-7" in lines[2][2]


def test_each_scenario_is_among_the_ten_that_are_shown(finding, judgement):
    many = [finding(Verdict.FAILED, name=f"{k}") for k in range(12)]
    rest = [judgement(finding(Verdict.FAILED, name="only"), name=f"s{k}") for k in range(4)]
    lines = [read(line) for line in workflow_commands([judgement(*many, name="first"), *rest])]
    titles = [properties["title"] for _, properties, _ in lines]
    assert titles[:6] == ["first: 0", "s0: only", "s1: only", "s2: only", "s3: only", "first: 1"]
    assert len(titles) == 16


@given(st.text())
def test_no_text_ends_a_command_or_begins_another(finding, judgement, text):
    bad = finding(Verdict.FAILED, name=text, observed=text)
    (line,) = workflow_commands([judgement(bad, file=f"{text}.yaml")])
    assert "\n" not in line
    assert "\r" not in line
    assert read(line)[0] == "error"


def test_files_are_the_repositorys_and_the_summary_goes_to_the_steps_page(
    tmp_path: Path, mixed, capsys, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    page = tmp_path / "page.md"
    page.write_text("before\n")
    environ = {
        "GITHUB_ACTIONS": "true",
        "GITHUB_WORKSPACE": str(tmp_path.parent),
        "GITHUB_STEP_SUMMARY": str(page),
    }
    assert on_github(environ)
    assert not on_github({})
    tell_github(mixed, environ)
    said = capsys.readouterr().out
    assert f"file={tmp_path.name}/scenarios/auth_blackhole_50s.yaml" in said
    assert page.read_text().startswith("before\n# ❌ Outages replayed: failed")
