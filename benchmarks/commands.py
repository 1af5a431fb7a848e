"""Start-up: what a whole command costs before and after its work, beside Chaos Toolkit's no-op."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from measuring import Row, command_cpu_s, command_wall_s

_NO_OP = """title: nothing happens
duration: 1s
traffic:
  checks: {request: GET /health, rate: 1/s}
expect:
  - never: {status: 500}
"""
_EXPERIMENT = {
    "title": "nothing happens",
    "description": "-",
    "method": [
        {
            "type": "action",
            "name": "nothing",
            "provider": {"type": "python", "module": "platform", "func": "node"},
        }
    ],
}


def rows(folder: Path, peers: Path | None) -> Iterator[Row]:
    """One for each command; `folder` is for their files, `peers` has Chaos Toolkit's `chaos`."""
    scenario = folder / "noop.yaml"
    scenario.write_text(_NO_OP, encoding="utf-8")
    experiment = folder / "noop.json"
    experiment.write_text(json.dumps(_EXPERIMENT), encoding="utf-8")
    outage = (sys.executable, "-m", "harness")
    play = (*outage, "run", str(scenario), "--engine", "sim", "--quiet")
    chaos = None if peers is None else (str(peers / "chaos"), "run", str(experiment))
    for name, measure in (("wall", command_wall_s), ("CPU", command_cpu_s)):
        yield Row(
            f"a no-op from the command line, {name}",
            "s",
            partial(measure, play, folder),
            None if chaos is None else partial(measure, chaos, folder),
            "Chaos Toolkit",
            goal=None if chaos is None else 2.0,
        )
    for arguments in (("validate", str(scenario)), ("list",)):
        first = partial(_first_time_cpu_s, (*outage, *arguments), folder)
        yield Row(f"outage {arguments[0]}, the first time, CPU", "s", first, goal=0.25)
    for arguments in (("validate", str(scenario)), ("list",), ("--help",)):
        again = partial(command_cpu_s, (*outage, *arguments), folder)
        yield Row(f"outage {arguments[0]}, CPU", "s", again, goal=0.25)


def _first_time_cpu_s(command: Sequence[str], folder: Path) -> float:
    """Where no earlier command has left anything that this one could go by."""
    with tempfile.TemporaryDirectory(dir=folder) as empty:
        return command_cpu_s(command, folder, {"XDG_CACHE_HOME": empty})
