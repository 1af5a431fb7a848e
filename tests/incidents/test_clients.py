"""Clients that hang up and try again leave the same facts in real time and in the simulation."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from harness.engines.base import Engine
from harness.engines.local.engine import LocalEngine
from harness.engines.sim.engine import SimEngine
from harness.history.lines import from_json, to_json
from harness.history.view import History
from harness.runs.runner import play_all
from harness.scenario.loader import parse_scenario
from harness.target import Target
from harness.target.loading import bundled, load_target
from tests.engines.conftest import Silence

TEXT = """
title: Two clients while auth is silent
duration: 5s
traffic:
  chat:
    request: POST /v1/api/chat
    json: {message: hello, project_id: "{project}"}
    as: ada
    count: 2 at 500ms
    hang_up: 1s
    retry: {attempts: 3, wait: [500ms, 1s], on: error}
faults: [{upstream: auth, fault: blackhole, to: 2500ms}]
"""
"""Tries leave at 0.5, 2.0 and 4.0 s; the first two are given up at 1.5 and 3.0 s."""


def reference() -> Target:
    target = bundled("reference")
    assert target is not None
    return target


def facts(engine: Engine) -> History:
    async def run() -> History:
        scenario = parse_scenario(TEXT, "clients.yaml")
        try:
            (played,) = await play_all(
                [scenario], engine=engine, target=reference(), watcher=Silence(), seed=0
            )
        finally:
            await engine.close()
        return History(played.events)

    return asyncio.run(run())


def check(history: History, tolerance_s: float) -> None:
    by_try = {k: [r for r in history.requests if r.tried == k] for k in (1, 2, 3)}
    assert [len(each) for each in by_try.values()] == [2, 2, 2]
    for k, sent_s, left_s in ((1, 0.5, 1.5), (2, 2.0, 3.0)):
        for request in by_try[k]:
            assert request.unanswered
            assert not request.given_up
            assert request.at_s == pytest.approx(sent_s, abs=tolerance_s)
            assert request.hung_up_s == pytest.approx(left_s, abs=tolerance_s)
    for request in by_try[3]:
        assert request.given_up
        assert request.planned_s == pytest.approx(4.0, abs=2 * tolerance_s)
        assert request.status == 200
    assert {request.number for request in history.requests} == {1, 2}
    assert len({request.trace for request in history.requests}) == 6
    assert [from_json(to_json(event)) for event in history.events] == list(history.events)


def test_in_the_simulation() -> None:
    check(facts(SimEngine()), 0.001)


@pytest.mark.real_time
def test_in_real_time() -> None:
    check(facts(LocalEngine(proxy="embedded")), 0.3)


ASGI = Path(__file__).parents[1] / "asgi_gateway" / "target.yaml"


def test_an_asgi_application_may_hear_of_it(tmp_path: Path) -> None:
    """The application waits for its client to leave, and says when it did."""
    (tmp_path / "waiting.py").write_text(
        "import time\n"
        "async def app(scope, receive, send):\n"
        "    if scope['type'] != 'http':\n"
        "        return\n"
        "    await receive()\n"
        "    if scope['path'] == '/wait' and b'x-play' in dict(scope['headers']):\n"
        "        begun = time.monotonic()\n"
        "        message = await receive()\n"
        "        print('left', message['type'], round(time.monotonic() - begun, 3), flush=True)\n"
        "    await send({'type': 'http.response.start', 'status': 200, 'headers': []})\n"
        "    await send({'type': 'http.response.body', 'body': b'x'})\n",
        encoding="utf-8",
    )
    (tmp_path / "target.yaml").write_text(
        "name: waiting\nstart: {asgi: 'waiting:app', command: [none]}\n"
        "ready: GET /health\nupstreams: {AUTH_URL: auth}\n",
        encoding="utf-8",
    )
    target = load_target(tmp_path / "target.yaml")
    text = (
        "title: x\nduration: 5s\ntraffic: {wait: {request: GET /wait, count: 1 at 1s, hang_up: 2s,"
        " headers: {X-Play: '{number}'}}}\n"
    )
    scenario = parse_scenario(text.replace("'{number}'", "'1'"), "x.yaml", target=target)
    engine = SimEngine()

    async def run() -> History:
        try:
            (played,) = await play_all(
                [scenario], engine=engine, target=target, watcher=Silence(), seed=0
            )
        finally:
            await engine.close()
        return History(played.events)

    history = asyncio.run(run())
    lines = [event.line for event in history.logs if event.line.startswith("left")]
    assert "left http.disconnect 2.0" in lines, [event.line for event in history.logs]
