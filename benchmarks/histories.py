"""Histories of any length, made of a real play in the simulation by going on with its quiet half.

The play: auth is black-holed for its first 50 s, then all is well. What is added is what the quiet
half left, later and with other ids: nothing in it is told that the simulation did not tell.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from harness.engines.base import Job
from harness.engines.sim.engine import SimEngine
from harness.history.events import Answered, Called, Crossed, Event, Phase, Replied, Sent
from harness.scenario.loader import parse_scenario
from harness.scenario.model import Scenario
from harness.target.loading import bundled
from harness.timeline import compile_timeline

_PLAYED_S = 300
_QUIET_FROM_S = 150
OUTAGE = """
title: auth is down for 50 s
duration: {duration}s
traffic:
  checks: {{request: GET /v1/api/auth/check, as: ada, rate: {rate}/s}}
faults:
  - {{upstream: auth, fault: blackhole, from: 0s, to: 50s}}
expect:
  - {{breaker: auth, keeps: contract}}
  - never: {{status: 500}}
"""


def history_of(requests: int, *, rate: int = 10) -> tuple[Scenario, Iterator[Event]]:
    """A scenario with about so many requests, and a history of it, event by event."""
    played = _played(rate)
    quiet_s = _PLAYED_S - _QUIET_FROM_S
    copies = max(0, round((requests / rate - _PLAYED_S) / quiet_s))
    duration_s = _PLAYED_S + copies * quiet_s
    scenario = parse_scenario(
        OUTAGE.format(rate=rate, duration=min(duration_s, 86_400)), "big.yaml"
    )
    longer = scenario.model_copy(update={"duration": float(duration_s)})
    return longer, _whole(played, copies, quiet_s)


def _played(rate: int) -> Sequence[Event]:
    scenario = parse_scenario(OUTAGE.format(rate=rate, duration=_PLAYED_S), "big.yaml")
    target = bundled("reference")
    assert target is not None
    engine = SimEngine()
    try:
        with tempfile.TemporaryDirectory() as folder:
            timeline = compile_timeline(scenario)
            job = Job(scenario=scenario, timeline=timeline, target=target, folder=Path(folder))
            return engine.play_now(job)
    finally:
        engine.close_now()


def _whole(played: Sequence[Event], copies: int, quiet_s: float) -> Iterator[Event]:
    ends = [event for event in played if isinstance(event, Phase) and event.phase == "end"]
    yield from (event for event in played if event not in ends)
    quiet = [event for event in _of_requests(played) if event.at_s >= _QUIET_FROM_S]
    whole = {event.id for event in quiet if isinstance(event, Sent)}
    quiet = [e for e in quiet if not isinstance(e, Answered) or e.id in whole]
    ids = max(getattr(event, "id", 0) for event in played)
    connections = max(getattr(event, "connection", 0) for event in played)
    numbers = sum(isinstance(event, Sent) for event in quiet)
    for copy in range(1, copies + 1):
        later_s = copy * quiet_s
        for event in quiet:
            yield _later(event, later_s, copy * ids, copy * connections, copy * numbers)
    yield from (replace(end, at_s=end.at_s + copies * quiet_s) for end in ends)


def _of_requests(played: Sequence[Event]) -> Iterator[Event]:
    kinds = (Sent, Answered, Called, Replied, Crossed)
    return (event for event in played if isinstance(event, kinds))


def _later(event: Event, by_s: float, ids: int, connections: int, numbers: int) -> Event:
    at_s = event.at_s + by_s
    match event:
        case Sent():
            planned_s, number = event.planned_s + by_s, event.number + numbers
            moved = replace(event, at_s=at_s, planned_s=planned_s, id=event.id + ids, number=number)
            return replace(moved, trace=_other(event.trace, ids))
        case Crossed():
            return replace(event, at_s=at_s, connection=event.connection + connections)
        case Called():
            return replace(event, at_s=at_s, id=event.id + ids, trace=_other(event.trace, ids))
        case Answered() | Replied():
            return replace(event, at_s=at_s, id=event.id + ids)
        case _:
            raise TypeError(event)


def _other(trace: str, ids: int) -> str:
    """The trace of a request that is told again with another id."""
    return f"{(int(trace, 16) + ids) % 2**128:032x}" if trace else ""
