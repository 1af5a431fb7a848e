"""A target's own Python, which has nothing of the harness's packages."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from harness.engines.base import Job
from harness.engines.sim.engine import SimEngine
from harness.errors import InvalidFile
from harness.history.events import Answered, Trouble
from harness.scenario.loader import parse_scenario
from harness.target.loading import load_target, parse_target
from harness.target.wired import Wired
from harness.timeline import compile_timeline

APP = """\
import importlib.util, os, sys, urllib.request

def app(environ, start):
    url = os.environ["MILL_URL"] + "/stock"
    kilo = urllib.request.urlopen(url, timeout=2).read()
    start("200 OK" if sys.prefix != sys.base_prefix else "500 WRONG", [])
    return [kilo, repr(importlib.util.find_spec("flask")).encode()]
"""
TARGET = """\
name: bakery
start: {command: ["{python}", app.py], wsgi: "app:app", python: %s}
ready: GET /
upstreams: {MILL_URL: mill}
stubs: {mill: [{route: GET /stock, json: {kilo: 7}}]}
"""
SCENARIO = """\
title: all is well
duration: 5s
traffic: {flour: {request: GET /flour, rate: 1/s}}
expect: [{traffic: flour, status: 200}]
"""


def test_the_simulation_runs_in_the_python_that_a_target_names(tmp_path: Path) -> None:
    made = [sys.executable, "-m", "venv", "--without-pip", str(tmp_path / ".venv")]
    subprocess.run(made, check=True)
    (tmp_path / "app.py").write_text(APP)
    (tmp_path / "target.yaml").write_text(TARGET % ".venv/bin/python")
    target = load_target(tmp_path / "target.yaml")
    scenario = parse_scenario(SCENARIO, "well.yaml", target=target)
    job = Job(
        scenario=scenario, timeline=compile_timeline(scenario), target=target, folder=tmp_path
    )
    engine = SimEngine()
    try:
        events = engine.play_now(job)
    finally:
        engine.close_now()
    assert [one.what for one in events if isinstance(one, Trouble)] == []
    answers = [one for one in events if isinstance(one, Answered)]
    assert {one.status for one in answers} == {200}
    own = str(tmp_path / ".venv/bin/python")
    assert Wired(target, 80, {"mill": 81}).command == [own, "app.py"]


def test_a_python_that_is_not_there_is_named() -> None:
    with pytest.raises(InvalidFile, match=r"t.yaml:2: there is no file .*none/bin/python"):
        parse_target(TARGET % "none/bin/python", "t.yaml")
