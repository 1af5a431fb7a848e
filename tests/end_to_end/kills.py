"""Kills the harness at an instant, and looks for what it left (`make kills`: 200 times).

Half of the kills are aimed at births: they fall as soon as a new process has appeared. Every third
takes the reaper along. What the harness left must be gone in three seconds; without the reaper, and
for a folder made just before the end, by the end of the next command, whichever that is.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

WITHIN_S = 3.0
RUNS = (
    ("run", "auth_503_50s", "chroma_refused_50s", "git_refused_50s"),
    ("up",),
    ("run", "auth_503_50s", "chroma_refused_50s", "--engine", "sim"),
)


@dataclass(frozen=True, slots=True)
class Found:
    """One process: its own id, and what a person sees of it."""

    pid: int
    words: str


def marked(temporary: Path) -> Iterator[Found]:
    """Processes of a run, by the folder for temporary files that no other run has."""
    wanted = f"TMPDIR={temporary}".encode()
    for each in Path("/proc").iterdir():
        if each.name.isdecimal():
            try:
                if wanted in (each / "environ").read_bytes().split(b"\0"):
                    words = (each / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                    state = (each / "stat").read_text().rpartition(")")[2].split()[0]
                    if state != "Z":
                        yield Found(int(each.name), words)
            except OSError:
                continue


def kill_once(words: tuple[str, ...], *, after: random.Random, both: bool, birth: bool) -> str:
    """Start a command, kill it at an instant; what was left, or nothing."""
    with tempfile.TemporaryDirectory(prefix="kills-") as made:
        temporary = Path(made)
        environment = os.environ | {"TMPDIR": made}
        harness = subprocess.Popen(
            [sys.executable, "-m", "harness", *words],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        _await_the_instant(harness, temporary, after, birth=birth)
        reapers = [f.pid for f in marked(temporary) if "engines.reaper" in f.words] if both else []
        for pid in (*reapers, harness.pid):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        harness.wait()
        left = [] if both else _left_after(temporary, WITHIN_S)
        subprocess.run(
            [sys.executable, "-m", "harness", "schema"],
            env=environment,
            stdout=subprocess.DEVNULL,
            check=True,
        )
        if both:
            left = _left_after(temporary, 0.5)
        left += [each.name for each in temporary.iterdir()]
        for each in marked(temporary):
            os.kill(each.pid, signal.SIGKILL)
        return f"{' '.join(words)}: left behind: {left}" if left else ""


def _await_the_instant(
    harness: subprocess.Popen[bytes], temporary: Path, after: random.Random, *, birth: bool
) -> None:
    if not birth:
        time.sleep(after.uniform(0.2, 6.0))
        return
    wanted = after.randint(2, 8)  # itself, its reaper, stubs, proxy, target
    until_s = time.monotonic() + 15.0
    children = Path(f"/proc/{harness.pid}/task/{harness.pid}/children")
    while time.monotonic() < until_s and harness.poll() is None:
        seen = len(list(marked(temporary))) if not children.exists() else _born(harness.pid)
        if seen >= wanted:
            time.sleep(after.choice((0.0, 0.0, 0.001, 0.005, 0.02)))
            return


def _born(pid: int) -> int:
    """How many children a process has, of all its threads, and itself."""
    count = 1
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            count += len(task.read_text().split())
        except OSError:
            continue
    return count


def _left_after(temporary: Path, seconds: float) -> list[str]:
    until_s = time.monotonic() + seconds
    while left := [f"{f.pid} {f.words[:90]}" for f in marked(temporary)]:
        if time.monotonic() > until_s:
            return left
        time.sleep(0.05)
    return []


def main(arguments: list[str] | None = None) -> int:
    """Kill as often as asked; 1 when something was left."""
    parser = argparse.ArgumentParser(description=__doc__.partition(":")[0])
    parser.add_argument("count", type=int, nargs="?", default=200)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    bad = 0
    for number in range(options.count):
        after = random.Random(f"{options.seed} {number}")
        said = kill_once(
            RUNS[number % len(RUNS)], after=after, both=number % 3 == 2, birth=number % 2 == 0
        )
        bad += bool(said)
        if said:
            print(f"kill {number} (--seed {options.seed}): {said}", flush=True)
    print(f"{options.count} kills, {bad} left something behind")
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
