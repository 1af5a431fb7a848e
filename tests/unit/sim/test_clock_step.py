"""Steps of the wall clock: every wall clock of the target shows them, no other and no wait does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.engines.base import Abilities, Job
from harness.engines.sim.engine import SimEngine
from harness.history.events import Applied, Lifted
from harness.history.view import History
from harness.scenario.model import Scenario
from harness.target import Start, Target
from harness.timeline import compile_timeline

from .conftest import Outcome, Simulate, send

HOUR_S = 3600.0
CLOCKS = """
import calendar, datetime, json, time
from datetime import date, datetime as moment
def seconds(when):
    return calendar.timegm(when.timetuple())
def work(environ):
    wall = {
        "time": time.time(),
        "time_ns": time.time_ns() / 1e9,
        "clock_gettime": time.clock_gettime(time.CLOCK_REALTIME),
        "gmtime": calendar.timegm(time.gmtime()),
        "localtime": time.mktime(time.localtime()),
        "ctime": time.mktime(time.strptime(time.ctime())),
        "strftime": time.mktime(time.strptime(time.strftime("%c"), "%c")),
        "now(UTC)": moment.now(datetime.timezone.utc).timestamp(),
        "now": moment.now().timestamp(),
        "utcnow": seconds(moment.utcnow()),
        "today": moment.today().timestamp(),
    }
    other = {
        "monotonic": time.monotonic(),
        "monotonic_ns": time.monotonic_ns() / 1e9,
        "perf_counter": time.perf_counter(),
        "clock_gettime": time.clock_gettime(time.CLOCK_MONOTONIC),
    }
    return json.dumps({"wall": wall, "other": other, "day": date.today().isoformat()})
"""


def step(at_s: float, *, apply: int | None = None, lift: int | None = None) -> Any:
    return {"at_s": at_s, "send": None, "apply": apply, "lift": lift}


def stepped(simulate: Simulate, source: str, *by_s: float, sends: tuple[float, ...]) -> Outcome:
    """Requests at `sends`; step number i is made at 1 + 2i s, and taken back 10 s later."""
    faults = [
        {
            "index": index,
            "name": "clock_step",
            "upstreams": [],
            "apply": [["step_clock", seconds]],
            "lift": [["step_clock", -seconds]],
        }
        for index, seconds in enumerate(by_s)
    ]
    steps = [send(at_s, number=number) for number, at_s in enumerate(sends, 1)]
    steps += [step(1.0 + 2 * index, apply=index) for index in range(len(by_s))]
    steps += [step(11.0 + 2 * index, lift=index) for index in range(len(by_s))]
    steps.sort(key=lambda each: each["at_s"])
    outcome = simulate(source, faults=faults, steps=steps, duration_s=20.0)
    assert outcome.troubles == []
    assert outcome.escapes == []
    return outcome


@pytest.mark.parametrize("by_s", [-HOUR_S, 90.0])
def test_every_wall_clock_is_stepped_and_no_other(by_s: float, simulate: Simulate) -> None:
    outcome = stepped(simulate, CLOCKS, by_s, sends=(0.0, 10.0, 20.0 - 1))
    before, during, after = (json.loads(body) for body in outcome.bodies)
    for name in before["wall"]:
        assert during["wall"][name] - before["wall"][name] == pytest.approx(10 + by_s, abs=0.01)
        assert after["wall"][name] - before["wall"][name] == pytest.approx(19, abs=0.01)
    for name in before["other"]:
        assert during["other"][name] - before["other"][name] == pytest.approx(10, abs=0.01)


def test_a_step_of_days_changes_the_date(simulate: Simulate) -> None:
    outcome = stepped(simulate, CLOCKS, -48 * HOUR_S, sends=(0.0, 5.0))
    before, during = (json.loads(body)["day"] for body in outcome.bodies)
    assert during < before


def test_steps_add_up_and_each_is_taken_back(simulate: Simulate) -> None:
    sends = (0.0, 2.0, 4.0, 12.0, 14.0)
    outcome = stepped(simulate, CLOCKS, -HOUR_S, 60.0, sends=sends)
    shown = [json.loads(body)["wall"]["time"] for body in outcome.bodies]
    offsets = [wall - shown[0] - at_s for wall, at_s in zip(shown, sends, strict=True)]
    assert offsets == pytest.approx([0, -HOUR_S, 60 - HOUR_S, 60, 0], abs=0.01)


def test_waits_in_progress_end_when_they_would_have(simulate: Simulate) -> None:
    source = """
import queue, threading, time
def work(environ):
    wall, begun = time.time(), time.monotonic()
    time.sleep(2); threading.Event().wait(2)
    try: queue.Queue().get(timeout=2)
    except queue.Empty: pass
    return round(time.monotonic() - begun, 3), round(time.time() - wall, 3)
"""
    outcome = stepped(simulate, source, -HOUR_S, sends=(0.0,))
    assert outcome.body == str((6.0, 6.0 - HOUR_S))


STEPS = {
    "title": "the wall clock steps back",
    "duration": "20s",
    "traffic": {"look": {"request": "GET /", "as": "ada", "rate": "1/s"}},
    "faults": [
        {"fault": "clock_step", "by": "-1h", "from": "5s", "to": "12s"},
        {"fault": "clock_step", "by": "+30s", "from": "8s"},
    ],
    "expect": [{"traffic": "look", "status": 200}],
}
NOW = """
import time
def app(environ, start_response):
    start_response("200 OK", [("X-Now", str(time.time()))])
    return [b"{}"]
"""


def test_the_history_says_when_the_clock_was_stepped(simulation: SimEngine, tmp_path: Path) -> None:
    (tmp_path / "gw.py").write_text(NOW, encoding="utf-8")
    scenario = Scenario.model_validate(STEPS)
    target = Target(
        name="small",
        start=Start(command=("{python}", "gw.py"), wsgi="gw:app"),
        upstreams={"AUTH_SERVER_URL": "auth"},
        ready="GET /",
        file=str(tmp_path / "small.yaml"),
    )
    timeline = compile_timeline(scenario)
    job = Job(scenario=scenario, timeline=timeline, target=target, folder=tmp_path)
    history = History(simulation.play_now(job))
    assert history.troubles == ()
    made = [(e.name, e.upstreams, e.fault, e.at_s) for e in history.all(Applied)]
    assert made == [("clock_step", (), 0, 5.0), ("clock_step", (), 1, 8.0)]
    assert [(e.fault, e.at_s) for e in history.all(Lifted)] == [(0, 12.0), (1, 20.0)]
    shown = [float(dict(r.headers)["x-now"]) for r in history.requests if r.headers]
    offsets = [round(now - shown[0] - index) for index, now in enumerate(shown)]
    assert offsets == [0] * 5 + [-3600] * 3 + [-3570] * 4 + [30] * 8


@pytest.mark.parametrize("engine", ["local", "compose"])
def test_only_the_simulation_steps_clocks(engine: str) -> None:
    scenario = Scenario.model_validate(STEPS)
    assert Abilities(engine="sim").unplayable(scenario) is None
    assert Abilities(engine=engine).unplayable(scenario) == (
        f"the engine {engine} can't play clock_step; sim can"
    )
