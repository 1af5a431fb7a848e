"""`outage predict`: what it prints can be read, pasted and parsed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result
from pydantic import TypeAdapter

from harness.cli.predict import predict
from harness.contract import PROFILES
from harness.scenario.expectations import Expectation
from harness.scenario.expectations.breaker import ExpectBreaker

SCENARIOS = Path(__file__).parents[3] / "scenarios"
T1 = str(SCENARIOS / "auth_blackhole_50s.yaml")


def run(*arguments: str) -> Result:
    result = CliRunner().invoke(predict, arguments, env={"COLUMNS": "100"})
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def rows(text: str) -> dict[str, str]:
    """Lines by their label."""
    return {line[9:29].strip(): line[29:].strip() for line in text.splitlines() if line[9:29]}


def test_it_reads_like_the_contracts_table() -> None:
    found = rows(run(T1).output)
    assert found["opens"] == "9 s"
    assert found["attempts until then"] == "12..14"
    assert found["first rejection"] == "chat #10 or #11"
    assert found["probes"] == found["closes"] == "69 or 70 s"


def test_the_picture_shows_fault_breaker_and_answers_below_each_other() -> None:
    lines = run(T1).output.splitlines()
    (fault,) = (line for line in lines if line.startswith("blackhole auth"))
    (breaker,) = (line for line in lines if line.startswith("auth breaker"))
    answers = lines[-1]
    assert answers.startswith("chat")
    opened = breaker.index("O")
    assert answers[opened] == "4"
    assert answers[-1] == "2"
    assert fault.rindex("#") < breaker.rindex("O") < len(answers)


def test_all_profiles_stand_side_by_side() -> None:
    output = run(str(SCENARIOS / "billing_blackhole_50s.yaml"), "--profile", "all").output
    assert all(name in output.splitlines()[1] for name in PROFILES)
    opens = next(line for line in output.splitlines() if line.split()[:1] == ["opens"])
    assert opens.split() == ["opens", "12", "s", "9", "s", "20", "s", "12", "s"]


@pytest.mark.parametrize("path", sorted(SCENARIOS.glob("*.yaml")), ids=lambda path: path.stem)
def test_what_it_prints_as_yaml_is_a_list_of_expectations(path: Path) -> None:
    printed = yaml.safe_load(run(str(path), "--as", "yaml").output)
    expectations = TypeAdapter(list[Expectation]).validate_python(printed["expect"])
    assert expectations


def test_pasted_instants_are_the_predicted_ones() -> None:
    printed = yaml.safe_load(run(T1, "--as", "yaml").output)
    first = TypeAdapter(list[Expectation]).validate_python(printed["expect"])[0]
    assert isinstance(first, ExpectBreaker)
    assert str(first.opens) == "9s ± 1s"
    assert str(first.first_rejection) == "10..11"
    assert str(first.closes) == "69.5s ± 1.5s"


def test_json_has_every_reading() -> None:
    found = json.loads(run(T1, "--profile", "all", "--json").output)["predictions"]
    assert [each["reading"] for each in found] == list(PROFILES)
    auth = found[0]["upstreams"]["auth"]
    assert auth["attempts"] == [12, 14]
    assert auth["first_rejection"] == {"chat": [[10, 11]]}
    assert found[0]["charges"] == [10, 11]


def test_a_target_file_brings_its_own_settings(tmp_path: Path) -> None:
    target = tmp_path / "mine.yaml"
    target.write_text(
        "name: mine\nstart: {command: [x]}\n"
        "breakers: {auth: {attempts: 2, timeout: 5s, threshold: 3, wait: 15s}}\n"
    )
    found = json.loads(run(T1, "--target", str(target), "--json").output)["predictions"][0]
    assert found["reading"] == "mine"
    low_s, high_s = found["upstreams"]["auth"]["opens_s"][0]
    assert 7 <= low_s <= high_s < 7.5


def test_profile_and_target_exclude_each_other() -> None:
    result = CliRunner().invoke(predict, [T1, "--profile", "all", "--target", "reference"])
    assert result.exit_code == 2
    assert "exclude each other" in result.output
