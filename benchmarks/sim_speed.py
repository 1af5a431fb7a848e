"""How much faster than real time the simulation plays, for the reference gateway.

    python benchmarks/sim_speed.py [REPEATS]

Prints medians of play alone (no import), on one CPU: wall time, and CPU time, which a busy machine
disturbs less. Goals: T1 500 times real time, 71 s at 10 requests/s in 0.6 s, a quiet hour 1000
times. Takes about half a minute on an idle machine.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from pathlib import Path

from harness.engines.base import Job
from harness.engines.sim.birth import Nursery
from harness.engines.sim.plans import make_plan
from harness.scenario.model import Scenario
from harness.target import bundled
from harness.timeline import compile_timeline

CHAT = {"request": "POST /v1/api/chat", "as": "ada", "json": {"message": "m", "project_id": "p1"}}
CHECK = {"request": "GET /v1/api/auth/check", "as": "ada"}
BLACKHOLE = {"upstream": "auth", "fault": "blackhole", "from": "0s", "to": "50s"}
EXPECT = [{"never": {"status": 500}}]

CASES = {
    "T1: chats at 1/s, auth blackhole 50 s": (90, CHAT, "1/s", BLACKHOLE),
    "T1's fault, checks of a token at 1/s": (90, CHECK, "1/s", BLACKHOLE),
    "71 s of checks at 10/s, auth blackhole 50 s": (71, CHECK, "10/s", BLACKHOLE),
    "a quiet hour: checks at 1/s, no fault": (3600, CHECK, "1/s", None),
    "an hour of checks at 1/s, auth down 59 min": (
        3600,
        CHECK,
        "1/s",
        BLACKHOLE | {"fault": "refused", "to": "3540s"},
    ),
}


def job(case: str, folder: Path) -> Job:
    """The job of one case."""
    duration_s, stream, rate, fault = CASES[case]
    scenario = Scenario.model_validate(
        {
            "title": case,
            "duration": f"{duration_s}s",
            "traffic": {"users": stream | {"rate": rate}},
            "faults": [fault] if fault else [],
            "expect": EXPECT,
        }
    )
    target = bundled("reference")
    assert target is not None
    return Job(scenario=scenario, timeline=compile_timeline(scenario), target=target, folder=folder)


def main(repeats: int) -> None:
    """Play each case in turn, several times, and print the medians."""
    nursery = Nursery()
    plays: dict[str, list[tuple[float, float]]] = {case: [] for case in CASES}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(repeats):
            for case, seconds in plays.items():
                document = nursery.play(make_plan(job(case, Path(folder))), Path(folder)).result()
                nursery.learn(document["libraries"])
                assert not document["escapes"], document["escapes"]
                seconds.append((document["play_s"], document["play_cpu_s"]))
    nursery.close()
    print(f"{'medians, seconds':46} {'wall':>7} {'min':>7} {'cpu':>7} {'x real':>7} {'by cpu':>7}")
    for case, seconds in plays.items():
        wall_s, cpu_s = (statistics.median(column) for column in zip(*seconds, strict=True))
        least_s = min(seconds)[0]
        virtual_s = CASES[case][0]
        figures = f"{wall_s:7.3f} {least_s:7.3f} {cpu_s:7.3f}"
        print(f"{case:46} {figures} {virtual_s / wall_s:6.0f}x {virtual_s / cpu_s:6.0f}x")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
