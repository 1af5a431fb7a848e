"""A contract leaves open which of several statuses is answered while an upstream is down."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.cli.entry import call
from harness.contracts import parse_contract
from harness.engines.sim.engine import SimEngine
from harness.errors import InvalidFile
from tests.parcels.test_words import HERE, Case, failed

SHELF = Case(
    "",
    ("shelf: {request: GET /shelf, rate: 2/s}",),
    ("{upstream: depot, fault: status, status: 500, to: 20s}",),
    frozenset(),
)


def test_any_of_them_is_right_and_nothing_else(simulation: SimEngine, tmp_path: Path) -> None:
    assert not failed(simulation, "", SHELF, tmp_path)
    found = failed(simulation, "an error of its own", SHELF, tmp_path)
    assert [each.name for each in found] == ["never 5xx (shelf)"]
    assert found[0].observed.endswith("was answered 500")


def test_all_of_them_are_predicted_and_written_into_a_new_scenario(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    target = ("--target", str(HERE / "target.yaml"))
    assert call(["new", "down", *target, "--upstream", "depot", "--no-schema"]) == 0
    assert "    status: [503, 504]\n" in Path("down.yaml").read_text()
    capsys.readouterr()
    assert call(["predict", "down.yaml", *target, "--json"]) == 0
    (told,) = json.loads(capsys.readouterr().out)["predictions"]
    assert told["answers"]["shelf"][0]["statuses"] == [503, 504]


def contract(answer: str) -> str:
    calls = f"[{{call: depot GET /shelf, else: {answer}}}]"
    return (
        "name: x\nupstreams: {depot: {}}\nroutes:\n"
        f"  shelf: {{request: GET /shelf, calls: {calls}}}\n"
    )


@pytest.mark.parametrize(
    ("answer", "said"),
    [("503", "503"), ("5xx", "5xx"), ("[404, 5xx]", "[404, 5xx]"), ("go on", "200")],
)
def test_a_class_stands_for_all_of_its_statuses(answer: str, said: str) -> None:
    shop = parse_contract(contract(answer), "x.yaml")
    assert shop.while_down("GET /shelf", "depot") == said


@pytest.mark.parametrize("answer", ["5x", "[503, 1xx]", "[]", "go no", "600"])
def test_what_is_no_status_is_told_where_it_stands(answer: str) -> None:
    with pytest.raises(InvalidFile) as caught:
        parse_contract(contract(answer), "x.yaml")
    (problem,) = caught.value.problems
    assert problem.line == 4
    assert "expected a status such as 503, 5xx, a list of them, or `go on`" in problem.message
    assert ("did you mean 'go on'" in problem.message) == (answer == "go no")
