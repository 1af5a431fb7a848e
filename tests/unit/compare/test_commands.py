"""The two commands on files: their formats, their exit statuses, and what bad input is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from harness.cli.entry import call
from harness.cli.table import outage
from tests.unit.compare.nights import expectation, night, scenario


def write(folder: Path, *scenarios: dict) -> Path:
    folder.mkdir()
    data = night(*scenarios).model_dump(mode="json", by_alias=True)
    (folder / "results.json").write_text(json.dumps(data), encoding="utf-8")
    return folder


@pytest.fixture
def nights(tmp_path: Path) -> tuple[Path, Path]:
    bad = expectation("<script>|x", "failed", observed="200 for\x1b[31m #3")
    return write(tmp_path / "a", scenario(expectation("<script>|x"))), write(
        tmp_path / "b", scenario(bad)
    )


def said(*words: object) -> tuple[int, str]:
    done = CliRunner().invoke(outage, [str(word) for word in words])
    return done.exit_code, done.output


def test_json_is_what_other_programs_read(nights):
    a, b = nights
    status, text = said("compare", a, b / "results.json", "--format", "json")
    found = json.loads(text)
    assert status == 1
    (worse,) = found["worse"]
    assert {key: worse[key] for key in ("scenario", "expectation", "before", "after")} == {
        "scenario": "auth_down",
        "expectation": "<script>|x",
        "before": "passed",
        "after": "failed",
    }
    assert found["better"] == found["new"] == found["gone"] == []
    assert said("compare", b, a)[0] == 0


def test_people_and_pull_requests_are_told_the_worst_first_and_nothing_in_it_is_obeyed(nights):
    status, text = said("compare", *nights)
    assert status == 1
    assert text.startswith("1 worse (auth_down); 1 expectation held in both\n")
    assert text.index("worse (1)\n") < text.index("passed → failed") < text.index("200 for")
    assert "\x1b[31m #3" not in text
    _, page = said("compare", *nights, "--format", "markdown")
    assert r"\<script\>\|x" in page
    assert page.startswith(r"### ❌ Outages compared: 1 worse (auth\_down)")


def test_one_cause_of_many_scenarios_is_told_once(tmp_path):
    names = ("auth_down", "billing_down", "mail_down")
    good = (scenario(name=name) for name in names)
    bad = expectation(verdict="failed", observed="no database")
    a = write(tmp_path / "a", *good)
    b = write(tmp_path / "b", *(scenario(bad, name=name) for name in names))
    for form in ("text", "markdown"):
        _, text = said("compare", a, b, "--format", form)
        assert text.count("no database") == 1
        assert text.replace("\\", "").count("auth_down, billing_down, mail_down") == 2


def test_history_shows_a_column_for_each_night(tmp_path, nights):
    status, text = said("history", tmp_path)
    assert status == 1
    assert "✓✗  auth_down  new since b" in text
    status, text = said("history", tmp_path, "--format", "json")
    assert json.loads(text)["scenarios"][0]["verdicts"] == ["passed", "failed"]
    assert "| ✅ | ❌ |" in said("history", tmp_path, "--format", "markdown")[1]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"schema": 1,\n "scenarios": [}', "results.json:2: expected JSON"),
        ('{"schema": 2, "scenarios": []}', "expected what `outage run --report` writes"),
        ('{"schema": 1, "scenarios": [{"name": "x", "verdict": "green"}]}', "scenarios.0.verdict"),
        ('{"predictions": [{"name": 3}]}', "expected what `outage predict --json` prints"),
    ],
)
def test_bad_input_ends_with_2_and_says_where(tmp_path, nights, text, told, capsys):
    (nights[1] / "results.json").write_text(text)
    assert call(["compare", str(nights[0]), str(nights[1])]) == 2
    assert told in capsys.readouterr().err


def test_a_prediction_is_held_against_another_reading(tmp_path):
    files = []
    for profile in ("documented", "as_coded"):
        status, text = said("predict", "billing_refused_50s", "--profile", profile, "--json")
        assert status == 0
        files.append(tmp_path / f"{profile}.json")
        files[-1].write_text(text)
    status, text = said("compare", *files, "--format", "json")
    found = json.loads(text)
    assert [each["expectation"] for each in found["changed"]] == [
        "billing breaker: openings",
        "billing breaker: first opening",
    ]
    assert said("compare", files[0], files[0])[0] == 0


def test_a_run_that_is_as_predicted_is_neither_better_nor_worse(tmp_path):
    predicted, played = tmp_path / "predicted.json", tmp_path / "results.json"
    _, text = said("predict", "billing_refused_50s", "--json")
    predicted.write_text(text)
    found = json.loads(text)["predictions"][0]["upstreams"]["billing"]
    opened = [at[-1][-1] for at in found["openings_s"]]
    assert found["openings"] == [2, 2]
    assert len(opened) == 2  # by a failed probe, too

    def run(*opened: float) -> None:
        changes = [{"state": "open", "at_s": at_s} for at_s in opened]
        changes += [{"state": "closed", "at_s": found["closes_s"][-1][-1]}]
        one = scenario(name="billing_refused_50s", duration_s=120.0, breakers={"billing": changes})
        results = {"schema": 1, "engine": "sim", "scenarios": [one]}
        played.write_text(json.dumps(results))

    run(*opened)
    status, text = said("compare", predicted, played, "--format", "json")
    assert status == 0
    assert not any(json.loads(text)[sort] for sort in ("worse", "better", "new", "changed"))
    run(*opened, opened[-1] + 20)
    status, text = said("compare", predicted, played, "--format", "json")
    assert status == 1
    assert [one["expectation"] for one in json.loads(text)["worse"]] == [
        "billing breaker: openings"
    ]
