"""Requests and the attempts that they cause are joined by trace, where the target passes it on."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from pathlib import Path

from harness.engines.sim.engine import SimEngine
from harness.history.events import Called, Sent
from harness.runs.runner import Played, play_all
from harness.scenario.loader import load_scenario
from harness.target.loading import bundled
from harness.trace import trace_id, trace_in, traceparent

SCENARIO = Path(__file__).parents[3] / "scenarios" / "auth_one_503.yaml"


@dataclass
class Silent:
    def progress(self, *_: object) -> None: ...

    def done(self, _played: Played) -> None: ...


def test_ids_follow_from_what_is_asked_and_are_valid():
    trace = trace_id(7, "s", "chat", 1)
    assert trace == trace_id(7, "s", "chat", 1, "127.0.0.9")
    others = {trace_id(8, "s", "chat", 1), trace_id(7, "s", "chat", 2), trace_id(7, "t", "chat", 1)}
    assert len(others | {trace}) == 4
    assert trace_id(7, "s", "chat", 0, "a") != trace_id(7, "s", "chat", 0, "b")
    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-01", traceparent(trace))
    assert trace_in(traceparent(trace)) == trace
    for bad in (None, 3, "", "00-" + "0" * 32 + "-" + "1" * 16 + "-01", "00-xyz-01"):
        assert trace_in(bad) == ""


def test_every_call_at_a_stub_says_which_request_made_it(simulation: SimEngine) -> None:
    target = bundled("reference")
    assert target is not None
    (played,) = asyncio.run(
        play_all([load_scenario(SCENARIO)], engine=simulation, target=target, watcher=Silent())
    )
    events = played.events
    sent = {event.trace: event for event in events if isinstance(event, Sent)}
    calls = [event for event in events if isinstance(event, Called)]
    assert len(sent) == sum(isinstance(event, Sent) for event in events)
    assert calls
    for call in calls:
        assert sent[call.trace].at_s <= call.at_s
