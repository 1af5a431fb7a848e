"""`outage prove` as called: a vacuous expectation is told, one that can fail is not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.cli.entry import call

ALARM = """\
title: t
duration: 6s
traffic:
  chat: {request: POST /v1/api/chat, as: ada, rate: 1/s, json: {message: m, project_id: p1}}
faults: [{fault: status, upstream: auth, status: 503, from: 0s, to: 4s}]
expect:
  - {traffic: chat, status: 401, during: 0s..3s}
  - never: {body: Aardvark}
"""
SOUND = """\
name: sound
start: {command: ["{python}", -m, gateway], wsgi: "gateway.wsgi:app"}
"""
LATE = """\
name: "{defect}"
start: {command: ["{python}", aardvark.py], wsgi: "aardvark:app", env: {SAYS: "{defect}"}}
"""
APP = """\
import json, os
from gateway.wsgi import app as sound
def app(environ, start_response):
    body = b"".join(sound(environ, lambda status, headers, *more: None))
    said = json.dumps({"say": os.environ["SAYS"]}).encode()
    length = str(len(said))
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", length)])
    return [said]
"""

SHOP = """\
import os, urllib.request
def app(environ, start_response):
    try:
        urllib.request.urlopen(os.environ["STOCK_URL"] + "/stock", timeout=1)
    except OSError:
        pass
    start_response("200 OK", [("Content-Length", "0")])
    return [b""]
"""
STOCKED = """\
name: shop
start: {wsgi: "shop:app"}
upstreams: {STOCK_URL: stock}
stubs: {stock: [{route: GET /stock, json: {left: 1}}]}
"""
STOCK_DOWN = """\
title: t
duration: 3s
traffic: {shelf: {request: GET /shelf, rate: 1/s}}
faults: [{fault: status, upstream: stock, status: 503, to: 2s}]
expect: [{traffic: shelf, status: 200}]
"""


@pytest.fixture
def alarm(tmp_path: Path) -> Path:
    path = tmp_path / "alarm.yaml"
    path.write_text(ALARM, encoding="utf-8")
    return path


def test_an_expectation_that_cannot_fail_is_told_and_one_that_can_is_not(
    alarm: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "sound.yaml"
    target.write_text(SOUND, encoding="utf-8")
    assert call(["prove", str(alarm), "--target", str(target), "--format", "json"]) == 1
    said = capfd.readouterr()
    told = json.loads(said.out)
    assert told["proved"] == [
        {
            "scenario": "alarm",
            "expectation": "chat is answered 401 in 0s..3s",
            "failed_by": "without its faults",
        }
    ]
    (found,) = told["unprovable"]
    assert found == {
        "scenario": "alarm",
        "expectation": "never 'Aardvark' in an answer for a request",
        "expected": "never 'Aardvark' in an answer",
        "why": "passed on every gateway tried: 2 plays (without its faults, naive)",
        "file": str(alarm),
        "line": 8,
    }
    assert "1 of 2 expectations failed on some gateway" in said.err


def test_defects_of_ones_own_prove_it(
    alarm: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "aardvark.py").write_text(APP, encoding="utf-8")
    (tmp_path / "target.yaml").write_text(LATE, encoding="utf-8")
    listed = [{"id": "Aardvark", "claims": [], "scenarios": ["alarm"]}]
    (tmp_path / "defects.json").write_text(json.dumps(listed), encoding="utf-8")
    assert call(["prove", str(alarm), "--defects", str(tmp_path)]) == 0
    said = capfd.readouterr().out
    assert "✓  alarm: 2 of 2 expectations failed on some gateway (3 plays)" in said
    assert "each of 2 expectations failed on some gateway" in said


@pytest.mark.parametrize("listed", ["{}", "[{}]", '[{"id": "a b"}]', "["])
def test_a_list_that_is_none_is_refused(
    listed: str, alarm: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "target.yaml").write_text(LATE, encoding="utf-8")
    (tmp_path / "defects.json").write_text(listed, encoding="utf-8")
    assert call(["prove", str(alarm), "--defects", str(tmp_path)]) == 2
    assert "defects.json" in capfd.readouterr().err


def test_what_cannot_be_played_is_said(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "boxed.yaml"
    path.write_text(ALARM + "engines: [compose]\n", encoding="utf-8")
    assert call(["prove", str(path)]) == 3
    assert "boxed: not played" in capfd.readouterr().out


def test_that_only_calm_was_tried_is_said(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Nobody has a gateway with mistakes that calls an upstream of one's own."""
    (tmp_path / "shop.py").write_text(SHOP, encoding="utf-8")
    target, path = tmp_path / "shop.yaml", tmp_path / "stock_down.yaml"
    target.write_text(STOCKED, encoding="utf-8")
    path.write_text(STOCK_DOWN, encoding="utf-8")
    assert call(["prove", str(path), "--target", str(target)]) == 1
    said = capfd.readouterr()
    assert "played without its faults only" in said.err
    assert "0 of 1 expectation failed on some gateway (1 play)" in said.out
