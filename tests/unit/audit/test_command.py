"""`outage audit`: exit statuses, formats, and the project's own gateways."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from harness.audit import RULES
from harness.cli.audit import audit
from harness.errors import UsageError

REPOSITORY = Path(__file__).parents[3]


def run(*arguments: object) -> Result:
    return CliRunner().invoke(audit, [str(argument) for argument in arguments])


def test_the_reference_gateway_makes_no_direct_call() -> None:
    result = run(REPOSITORY / "gateway", "--exclude", "naive.py")
    assert (result.exit_code, result.output) == (0, "nothing found in 24 files\n") or (
        result.exit_code == 0 and result.output.startswith("nothing found")
    )


def test_the_naive_gateway_makes_nothing_but_direct_calls() -> None:
    result = run(REPOSITORY / "gateway" / "naive.py", "--format", "json")
    assert result.exit_code == 1
    findings = json.loads(result.output)["findings"]
    assert {finding["rule"] for finding in findings} == {"direct-call", "no-timeout"}
    assert len(findings) >= 20
    assert all(set(f) >= {"rule", "file", "line", "message"} for f in findings)


def test_text_can_be_clicked(tmp_path: Path) -> None:
    file = tmp_path / "app.py"
    file.write_text("import requests\nrequests.get('x', timeout=1)\n")
    result = run(file)
    assert result.exit_code == 1
    assert result.output.splitlines() == [
        f"{file}:2: direct-call: requests.get is called directly, past the resilient client",
        "1 finding in 1 file",
    ]


def test_sarif_has_what_code_hosts_ask_for(tmp_path: Path) -> None:
    file = tmp_path / "an app.py"
    file.write_text("import requests\nrequests.get('x')\n")
    result = run(file, "--format", "sarif")
    assert result.exit_code == 1
    log = json.loads(result.output)
    assert log["version"] == "2.1.0"
    (played,) = log["runs"]
    assert {rule["id"] for rule in played["tool"]["driver"]["rules"]} == set(RULES)
    for found in played["results"]:
        assert played["tool"]["driver"]["rules"][found["ruleIndex"]]["id"] == found["ruleId"]
        place = found["locations"][0]["physicalLocation"]
        assert place["region"] == {"startLine": 2, "startColumn": 1}
        assert place["artifactLocation"]["uri"].endswith("an%20app.py")


def test_a_file_that_is_no_python_is_named_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "good.py").write_text("import requests\nrequests.get('x')\n")
    (tmp_path / "bad.py").write_text("x = 1\ndef (:\n")
    result = run(tmp_path, "--format", "json")
    assert result.exit_code == 2
    assert f"{tmp_path / 'bad.py'}:2: " in result.stderr
    assert len(json.loads(result.stdout)["findings"]) == 2


def test_null_bytes_and_odd_encodings_are_no_crash(tmp_path: Path) -> None:
    (tmp_path / "null.py").write_bytes(b"x = 1\0")
    (tmp_path / "latin.py").write_bytes("# -*- coding: latin-1 -*-\nx = 'é'\n".encode("latin-1"))
    result = run(tmp_path)
    assert result.exit_code == 2
    assert "null.py" in result.stderr
    assert "latin.py" not in result.stderr


@pytest.mark.parametrize("name", ["missing", "empty"])
def test_a_path_without_python_is_wrong_usage(name: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    result = run(tmp_path / name)
    assert isinstance(result.exception, UsageError)


def test_virtual_environments_and_hidden_folders_are_left_out(tmp_path: Path) -> None:
    for name in (".venv", "venv", ".git", "node_modules"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.py").write_text("import requests\nrequests.get('x')\n")
    (tmp_path / "app.py").write_text("x = 1\n")
    assert run(tmp_path).exit_code == 0
