"""A target that reaches for the controls of its upstreams finds paths like any other."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

APP = """
import json, os, urllib.error, urllib.request

REACHES = [("PUT", "/_stub/behaviours/x"), ("DELETE", "/_stub/behaviours"), ("GET", "/_stub/clock"),
           ("GET", "/_stub/records"), ("GET", "/%5Fstub/clock"), ("GET", "//_stub/clock")]

def app(environ, start):
    said = ["OUTAGE_CONTROL_TOKEN" in os.environ]
    for method, path in REACHES if environ["PATH_INFO"] != "/health" else ():
        data = b'{"action": "status", "status": 200}' if method == "PUT" else None
        request = urllib.request.Request(os.environ["AUTH_SERVER_URL"] + path, data, method=method)
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                said.append(answer.status)
        except urllib.error.HTTPError as error:
            said.append(error.code)
    text = json.dumps(said).encode()
    start("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(text)))])
    return [text]
"""
TARGET = """
name: reaching
start:
  wsgi: app:app
  command: ["{python}", "-m", "waitress", "--host=127.0.0.1", "--port={port}", "app:app"]
upstreams: {AUTH_SERVER_URL: auth}
"""
SCENARIO = """
title: reaches for control
duration: 2s
traffic: {a: {request: GET /x, rate: 1/s}}
faults: [{upstream: auth, fault: status, status: 503, from: 500ms, to: 2s}]
expect: [{traffic: a, status: 200}]
"""


@pytest.mark.parametrize("engine", ["sim", "local"])
def test_no_target_controls_its_upstreams(engine: str, tmp_path: Path) -> None:
    for name, text in (("app.py", APP), ("target.yaml", TARGET), ("reaches.yaml", SCENARIO)):
        (tmp_path / name).write_text(text)
    command = [sys.executable, "-m", "harness", "run", "reaches.yaml", "--target", "target.yaml"]
    subprocess.run([*command, "--engine", engine, "--report", "out"], cwd=tmp_path, check=False)
    lines = (tmp_path / "out" / "reaches.history.jsonl").read_text().splitlines()
    events = [json.loads(line) for line in lines]
    bodies = [event["body"] for event in events if event["kind"] == "answered"]
    # While the fault is in force it hits these calls, too, whatever they have tried before.
    assert bodies[0] == [False] + [404] * 6
    assert bodies[-1] == [False] + [503] * 6
