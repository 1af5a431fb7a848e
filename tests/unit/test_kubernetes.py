"""The Kubernetes manifests: valid by Kubernetes' schema, and their commands do what they say."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

FOLDER = Path(__file__).resolve().parents[2] / "examples" / "kubernetes"
VERSION = "1.31"
SCENARIO = """title: nothing happens
duration: 1s
traffic:
  checks: {request: GET /health, rate: 1/s}
expect:
  - never: {status: 500}
"""


def documents() -> list[Any]:
    return [
        pytest.param(document, id=f"{path.stem}-{document['kind']}")
        for path in sorted(FOLDER.glob("*.yaml"))
        for document in yaml.safe_load_all(path.read_text())
    ]


def job(name: str) -> dict[str, Any]:
    found = yaml.safe_load_all((FOLDER / name).read_text())
    return next(document for document in found if document["kind"] == "Job")


def script(of: dict[str, Any]) -> str:
    (container,) = of["spec"]["template"]["spec"]["containers"]
    (text,) = container["args"]
    assert container["command"] == ["sh", "-c"]
    return str(text)


@pytest.mark.parametrize("document", documents())
def test_it_is_valid(document: dict[str, Any]) -> None:
    kubernetes_validate.validate(document, VERSION, strict=True)


def test_a_misspelt_key_would_not_be() -> None:
    document = job("night.yaml")
    document["spec"]["completionMod"] = document["spec"].pop("completionMode")
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(document, VERSION, strict=True)


@pytest.mark.parametrize("name", ["night.yaml", "merge.yaml"])
def test_it_gets_no_more_rights_than_it_needs(name: str) -> None:
    pod = job(name)["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["automountServiceAccountToken"] is False
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert container["securityContext"]["readOnlyRootFilesystem"]


def test_all_parts_are_played_once_and_merged(tmp_path: Path) -> None:
    """As the pods would: the index comes in by a variable, the reports lie beside each other."""
    night, merge = job("night.yaml"), job("merge.yaml")
    count = night["spec"]["completions"]
    scenarios = tmp_path / "scenarios"
    scenarios.mkdir()
    for number in range(count + 1):
        (scenarios / f"quiet_{number}.yaml").write_text(SCENARIO)

    def pod(text: str, **more: str) -> int:
        here = text.replace("/report/", f"{tmp_path}/").replace(
            "harness run", f"harness run {scenarios}"
        )
        ours = Path(sys.executable).parent  # where `python` is the one that has the harness
        environment = os.environ | {"PATH": f"{ours}:{os.environ['PATH']}"} | more
        return subprocess.run(["sh", "-c", here], env=environment, timeout=240).returncode

    for index in range(count):
        assert pod(script(night), JOB_COMPLETION_INDEX=str(index)) == 0
    assert pod(script(merge)) == 0
    results = json.loads((tmp_path / "whole" / "results.json").read_text())
    assert sorted(each["name"] for each in results["scenarios"]) == [
        f"quiet_{number}" for number in range(count + 1)
    ]
