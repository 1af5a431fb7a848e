"""`outage init`: from an application's folder to files that pass; nothing is written over."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from harness.cli.entry import call
from harness.target.loading import load_target

TESTS = Path(__file__).parents[1]


def _copy(tmp_path: Path, *files: Path) -> Path:
    folder = tmp_path / "shop"
    folder.mkdir()
    for file in files:
        shutil.copy(file, folder / file.name)
    return folder


def _node() -> None:
    if shutil.which("node") is None:
        if "node" in os.environ.get("OUTAGE_REQUIRE", "").split(","):
            pytest.fail("OUTAGE_REQUIRE names node, and there is none")
        pytest.skip("there is no node")


def test_a_node_application_and_then_nothing_is_written_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _node()
    folder = _copy(tmp_path, TESTS / "node_gateway" / "app.mjs")
    assert call(["init", str(folder), "--no-measure"]) == 0
    told = capsys.readouterr()
    assert "a Node application, by app.mjs" in told.err
    assert "1 passed" in told.out
    target = load_target(folder / "outage" / "target.yaml")
    assert target.upstreams == {"RATES_URL": "rates"}
    assert [route.route for route in target.stubs["rates"]] == ["GET /rate"]
    (step,) = target.contract.routes["price"].calls
    assert (step.call, step.else_) == ("rates GET /rate", (503,))
    assert "B4" in target.without
    assert call(["init", str(folder)]) == 2
    assert "nothing is written over" in capsys.readouterr().err


def test_a_fastapi_application_is_asked_what_it_offers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = _copy(tmp_path, TESTS.parent / "examples" / "purgatory" / "app.py")
    assert call(["init", str(folder), "--no-measure"]) == 0
    told = capsys.readouterr()
    assert "by its own /openapi.json" in told.err
    contract = (folder / "outage" / "contract.yaml").read_text(encoding="utf-8")
    assert "is not measured yet" in contract.partition("name:")[0]
    target = load_target(folder / "outage" / "target.yaml")
    assert target.start is not None
    assert target.start.asgi == "app:app"
    assert target.contract.traffic["price"].request == "GET /price"


def test_what_is_not_answered_well_writes_nothing_and_says_what_to_say(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "app.py").write_text(
        "import os, requests\nfrom flask import Flask\napp = Flask(__name__)\n"
        "@app.get('/price')\ndef price():\n"
        "    said = requests.get(os.environ['RATES_URL'] + '/rate').text\n"
        "    return {'price': 100 * float(said)}\n"
    )
    assert call(["init", str(folder)]) == 2
    told = capsys.readouterr().err
    assert "GET /price: answered 500" in told
    assert "--answer 'rates" in told
    assert not (folder / "outage").exists()
