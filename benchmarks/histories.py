"""Histories of any length, made of a real play in the simulation by going on with its quiet half.

    python benchmarks/histories.py REQUESTS RATE FOLDER     and then: outage judge FOLDER

The play: auth is black-holed for its first 50 s, then all is well. What is added is what the quiet
half left, later and with other ids: nothing in it is told that the simulation did not tell.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from msgspec.structs import replace

from harness.bundled import PLAYED
from harness.engines.base import Job
from harness.engines.sim.engine import SimEngine
from harness.history.events import Answered, Called, Crossed, Event, Phase, Replied, Sent
from harness.history.lines import to_json
from harness.history.store import HISTORY
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


def history_of(requests: int, *, rate: int = 10) -> tuple[Scenario, Iterator[str]]:
    """A scenario with about so many requests, and a history of it, line by line."""
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


def _whole(played: Sequence[Event], copies: int, quiet_s: float) -> Iterator[str]:
    ends = [event for event in played if isinstance(event, Phase) and event.phase == "end"]
    yield from (to_json(event) for event in played if event not in ends)
    quiet = [event for event in _of_requests(played) if event.at_s >= _QUIET_FROM_S]
    whole = {event.id for event in quiet if isinstance(event, Sent)}
    quiet = [e for e in quiet if not isinstance(e, Answered) or e.id in whole]
    more = {
        "id": max(getattr(event, "id", 0) for event in played),
        "connection": max(getattr(event, "connection", 0) for event in played),
        "number": sum(isinstance(event, Sent) for event in quiet),
    }
    lines = [_Line(event) for event in quiet]
    for copy in range(1, copies + 1):
        for line in lines:
            yield line.later(copy * quiet_s, {name: copy * step for name, step in more.items()})
    yield from (to_json(replace(end, at_s=end.at_s + copies * quiet_s)) for end in ends)


def _of_requests(played: Sequence[Event]) -> Iterator[Event]:
    kinds = (Sent, Answered, Called, Replied, Crossed)
    return (event for event in played if isinstance(event, kinds))


class _Line:
    """The line of an event that is told again and again: later, and with other ids."""

    def __init__(self, event: Event) -> None:
        record = json.loads(to_json(event))
        self._instants = [(name, record[name]) for name in ("at_s", "planned_s") if name in record]
        numbers = ("id", "connection", "number")
        self._numbers = [(name, record[name]) for name in numbers if name in record]
        self._trace = int(record["trace"], 16) if "trace" in record else None
        told = [name for name, _ in (*self._instants, *self._numbers)]
        text = json.dumps(record | {name: f"{name}!" for name in told}, separators=(",", ":"))
        text = text.replace("%", "%%")
        for name in told:
            text = text.replace(f'"{name}!"', f"%({name})s")
        if self._trace is not None:
            text = text.replace(record["trace"], "%(trace)032x")
        self._text = text

    def later(self, by_s: float, more: Mapping[str, int]) -> str:
        """The same event, so much later, of others of its kind."""
        told: dict[str, object] = {name: round(at_s + by_s, 6) for name, at_s in self._instants}
        told |= {name: number + more[name] for name, number in self._numbers}
        if self._trace is not None:
            told["trace"] = (self._trace + more["id"]) % 2**128
        return self._text % told


def main() -> None:
    """Write a folder that `outage judge` can judge."""
    requests, rate, folder = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    scenario, lines = history_of(requests, rate=rate)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"big{HISTORY}").open("w", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in lines)
    text = OUTAGE.format(rate=rate, duration=round(scenario.duration))
    (folder / f"big{PLAYED}").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
