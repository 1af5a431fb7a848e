"""Kills the harness at an instant, and looks for what it left (`make kills`: 200 times).

Half of the kills are aimed at births: they fall as soon as a new process has appeared. Every third
takes the reaper along. Processes must be gone in three seconds; containers with them, or when their
watcher was killed, too, soon after the next command; folders by the end of that, whichever it is.
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
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from harness.engines.compose.command import find_compose
from harness.engines.compose.dockerd import Dockerd
from harness.engines.compose.leftovers import project_prefix
from harness.errors import UsageError

WITHIN_S = 3.0
DOCKER_WITHIN_S = 20.0
"""Docker removes a project's eleven containers in its own time."""
BIRTHS_WITHIN_S = 60.0
RUNS = {
    ("run", "auth_503_50s", "chroma_refused_50s", "git_refused_50s"): 8,
    ("up",): 5,
    ("run", "auth_503_50s", "chroma_refused_50s", "--engine", "sim"): 3,
    ("explore", "--for", "30s"): 3,
}
"""Commands, and so many processes each has on any machine before it plays, itself among them."""
COMPOSE = ("run", "auth_503_50s", "--engine", "compose")
"""Played where there is a Docker engine; the images are there already."""
WITH_CONTAINERS = RUNS | {COMPOSE: 2}
UNDERTAKER = "engines.compose.leftovers"


@dataclass(frozen=True, slots=True)
class Found:
    """One process: its own id, and what a person sees of it."""

    pid: int
    words: str

    @property
    def watches(self) -> bool:
        """Whether it is there to remove what a dead harness has left."""
        return "engines.reaping" in self.words or UNDERTAKER in self.words


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
        containers = project_prefix(harness.pid) if "compose" in words else ""
        latest_s = 20.0 if containers else 6.0
        if birth:
            missed = _await_a_birth(
                harness, temporary, wanted=after.randint(2, WITH_CONTAINERS[words])
            )
            time.sleep(after.choice((0.0, 0.0, 0.001, 0.005, 0.02)))
        else:
            missed = ""
            time.sleep(after.uniform(0.2, latest_s))
        watchers = [f.pid for f in marked(temporary) if f.watches] if both else []
        for pid in (*watchers, harness.pid):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        harness.wait()
        left = _left_after(WITHIN_S, lambda: _processes(temporary))
        if containers and not both:
            left += _left_after(DOCKER_WITHIN_S, lambda: _containers(containers))
        subprocess.run(
            [sys.executable, "-m", "harness", "--help"],  # any command sweeps
            env=environment,
            stdout=subprocess.DEVNULL,
            check=True,
        )
        if containers:
            left += _left_after(DOCKER_WITHIN_S, lambda: _containers(containers))
            left += _left_after(DOCKER_WITHIN_S, lambda: _names(temporary))
        left += _names(temporary)
        for each in marked(temporary):
            os.kill(each.pid, signal.SIGKILL)
        if left:
            missed = f"left behind: {left}"
        return missed and f"{' '.join(words)}: {missed}"


def _processes(temporary: Path) -> list[str]:
    """Those that nobody is at work to end; who removes containers has that to do first."""
    return [
        f"{found.pid} {found.words[:90]}"
        for found in marked(temporary)
        if UNDERTAKER not in found.words
    ]


def _containers(prefix: str) -> list[str]:
    said = subprocess.run(
        ["docker", "ps", "--all", "--format", "{{.Names}}"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return [name for name in said.split() if name.startswith(prefix)]


def _names(folder: Path) -> list[str]:
    return [each.name for each in folder.iterdir()]


def _await_a_birth(harness: subprocess.Popen[bytes], temporary: Path, *, wanted: int) -> str:
    """Until it has so many processes; what was wrong if it never had."""
    told = Path(f"/proc/{harness.pid}/task/{harness.pid}/children").exists()
    until_s = time.monotonic() + BIRTHS_WITHIN_S
    while (seen := _born(harness.pid) if told else len(list(marked(temporary)))) < wanted:
        if harness.poll() is not None or time.monotonic() > until_s:
            return f"had {seen} processes, and never {wanted}"
        time.sleep(0.0005)
    return ""


def _born(pid: int) -> int:
    """How many children a process has, of all its threads, and itself."""
    count = 1
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            count += len(task.read_text().split())
        except OSError:
            continue
    return count


def _left_after(seconds: float, look: Callable[[], list[str]]) -> list[str]:
    until_s = time.monotonic() + seconds
    while left := look():
        if time.monotonic() > until_s:
            return left
        time.sleep(0.05)
    return []


def images_are_there() -> bool:
    """Whether there is a Docker engine; the images are built then, or a kill would meet that."""
    try:
        find_compose()
        Dockerd()
    except UsageError:
        return False
    with tempfile.TemporaryDirectory(prefix="kills-") as made:
        (Path(made) / "short.yaml").write_text(SHORT)
        command = [sys.executable, "-m", "harness", "run", f"{made}/short.yaml"]
        done = subprocess.run(
            [*command, "--engine", "compose"], capture_output=True, text=True, check=False
        )
    assert done.returncode == 0, done.stdout + done.stderr
    return True


SHORT = """
title: nothing happens
duration: 1s
traffic: {health: {request: GET /health, rate: 2/s}}
expect: [{traffic: health, status: 200}]
"""


def main(arguments: list[str] | None = None) -> int:
    """Kill as often as asked; 1 when something was left."""
    parser = argparse.ArgumentParser(description=__doc__.partition(":")[0])
    parser.add_argument("count", type=int, nargs="?", default=200)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    runs = tuple(WITH_CONTAINERS if images_are_there() else RUNS)
    print("with containers" if COMPOSE in runs else "no Docker engine: no containers", flush=True)
    bad = 0
    for number in range(options.count):
        after = random.Random(f"{options.seed} {number}")
        said = kill_once(
            runs[number % len(runs)], after=after, both=number % 3 == 2, birth=number % 2 == 0
        )
        bad += bool(said)
        if said:
            print(f"kill {number} (--seed {options.seed}): {said}", flush=True)
    print(f"{options.count} kills, {bad} left something behind")
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
