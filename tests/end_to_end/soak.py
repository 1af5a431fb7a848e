"""Runs, explores and judges as long as it is told, and shows whether anything grows (`make soak`).

One process plays round after round on this machine and in the simulation, judges what it has saved,
and has an exploration beside it; one embedded proxy serves all rounds. After each round it looks at
its own memory, descriptors, threads, children and folders, at the proxy's, at what the stubs had
while their world was up and at the simulation's nursery. The first third is warming up: then
nothing may grow.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from harness.bundled import find_scenarios
from harness.engines.base import Engine, Progress
from harness.engines.local.engine import LocalEngine
from harness.engines.sim.engine import SimEngine
from harness.machine import belongings
from harness.report.write import prepare_folder, write_reports
from harness.runs.runner import Played, play_all
from harness.runs.saved import judge_folder
from harness.scenario.loader import load_scenarios, parse_scenario
from harness.scenario.model import Scenario
from harness.target.loading import load_target
from harness.toxiproxy.server import ProxyServer
from harness.units import parse_duration

MEMORY_GROWS_BY = 1.05
"""Of memory, from the middle third to the last; pages come and go."""
COUNTS_GROW_BY = 0
LEAST_ROUNDS = 6
REAL = """
title: a short outage
duration: 3s
traffic:
  chat:
    request: POST /v1/api/chat
    json: {message: hi, project_id: "{project}"}
    as: ada
    rate: 40/s
faults:
  - {upstream: chroma, fault: latency, latency: 100ms, to: 1s}
  - {upstream: billing, fault: status, status: 503, first: 2, to: 2s}
  - {upstream: auth, fault: refused, from: 1500ms, to: 1800ms}
expect: [{never: {latency: "> 30s"}}]
"""
SIMULATED = ("auth_blackhole_50s", "chroma_refused_50s", "billing_refused_50s", "auth_503_50s")
Figures = dict[str, float]


class Watcher:
    """Looks at stubs while worlds are up."""

    def __init__(self) -> None:
        self.stubs: Figures = {}

    def progress(self, scenario: Scenario, progress: Progress) -> None:
        for pid in children(os.getpid()):
            if b"stub_services" in words(pid):
                for name, value in figures("stubs", pid):
                    # Their connections come and go: what stays open is the least that was seen.
                    pick = min if name.endswith("descriptors") else max
                    self.stubs[name] = pick(value, self.stubs.get(name, value))

    def done(self, played: Played) -> None:
        assert played.judgement.verdict.value != "failed", played.judgement.findings


def words(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def children(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        found += [int(child) for child in task.read_text().split()]
    return found


def figures(who: str, pid: int) -> Iterator[tuple[str, float]]:
    """Resident memory in MB, open descriptors and threads of a process; nothing once it ended."""
    try:
        status = dict(
            line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines()
        )
        yield f"{who} MB", int(status["VmRSS"].split()[0]) / 1024
        yield f"{who} descriptors", len(os.listdir(f"/proc/{pid}/fd"))
        yield f"{who} threads", int(status["Threads"])
    except (OSError, KeyError):
        return


def round_of(engine: Engine, scenarios: list[Scenario], folder: Path, watcher: Watcher) -> None:
    """Play, write down and judge again."""
    target = load_target("reference")
    prepare_folder(folder, scenarios)

    async def play() -> list[Played]:
        try:
            return await play_all(
                scenarios, engine=engine, target=target, watcher=watcher, report=folder
            )
        finally:
            if engine is not SIM:
                await engine.close()

    write_reports(folder, asyncio.run(play()))
    assert len(judge_folder(folder)) == len(scenarios)


def one_round(folder: Path, proxy: ProxyServer) -> Figures:
    """Play, explore and judge once; what everything takes afterwards."""
    watcher = Watcher()
    explored = subprocess.Popen(
        [sys.executable, "-m", "harness", "explore", "--for", "4s", "--report", str(folder / "x")],
        stdout=subprocess.DEVNULL,
    )
    real = parse_scenario(REAL, file=str(folder / "short.yaml"))
    (folder / "short.yaml").write_text(REAL)
    round_of(LocalEngine(proxy=proxy.url), [real], folder / "real", watcher)
    simulated = load_scenarios(find_scenarios(SIMULATED), target=load_target("reference"))
    round_of(SIM, list(simulated), folder / "simulated", watcher)
    assert explored.wait(60) == 0
    gc.collect()
    found = dict(figures("harness", os.getpid())) | dict(figures("proxy", proxy.pid))
    found |= watcher.stubs
    for pid in children(os.getpid()):
        if b"engines.sim.nursery" in words(pid):
            found |= dict(figures("nursery", pid))
    found["processes"] = len(children(os.getpid()))
    found["folders"] = len(list(Path(tempfile.gettempdir()).iterdir()))
    found["own files"] = sum(1 for _ in belongings.root().rglob("*"))
    return found


SIM = SimEngine()


def grown(rounds: list[Figures]) -> list[str]:
    """What the last third has more of than the middle one."""
    by_name: dict[str, list[float]] = defaultdict(list)
    for each in rounds:
        for name, value in each.items():
            by_name[name].append(value)
    bad = []
    print(f"{'':22}{'first':>10}{'middle':>10}{'last':>10}")
    for name, values in sorted(by_name.items()):
        third = len(values) // 3
        middle, last = values[third : 2 * third], values[2 * third :]
        before, after = statistics.median(middle), statistics.median(last)
        memory = name.endswith("MB")
        limit = before * MEMORY_GROWS_BY if memory else before + COUNTS_GROW_BY
        print(f"{name:22}{values[0]:>10.1f}{before:>10.1f}{after:>10.1f}")
        if after > limit:
            bad.append(name)
    return bad


def main(arguments: list[str] | None = None) -> int:
    """Soak for as long as asked (`10m`); 1 when something grew."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("length", nargs="?", default="1h", type=parse_duration)
    options = parser.parse_args(arguments)
    until_s = time.monotonic() + options.length
    rounds: list[Figures] = []
    with tempfile.TemporaryDirectory(prefix="soak-") as made:
        tempfile.tempdir = os.environ["TMPDIR"] = made
        folder = Path(tempfile.mkdtemp())
        proxy = ProxyServer.embedded(guarded=False, journal=False)
        proxy.start()
        try:
            with contextlib.suppress(KeyboardInterrupt):  # what there is by then is looked at
                while time.monotonic() < until_s or len(rounds) < LEAST_ROUNDS:
                    rounds.append(one_round(folder, proxy))
                    shown = ", ".join(f"{name} {value:.0f}" for name, value in rounds[-1].items())
                    print(f"round {len(rounds)}: {shown}", flush=True)
        finally:
            SIM.close_now()
            proxy.stop()
    if len(rounds) < LEAST_ROUNDS:
        print(f"{len(rounds)} rounds say nothing yet; {LEAST_ROUNDS} are needed")
        return 1
    bad = grown(rounds)
    print(f"{len(rounds)} rounds; grew: {', '.join(bad) or 'nothing'}")
    return int(bool(bad))


if __name__ == "__main__":
    sys.exit(main())
