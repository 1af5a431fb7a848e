"""Exploring in real time: a gateway in Node whose breaker lets everybody try at once."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
import yaml

from harness.cli.entry import call
from harness.scenario.loader import load_scenario
from harness.target.loading import load_target

_TIMES = 2
APP = Path(__file__).parents[1] / "node_gateway" / "app.mjs"


@pytest.fixture
def target(tmp_path: Path) -> Path:
    if shutil.which("node") is None:
        if "node" in os.environ.get("OUTAGE_REQUIRE", "").split(","):
            pytest.fail("OUTAGE_REQUIRE names node, and there is none")
        pytest.skip("there is no node")
    raw = {
        "name": "everybody tries",
        "start": {"command": ["node", str(APP)], "env": {"ANYONE_TRIES": "1"}},
        "upstreams": {"RATES_URL": "rates"},
        "stubs": {"rates": [{"route": "GET /rate", "json": {"rate": 7}}]},
        "routes": {"price": {"request": "GET /price"}},
        "breakers": {
            "rates": {
                "attempts": 2, "timeout": "700ms", "backoff": "400ms", "threshold": 4, "wait": "3s",
            }
        },
    }  # fmt: skip
    file = tmp_path / "target.yaml"
    file.write_text(yaml.safe_dump(raw))
    return file


def test_more_than_one_probe_is_found_and_written(
    target: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    findings = tmp_path / "findings"
    given = ["explore", "--target", str(target), "--engine", "local", "--report", str(findings)]
    for _ in range(_TIMES):
        status = call([*given, "--examples", "2"])
        told = capsys.readouterr().out
        assert "2 outages side by side" in told
        if "too busy for its verdict" not in told or status == 1:
            break
    else:
        pytest.skip("this machine was too busy for a verdict, twice")
    assert status == 1, told
    (file,) = findings.iterdir()
    assert "probe" in file.name
    text = file.read_text()
    assert "--engine local" in text
    assert "in milliseconds" not in text  # the simulation can't play it
    assert load_scenario(file, target=load_target(target)).faults
