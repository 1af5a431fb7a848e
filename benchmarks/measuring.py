"""Figures beside a peer's: measured in turn within each round, told as medians and ratios.

Absolute figures don't travel from one machine to another; the ratio of two that were taken within
seconds does. A round that something else disturbed is not left out, but the table says so.
"""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

Figure = Callable[[], float]
"""Takes a measurement."""

_SPIN = 300_000
_QUIET = 1.3
"""On a quiet machine the same work never takes more than this much longer than at its best."""


@dataclass(frozen=True)
class Row:
    """One figure of ours and, where there is one, a peer's."""

    name: str
    unit: str
    ours: Figure
    peer: Figure | None = None
    peer_name: str = ""
    goal: float | None = None
    """For the ratio ours / peer, or for the figure itself where there is no peer."""
    more_is_better: bool = False


@dataclass
class Result:
    """What was measured of one row."""

    row: Row
    ours: list[float] = field(default_factory=list)
    peers: list[float] = field(default_factory=list)
    slowed: float = 1.0
    """How much longer a fixed piece of work took at worst than at best meanwhile."""

    @property
    def ratio(self) -> float | None:
        """The median of the rounds' ratios."""
        if not self.peers:
            return None
        return statistics.median(
            ours / peer for ours, peer in zip(self.ours, self.peers, strict=True)
        )

    @property
    def met(self) -> bool | None:
        """Whether the goal was met; None without one."""
        if self.row.goal is None:
            return None
        value = self.ratio if self.ratio is not None else statistics.median(self.ours)
        return value >= self.row.goal if self.row.more_is_better else value <= self.row.goal

    @property
    def busy(self) -> bool:
        """Whether the machine had other things to do."""
        return self.slowed > _QUIET

    def as_json(self) -> dict[str, object]:
        """For programs."""
        return {
            "name": self.row.name,
            "unit": self.row.unit,
            "ours": statistics.median(self.ours),
            "peer": statistics.median(self.peers) if self.peers else None,
            "peer_name": self.row.peer_name or None,
            "ratio": self.ratio,
            "goal": self.row.goal,
            "met": self.met,
            "busy": self.busy,
            "rounds": {"ours": self.ours, "peer": self.peers},
        }


def measured(row: Row, rounds: int) -> Result:
    """Ours and the peer's in turn, each round in the other order."""
    result = Result(row)
    speeds = [_spin_s()]
    for turn in range(rounds):
        sides = [(row.ours, result.ours)]
        if row.peer is not None:
            sides.append((row.peer, result.peers))
        for figure, into in sides if turn % 2 == 0 else reversed(sides):
            into.append(figure())
        speeds.append(_spin_s())
    result.slowed = max(speeds) / min(speeds)
    return result


def _spin_s() -> float:
    """Wall time of a fixed piece of work: what others take of the processor shows in it."""
    begun_s = time.perf_counter()
    for _ in range(_SPIN):
        pass
    return time.perf_counter() - begun_s


def command_cpu_s(
    command: Sequence[str], cwd: Path, variables: Mapping[str, str] | None = None
) -> float:
    """Processor seconds of a command and of all that it waited for, with these variables too.

    Raises: RuntimeError when it doesn't end with status 0.
    """
    return _command(command, cwd, variables or {})[1]


def command_wall_s(command: Sequence[str], cwd: Path) -> float:
    """Seconds from the start of a command to its end. Raises: as `command_cpu_s`."""
    return _command(command, cwd, {})[0]


def _command(
    command: Sequence[str], cwd: Path, variables: Mapping[str, str]
) -> tuple[float, float]:
    environment = {**os.environ, **variables}
    # Else what was changed since it was installed would be compiled again by each command.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    begun_s = time.perf_counter()
    with subprocess.Popen(
        command, cwd=cwd, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        assert process.stdout is not None
        said = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)}: {process.returncode}\n{said.decode()[-800:]}")
    return time.perf_counter() - begun_s, usage.ru_utime + usage.ru_stime


def machine() -> str:
    """What the figures were measured on, in a line."""
    model = platform.processor() or platform.machine()
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    except OSError:
        pass
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{model}, {cores} processors, {platform.system()} {platform.release()}, Python " + (
        platform.python_version()
    )
