"""`outage predict`: what it prints can be read, pasted and parsed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result
from pydantic import TypeAdapter

from harness.cli.predict import predict
from harness.contracts import document
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
    assert all(name in output.splitlines()[1] for name in document().readings)
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
    assert [each["reading"] for each in found] == list(document().readings)
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


def test_what_a_target_does_without_is_said_to_be_no_promise(tmp_path: Path) -> None:
    """As `outage init` writes where no breaker was found: the contract's own is predicted."""
    target = tmp_path / "target.yaml"
    text = "name: mine\nstart: {command: [x]}\nupstreams: {A: auth}\nwithout: [%s]\n"
    target.write_text(text % "B2, G5")
    said = run(T1, "--target", str(target)).stderr
    assert said == "note: mine does without B2: of that the contract is predicted, not mine\n"
    target.write_text(text % "B2 at auth")
    assert "mine does without B2 at auth: of that" in run(T1, "--target", str(target)).stderr
    target.write_text(text % "G5")
    assert run(T1, "--target", str(target)).stderr == ""


def test_a_reading_that_nobody_knows_is_told_with_the_nearest_one() -> None:
    result = CliRunner().invoke(predict, [T1, "--profile", "as_codet"], standalone_mode=False)
    assert "did you mean 'as_coded'" in str(result.exception)


def test_profile_and_target_exclude_each_other() -> None:
    result = CliRunner().invoke(predict, [T1, "--profile", "all", "--target", "reference"])
    assert result.exit_code == 2
    assert "exclude each other" in result.output


def scenario_file(folder: Path, *, stream: str, faults: str, duration: str = "120s") -> str:
    file = folder / "mine.yaml"
    file.write_text(
        f"title: x\nduration: {duration}\ntraffic: {{{stream}}}\nfaults: [{faults}]\n"
        "expect: [{never: {status: 599}}]\n"
    )
    return str(file)


def pasted(path: str) -> ExpectBreaker:
    printed = yaml.safe_load(run(path, "--as", "yaml").output)
    first = TypeAdapter(list[Expectation]).validate_python(printed["expect"])[0]
    assert isinstance(first, ExpectBreaker)
    return first


def test_a_breaker_that_trips_more_than_once_is_told_as_a_list() -> None:
    found = pasted(str(SCENARIOS / "auth_503_150s.yaml"))
    assert isinstance(found.opens, tuple)
    assert list(map(str, found.opens)) == ["2s ± 1s", "62.5s ± 1.5s", "123s ± 2s"]


def test_what_leaves_no_trace_is_not_pasted(tmp_path: Path) -> None:
    lookup = "it: {request: GET /v1/api/lookup, as: ada, rate: 1/s}"
    refused = "{upstream: external_data, fault: refused, to: 90s}"
    found = pasted(scenario_file(tmp_path, stream=lookup, faults=refused))
    assert found.opens is not None
    assert found.attempts is None
    assert found.first_rejection is None  # one attempt a call: a refusal looks the same
    assert found.probes is None


OWN = """name: mine
url: http://127.0.0.1:1
upstreams: {MAIL_URL: mail}
stubs: {mail: [{route: POST /send}]}
"""


def own_upstream(folder: Path) -> tuple[str, ...]:
    (folder / "target.yaml").write_text(OWN)
    pay = "pay: {request: GET /pay, rate: 1/s}"
    faults = "{upstream: mail, fault: refused, to: 10s}"
    path = scenario_file(folder, stream=pay, faults=faults, duration="20s")
    return path, "--target", str(folder / "target.yaml")


def test_what_an_unknown_route_calls_is_said_to_be_unknown(tmp_path: Path) -> None:
    output = " ".join(run(*own_upstream(tmp_path)).output.split())
    assert "can't be told: which upstreams `pay` (GET /pay) calls isn't in the contract" in output
    assert "never" not in output


def test_an_own_upstream_is_predicted_when_it_is_said_who_calls_it(tmp_path: Path) -> None:
    arguments = own_upstream(tmp_path)
    found = json.loads(run(*arguments, "--calls", "pay=mail", "--json").stdout)["predictions"][0]
    low_s, high_s = found["upstreams"]["mail"]["opens_s"][0]
    assert 2 <= low_s <= high_s < 2.5
    wrong = CliRunner().invoke(predict, [*arguments, "--calls", "pay=mial"])
    assert "did you mean 'mail'" in str(wrong.exception)


def test_of_several_turned_away_at_one_instant_the_lowest_number_is_the_first(
    tmp_path: Path,
) -> None:
    crowd = (
        "check: {request: GET /v1/api/auth/check, as: ada, rate: 1/s}, "
        "crowd: {request: GET /v1/api/auth/check, as: ada, count: 50 at 20s}"
    )
    path = scenario_file(
        tmp_path,
        stream=crowd,
        faults="{upstream: auth, fault: status, status: 503}",
        duration="40s",
    )
    auth = json.loads(run(path, "--json").output)["predictions"][0]["upstreams"]["auth"]
    assert auth["first_rejection"]["crowd"] == [[1, 1]]


def test_a_targets_backoffs_are_predicted(tmp_path: Path) -> None:
    target = tmp_path / "quick.yaml"
    target.write_text(
        "name: quick\nstart: {command: [x]}\n"
        "breakers: {auth: {attempts: 4, threshold: 4, backoff: [200ms, 300ms]}}\n"
    )
    check = "check: {request: GET /v1/api/auth/check, as: ada, rate: 1/s}"
    path = scenario_file(
        tmp_path, stream=check, faults="{upstream: auth, fault: refused, to: 30s, from: 2s}"
    )
    found = json.loads(run(path, "--target", str(target), "--json").output)["predictions"][0]
    low_s, high_s = found["upstreams"]["auth"]["opens_s"][0]
    assert found["upstreams"]["auth"]["settings"]["backoffs_s"] == [0.2, 0.3]
    assert 3 <= low_s <= high_s < 3.4  # 2.0, 2.2, 2.5; the fourth is the next request's first


def test_a_breaker_that_nobody_declares_is_said_to_be_assumed(tmp_path: Path) -> None:
    """As `outage init` writes one that it could not measure: the default is nobody's promise."""
    (tmp_path / "contract.yaml").write_text(
        "name: shop\nupstreams: {auth: {attempts: 2}, mail: {breaker: {threshold: 3}}}\n"
        "routes: {chat: {request: GET /chat, calls: [{call: auth GET /me, else: 503}]}}\n"
    )
    (tmp_path / "scenario.yaml").write_text(
        "title: t\nduration: 5s\ntraffic: {chat: {request: GET /chat, rate: 1/s}}\n"
        "faults: [{upstream: auth, fault: refused}]\n"
    )
    target = tmp_path / "target.yaml"
    text = "name: shop\nstart: {command: [x]}\ncontract: contract.yaml\n"
    text += "upstreams: {A: auth, M: mail}\nstubs: {mail: [{route: GET /sent}]}\n"
    target.write_text(text)
    said = run(str(tmp_path / "scenario.yaml"), "--target", str(target)).stderr
    assumed = "note: nobody declares when the breaker of auth opens: 5 failures in a row is assumed"
    assert said == f"{assumed}\n"
    target.write_text(f"{text}breakers: {{auth: {{threshold: 4}}}}\n")
    assert run(str(tmp_path / "scenario.yaml"), "--target", str(target)).stderr == ""
