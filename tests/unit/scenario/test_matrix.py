"""`matrix:`: each combination is a scenario of its own, named, kept, and refused with its line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
import yaml

from harness.cli.entry import call
from harness.cli.schema import schema_text
from harness.errors import InvalidFile, UsageError
from harness.runs.shards import Shard
from harness.scenario.loader import load_each, load_scenario, load_scenarios, parse_scenario
from harness.scenario.naming import named

MATRIX = """\
title: $upstream has $fault
matrix: {upstream: [auth, billing], fault: [refused, {fault: status, status: 503}]}
duration: 60s
traffic:
  chat:
    request: POST /v1/api/chat
    json: {message: "$5", project_id: "{project}"}
    as: ada
    rate: 1/s
faults:
  - {upstream: $upstream, fault: $fault, to: 20s}
expect:
  - {breaker: $upstream, opens: contract ± 1s}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "down.yaml"
    path.write_text(MATRIX)
    return path


def test_each_combination_is_a_scenario(file: Path) -> None:
    scenarios = load_each(file)
    names = ["auth-refused", "auth-status-503", "billing-refused", "billing-status-503"]
    assert [one.name for one in scenarios] == [f"down-{name}" for name in names]
    last = scenarios[-1]
    assert last.title == "billing has status-503"
    assert last.faults[0].fault == "status"
    assert last.faulted_upstreams == ("billing",)
    assert last.expect[0].breakers == ("billing",)
    assert last.expect_lines == (13,)  # of the file as it stands
    assert last.traffic["chat"].json_["message"] == "$5"


def test_what_is_kept_is_the_combination_s_own_file(file: Path) -> None:
    for one in load_each(file):
        assert one.text is not None
        again = parse_scenario(one.text, "again.yaml")
        assert (again.title, again.faults, again.expect) == (one.title, one.faults, one.expect)


def test_names_pick_combinations(file: Path) -> None:
    scenarios = load_scenarios([file])
    assert [one.name for one in named(scenarios, ["billing-r"])] == ["down-billing-refused"]
    with pytest.raises(UsageError, match="no scenario has git in its name"):
        named(scenarios, ["git"])


def test_where_one_is_wanted_a_matrix_is_refused(file: Path) -> None:
    with pytest.raises(InvalidFile, match="holds 4 scenarios by its `matrix`"):
        load_scenario(file)


@pytest.mark.parametrize(
    ("there", "instead", "line", "message"),
    [
        ("[auth, billing]", "auth", 2, "upstream: expected a list of values"),
        ("[auth, billing]", "[]", 2, "upstream: expected a list of values"),
        ("[auth, billing]", "[auth, auth]", 2, "two combinations are called auth-refused"),
        ("{upstream: [auth", "{Up: [auth", 2, "expected a name of small letters"),
        ("fault: $fault, to", "fault: refused, to", 2, "`$fault` stands nowhere"),
        ("fault: $fault, to", "fault: $falt, to", 11, "did you mean `$fault`?"),
        ("billing]", "biling]", 11, "did you mean 'billing'? (a target file may name more: "),
        ("to: 20s", "to: 90s", 11, "ends at 60s"),
        ("matrix:", "matrx:", 2, "did you mean 'matrix'?"),
        ("refused, {", "refused, blakhole, {", 11, "(in the combination auth-blakhole, billing-"),
    ],
)
def test_a_mistake_is_told_with_its_line(
    file: Path, there: str, instead: str, line: int, message: str
) -> None:
    text = MATRIX.replace(there, instead)
    assert text != MATRIX
    file.write_text(text.replace("title: $upstream has $fault", "title: $upstream")
                    if "stands nowhere" in message else text)  # fmt: skip
    with pytest.raises(InvalidFile) as caught:
        load_each(file)
    assert any(one.line == line and message in one.message for one in caught.value.problems), str(
        caught.value
    )


def test_the_schema_takes_a_matrix() -> None:
    schema = jsonschema.Draft202012Validator(json.loads(schema_text("scenario")))
    read = yaml.safe_load(MATRIX)
    assert list(schema.iter_errors(read)) == []
    assert list(schema.iter_errors({**read, "fautls": []}))


def test_a_run_reports_each_and_is_judged_again(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert call(["list", str(file), "--only", "auth"]) == 0
    assert capsys.readouterr().out.count("down-auth-") == 2
    run = ["run", str(file), "--engine", "sim", "--only", "auth-refused", "--report", str(out)]
    assert call(run) == 0
    assert (out / "down-auth-refused.history.jsonl").exists()
    assert call(["judge", str(out)]) == 0
    assert "down-auth-refused" in capsys.readouterr().out


def test_pytest_has_an_item_for_each(file: Path) -> None:
    words = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-m", "upstream_billing"]
    done = subprocess.run(
        [*words, "-p", "no:cacheprovider", "-p", "no:xdist", str(file)],
        cwd=file.parent, capture_output=True, text=True,
    )  # fmt: skip
    assert "down.yaml::down-billing-refused" in done.stdout
    assert "down.yaml::down-billing-status-503" in done.stdout
    assert "down-auth" not in done.stdout


def test_no_part_of_a_sharded_run_plays_what_another_does(file: Path) -> None:
    scenarios = load_scenarios([file])
    parts = [Shard(number=number, count=2).part(scenarios) for number in (1, 2)]
    assert sorted(one.name for part in parts for one in part) == [s.name for s in scenarios]


def test_the_grid_tells_what_no_scenario_exercises(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(["list", str(file), "--grid", "--format", "json"]) == 0
    cells = json.loads(capsys.readouterr().out)["grid"]
    done = {(c["route"], c["upstream"], c["fault"]): c["scenarios"] for c in cells}
    chat = "POST /v1/api/chat"
    assert done[chat, "auth", "refused"] == ["down-auth-refused"]
    assert done[chat, "auth", "blackhole"] == []
    assert done["POST /v1/api/auth/login", "auth", "refused"] == []
    assert (chat, "git", "refused") not in done
    assert call(["list", str(file), "--grid"]) == 0
    assert f"4 of {len(cells)} exercised" in capsys.readouterr().out


def test_the_grid_of_a_target_is_of_its_own_upstreams_and_routes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "shop.yaml").write_text(
        "name: shop\nurl: http://127.0.0.1:1\nupstreams: {A: auth, P: payments}\n"
        "stubs: {payments: [{route: POST /pay, json: {}}]}\n"
    )
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "down.yaml").write_text(
        "title: t\nduration: 30s\ntraffic: {buy: {request: POST /orders, rate: 1/s}}\n"
        "faults: [{upstream: payments, fault: refused, to: 9s}]\n"
    )
    args = ["list", str(tmp_path / "own"), "--target", str(tmp_path / "shop.yaml"), "--grid"]
    assert call([*args, "--format", "json"]) == 0
    cells = json.loads(capsys.readouterr().out)["grid"]
    assert {c["upstream"] for c in cells} == {"auth", "payments"}
    done = [(c["route"], c["upstream"], c["fault"]) for c in cells if c["scenarios"]]
    assert done == [("POST /orders", "payments", "refused")]
    assert call(args) == 0
    told = capsys.readouterr().out
    assert f"POST /v1/api/chat  auth: all {len({c['fault'] for c in cells})} kinds of fault" in told
    assert "the contract doesn't say what POST /orders call" in told
