"""A fault that begins after an event begins in real time as in the simulation, and says why."""

from __future__ import annotations

import asyncio
import os

import pytest

from harness.contract.prediction import predict
from harness.engines.base import Engine
from harness.engines.local.engine import LocalEngine
from harness.engines.sim.engine import SimEngine
from harness.history.events import Triggered
from harness.history.view import History
from harness.runs.runner import Played, play_all
from harness.scenario.loader import parse_scenario
from harness.target import Target
from harness.target.loading import bundled
from harness.toxiproxy.locate import find_toxiproxy
from harness.verdict import Verdict
from tests.engines.conftest import Silence

TEXT = b"""
title: Billing is gone for a second, half a second after auth's breaker has opened
duration: 5s
traffic:
  chat:
    request: POST /v1/api/chat
    json: {message: hello, project_id: "{project}"}
    as: ada
    rate: 4/s
faults:
  - {upstream: auth, fault: status, status: 503, to: 4s}
  - {upstream: billing, fault: latency, latency: 10ms, after: {breaker: auth, is: open},
     wait: 500ms, for: 1s}
  - {upstream: auth, fault: latency, latency: 10ms, after: {breaker: auth, is: half_open}}
"""


def reference(*, reports: bool) -> Target:
    target = bundled("reference")
    assert target is not None
    return target if reports else target.model_copy(update={"status": None, "log": None})


def played(engine: Engine, *, reports: bool) -> Played:
    async def run() -> Played:
        target = reference(reports=reports)
        try:
            (one,) = await play_all(
                [parse_scenario(TEXT, "after.yaml")],
                engine=engine,
                target=target,
                watcher=Silence(),
                seed=0,
            )
        finally:
            await engine.close()
        return one

    return asyncio.run(run())


NEVER_BEGAN = "run: fault 3, latency on auth, begins"
ALWAYS = {NEVER_BEGAN, "run: fault 2, latency on billing, meets a call"}
"""What a run says of this outage on the best of machines: nobody calls billing without auth."""


def disturbed(one: Played) -> list[str]:
    """What this machine was too late for, by the run's own word."""
    names = [finding.name for finding in one.judgement.findings]
    return [name for name in names if name.startswith("run: ") and name not in ALWAYS]


def check(one: Played, known_by: str, *, known_s: float, tolerance_s: float) -> None:
    history = History(one.events)
    (event,) = history.all(Triggered)
    assert (event.fault, event.after) == (1, "auth's breaker is open")
    assert event.known_by == known_by
    assert event.at_s == pytest.approx(known_s, abs=tolerance_s)
    spell = next(window for window in history.faults if window.fault == 1)
    assert spell.start_s == pytest.approx(event.at_s + 0.5, abs=min(0.25, tolerance_s))
    assert spell.end_s == pytest.approx(event.at_s + 1.5, abs=min(0.25, tolerance_s))
    found = {finding.name: finding for finding in one.judgement.findings}
    assert found["fault 2, latency on billing, begins"].evidence == known_by
    assert found[NEVER_BEGAN].verdict is Verdict.INCONCLUSIVE


def test_in_the_simulation() -> None:
    by = "the target's status endpoint"
    one = played(SimEngine(), reports=True)
    assert not disturbed(one)
    check(one, by, known_s=1.3, tolerance_s=0.3)


@pytest.mark.real_time
@pytest.mark.parametrize("proxy", ["embedded", "toxiproxy"])
def test_in_real_time(proxy: str) -> None:
    if proxy == "toxiproxy" and find_toxiproxy("") is None:
        if "toxiproxy" in os.environ.get("OUTAGE_REQUIRE", "").split(","):
            pytest.fail("OUTAGE_REQUIRE names toxiproxy, and there is none")
        pytest.skip("no real Toxiproxy here")
    by = "what crossed the proxy" if proxy == "embedded" else "calls at the stub"
    for _ in range(3):
        one = played(LocalEngine(proxy=proxy), reports=False)
        if not disturbed(one):
            break
    else:
        pytest.skip(f"three plays prove nothing on so busy a machine: {disturbed(one)}")
    check(one, by, known_s=1.3, tolerance_s=0.6)


def test_the_arithmetic_says_when_it_begins() -> None:
    forecast = predict(parse_scenario(TEXT, "after.yaml"))
    assert forecast.begins[1].sure
    assert forecast.begins[1].allows(1.8, 0.3)
    assert not forecast.begins[2]
