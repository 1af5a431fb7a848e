"""How late the steps of a timeline are, beside Chaos Toolkit: 20 steps, one every half second."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from measuring import Row
from sender import Run, Taken, history_in

_STEPS = 20
_EVERY_S = 0.5
_STEP = """
import pathlib, time
def step():
    with pathlib.Path({path!r}).open("a") as file:
        print(time.monotonic(), file=file)
"""


def _ours(folder: Path, burning: int) -> Run:
    """Faults applied and lifted: the instant at which the proxy confirmed each."""
    faults = "".join(
        f"  - {{upstream: auth, fault: latency, latency: 1ms, from: {begin:g}s, "
        f"to: {begin + _EVERY_S:g}s}}\n"
        for begin in (number * 2 * _EVERY_S for number in range(_STEPS // 2))
    )
    scenario = folder / "steps.yaml"
    scenario.write_text(
        f"title: steps\nduration: {_STEPS * _EVERY_S + 1:g}s\n"
        "traffic:\n  checks: {request: GET /v1/api/auth/check, as: ada, rate: 5/s}\n"
        f"faults:\n{faults}expect:\n  - never: {{status: 500}}\n"
    )
    report = folder / "steps-report"
    with _burning(burning):
        played = subprocess.run(
            [sys.executable, "-m", "harness", "run", str(scenario), "--report", str(report)],
            cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
        )  # fmt: skip
    late_ms: list[float] = []
    for line in history_in(report, played.stdout).read_text(encoding="utf-8").splitlines():
        event = json.loads(line)
        if event["kind"] in ("applied", "lifted"):
            late_ms.append((event["at_s"] - event["planned_s"]) * 1000)
    return Run(len(late_ms), 0.0, 0.0, late_ms)


def _chaos(peers: Path, folder: Path, burning: int) -> Run:
    """Python functions with pauses between them: late from the first one's instant on."""
    path = folder / "steps.txt"
    path.unlink(missing_ok=True)
    (folder / "steps_of_chaos.py").write_text(_STEP.format(path=str(path)))
    activity = {
        "type": "action",
        "name": "step",
        "pauses": {"after": _EVERY_S},
        "provider": {"type": "python", "module": "steps_of_chaos", "func": "step"},
    }
    experiment = folder / "steps.json"
    experiment.write_text(
        json.dumps({"title": "steps", "description": "-", "method": [activity] * _STEPS})
    )
    with _burning(burning):
        subprocess.run(
            [str(peers / "chaos"), "run", str(experiment)],
            cwd=folder, env=os.environ | {"PYTHONPATH": str(folder)},
            capture_output=True, check=True,
        )  # fmt: skip
    instants = [float(line) for line in path.read_text().split()]
    late_ms = [
        (instant - instants[0] - number * _EVERY_S) * 1000
        for number, instant in enumerate(instants)
    ]
    return Run(len(late_ms), 0.0, 0.0, late_ms)


class _burning(ExitStack):
    """So many processes that do nothing but use a processor."""

    def __init__(self, count: int) -> None:
        super().__init__()
        for _ in range(count):
            process = self.enter_context(
                subprocess.Popen([sys.executable, "-c", "while True: pass"])
            )
            self.callback(process.kill)


def rows(folder: Path, peers: Path | None) -> Iterator[Row]:
    """On the machine as it is, and with all processors burning."""
    for label, burning in (("", 0), (", all processors burning", os.cpu_count() or 1)):
        ours = Taken(partial(_ours, folder, burning))
        peer = None if peers is None else Taken(partial(_chaos, peers, folder, burning))
        for name, share in (("p50", 0.5), ("p99", 0.99)):
            of = partial(Run.percentile, share=share)
            yield Row(
                f"{_STEPS} steps in {_STEPS * _EVERY_S:g} s{label}: lateness {name}",
                "ms",
                ours.figure(name, of),
                None if peer is None else peer.figure(name, of),
                "Chaos Toolkit",
                goal=None if peer is None else 1.0,
            )
