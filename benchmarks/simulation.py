"""The simulation beside the same gateway's own work, and beside real time.

The gateway's own CPU is what no simulation of it can do without. It is measured twice for the same
requests, in a process of its own each time: called directly as WSGI with canned answers instead of
upstreams, and served by waitress over loopback sockets, with its upstreams, in one process.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from measuring import Row

from harness.engines.base import Job
from harness.engines.sim.birth import Nursery
from harness.engines.sim.plans import make_plan
from harness.scenario.model import Scenario
from harness.target.loading import bundled
from harness.timeline import compile_timeline

_CHAT = {"request": "POST /v1/api/chat", "as": "ada", "json": {"message": "m", "project_id": "p1"}}
_CHECK = {"request": "GET /v1/api/auth/check", "as": "ada"}
_BLACKHOLE = {"upstream": "auth", "fault": "blackhole", "from": "0s", "to": "50s"}
_EXPECT = [{"never": {"status": 500}}]
_QUIET_S = 600

_REAL_TIME = {
    "T1: chats at 1/s, auth blackhole 50 s": (90, _CHAT, "1/s", [_BLACKHOLE], 1 / 500),
    "71 s of checks at 10/s, auth blackhole 50 s": (71, _CHECK, "10/s", [_BLACKHOLE], 0.6 / 71),
    "a quiet hour of checks at 1/s": (3600, _CHECK, "1/s", [], 1 / 1000),
}


def _scenario(
    duration_s: float, stream: dict[str, object], rate: str, faults: list[dict[str, str]]
) -> Scenario:
    return Scenario.model_validate(
        {
            "title": "benchmark",
            "duration": f"{duration_s}s",
            "traffic": {"users": stream | {"rate": rate}},
            "faults": faults,
            "expect": _EXPECT,
        }
    )


def _played(nursery: Nursery, scenario: Scenario, figure: str) -> float:
    target = bundled("reference")
    assert target is not None
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        job = Job(
            scenario=scenario, timeline=compile_timeline(scenario), target=target, folder=folder
        )
        document = nursery.play(make_plan(job), folder).result()
        nursery.learn(document["libraries"])
        assert not document["escapes"], document["escapes"]
        return float(document[figure])


def _own_cpu_s(how: str, requests: int) -> float:
    command = [
        sys.executable,
        str(Path(__file__).with_name("gateway_alone.py")),
        how,
        str(requests),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(done.stdout)


def rows(nursery: Nursery) -> Iterator[Row]:
    """CPU beside the gateway's own, then real seconds for each virtual one."""
    quiet = _scenario(_QUIET_S, _CHECK, "1/s", [])
    for how, peer, goal in (
        ("loopback", "the gateway over loopback, in one process", 1.5),
        ("wsgi", "the gateway called as WSGI, canned upstreams", None),
    ):
        yield Row(
            f"{_QUIET_S} checks simulated, CPU",
            "s",
            partial(_played, nursery, quiet, "play_cpu_s"),
            partial(_own_cpu_s, how, _QUIET_S),
            peer,
            goal=goal,
        )
    for name, (duration_s, stream, rate, faults, goal_share) in _REAL_TIME.items():
        yield Row(
            name,
            "s of CPU",
            partial(_played, nursery, _scenario(duration_s, stream, rate, faults), "play_cpu_s"),
            lambda duration_s=duration_s: float(duration_s),  # type: ignore[misc]
            "real time",
            goal=goal_share,
        )
