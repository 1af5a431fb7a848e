"""What the machine does to a run is no fault of the target: a process that stands still is seen."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path

import pytest

from tests.end_to_end.test_run import TARGET, WITHIN_S, assert_nothing_left, outage, processes

pytestmark = [
    pytest.mark.real_time,
    pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells that a process stopped"),
]

SCENARIO = """
title: Nothing happens to somebody else's gateway
claims: [G9]
duration: 6s
traffic:
  chat: {request: POST /v1/api/chat, json: {message: hello}, as: ada, rate: 5/s}
expect:
  - {traffic: chat, latency: "< 400ms"}
"""


def wait_until_sent(history: Path, requests: int) -> None:
    deadline_s = time.monotonic() + WITHIN_S
    while time.monotonic() < deadline_s:
        if history.exists() and history.read_text().count('"kind":"sent"') >= requests:
            return
        time.sleep(0.05)
    raise AssertionError("the run did not begin to play")


@pytest.mark.parametrize(
    ("whose", "words"), [("app.py", "the target"), ("-m stub_services", "the stubs")]
)
def test_a_process_that_is_stopped_for_a_moment_accuses_nobody(
    tmp_path: Path, whose: str, words: str
) -> None:
    (tmp_path / "quiet.yaml").write_text(SCENARIO)
    report = tmp_path / "out"
    run = outage("run", "quiet.yaml", "--target", TARGET, "--report", str(report), cwd=tmp_path)
    wait_until_sent(report / "quiet.history.jsonl", 12)
    struck = [pid for pid, command in processes(tmp_path) if whose in command]
    assert struck
    for pid in struck:
        os.kill(pid, signal.SIGSTOP)
    time.sleep(0.9)
    for pid in struck:
        os.kill(pid, signal.SIGCONT)
    told, _ = run.communicate(timeout=WITHIN_S)
    assert run.returncode == 3, told
    results = json.loads((report / "results.json").read_text())
    (scenario,) = results["scenarios"]
    assert scenario["verdict"] == "inconclusive"
    assert scenario["busy"].startswith(f"{words} stood still for")
    last = told.strip().splitlines()[-1]
    assert last.startswith("1 scenario is inconclusive because this machine was too busy: ")
    assert last == results["busy"]
    assert_nothing_left(tmp_path)
