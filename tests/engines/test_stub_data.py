"""Stubs told as data answer alike in the simulation and in processes: turns, places, delays.

The target finds them by host and port, not by a URL.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from harness.engines.base import Engine
from harness.engines.local.engine import LocalEngine
from harness.engines.sim.engine import SimEngine
from harness.history.events import Answered, Sent
from harness.runs.runner import Played, play_all
from harness.scenario.loader import load_scenarios
from harness.target.loading import load_target
from tests.engines.conftest import Silence
from tests.engines.test_same_verdicts import told

APP = """
import json, os
from urllib.request import Request, urlopen
from urllib.error import HTTPError

def app(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/health":
        start_response("200 OK", [("Content-Type", "application/json")])
        return [b"{}"]
    address = os.environ["STOCK_HOST"] + ":" + os.environ["STOCK_PORT"]
    asked = Request(
        "http://" + address + path + "?colour=red",
        data=json.dumps({"count": 3}).encode(), headers={"X-Shop": "corner"},
    )
    try:
        with urlopen(asked, timeout=2) as answer:
            said, status = answer.read(), "200 OK"
    except HTTPError as error:
        said, status = b"{}", f"{error.code} so"
    start_response(status, [("Content-Type", "application/json")])
    return [said]

if __name__ == "__main__":
    from wsgiref.simple_server import make_server
    make_server("127.0.0.1", int(os.environ["PORT"]), app).serve_forever()
"""
TARGET = """
name: a shop
start:
  command: ["{python}", app.py]
  wsgi: "app:app"
  env: {STOCK_HOST: "{stock.host}", STOCK_PORT: "{stock.port}"}
stubs:
  stock:
    - route: POST /stock/*
      json: {sku: "{path.2}", colour: "{query.colour}", shop: "{header.x-shop}", n: "{json.count}"}
      delay: 300ms
    - route: POST /turns
      answers: [{json: {turn: "{call}"}}, {json: {turn: "{call}"}}, {status: 503}]
      cycle: true
"""
SCENARIO = """
title: answers as the target file says
duration: 2s
traffic:
  stock: {request: POST /stock/s7, rate: 1/s}
  turns: {request: POST /turns, rate: 4/s}
expect:
  - {traffic: stock, status: 200, latency: 300ms..900ms}
"""


def play(engine: Engine, folder: Path) -> Played:
    (folder / "app.py").write_text(APP, encoding="utf-8")
    (folder / "target.yaml").write_text(TARGET, encoding="utf-8")
    (folder / "told.yaml").write_text(SCENARIO, encoding="utf-8")
    target = load_target(folder / "target.yaml")
    scenarios = load_scenarios([folder / "told.yaml"], target=target)

    async def run() -> Played:
        try:
            (played,) = await play_all(scenarios, engine=engine, target=target, watcher=Silence())
            return played
        finally:
            await engine.close()

    return asyncio.run(run())


def answers(played: Played, stream: str) -> list[tuple[int | None, Any]]:
    sent = {e.id: e for e in played.events if isinstance(e, Sent) and e.stream == stream}
    found = [e for e in played.events if isinstance(e, Answered) and e.id in sent]
    return [(e.status, e.body) for e in sorted(found, key=lambda e: sent[e.id].at_s)]


@pytest.mark.parametrize("engine", ["sim", pytest.param("local", marks=pytest.mark.real_time)])
def test_stubs_answer_as_they_were_told(engine: str, tmp_path: Path) -> None:
    played = play(SimEngine() if engine == "sim" else LocalEngine(proxy="embedded"), tmp_path)
    assert played.judgement.verdict.value == "passed", told(played)
    for status, body in answers(played, "stock"):
        assert (status, body) == (200, {"sku": "s7", "colour": "red", "shop": "corner", "n": 3})
    turns = answers(played, "turns")
    assert [status for status, _ in turns[:6]] == [200, 200, 503, 200, 200, 503]
    said = [body["turn"] for status, body in turns if status == 200]
    assert said[:4] == [1, 2, 4, 5]
