"""Several hunts side by side, one process for each core, and one place where findings arrive.

Each hunt has a seed of its own. With a time limit they tell each other what they are after, so that
nothing is shrunk twice; with a number of examples they don't, so that a seed leads the same way.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import queue
import signal
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any

from hypothesis.configuration import set_hypothesis_home_dir

from harness import belongings
from harness.cradle import Bound, call
from harness.errors import HarnessError, UsageError, WorldError
from harness.explore.coverage import Coverage
from harness.explore.declared import with_declared_only
from harness.explore.finding import Result
from harness.explore.hunt import Hunt, Key, Limits
from harness.explore.memory import default_folder
from harness.explore.outage import Outage
from harness.explore.player import Player
from harness.target_file import load_target

WORKERS = 2
_WAIT_S = 0.25
_ENDS_WITHIN_S = 15.0
_PROGRESS_EVERY_S = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What one worker is told."""

    target: str
    """As on the command line."""
    seed: int
    explored_with: int
    """The seed as on the command line."""
    limits: Limits
    remembered: tuple[bytes, ...] = ()
    shares: bool = True
    """Whether it tells others what it is after."""
    share: tuple[int, int] = (0, 1)
    """Which part of how many it is."""


@dataclass(slots=True)
class Outcome:
    """What an exploration came to."""

    findings: list[Result] = field(default_factory=list)
    coverage: Coverage = field(default_factory=Coverage)
    also: Counter[Key] = field(default_factory=Counter)
    doubtful: Counter[Key] = field(default_factory=Counter)
    upstreams: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    """Routes that don't answer as the contract says even when nothing is wrong."""
    interrupted: int | None = None
    """The signal that ended it early."""


def explore(
    tasks: Sequence[Task],
    *,
    found: Callable[[Result], None],
    progress: Callable[[Coverage], None],
) -> Outcome:
    """Run all tasks, each in a process of its own, until their limits or SIGINT or SIGTERM.

    Raises: UsageError for a target that can't be explored, WorldError when a process died.
    """
    return _Crew(tasks, found, progress).run()


class _Crew:
    def __init__(
        self,
        tasks: Sequence[Task],
        found: Callable[[Result], None],
        progress: Callable[[Coverage], None],
    ) -> None:
        self._tasks = tasks
        self._found = found
        self._progress = progress
        self._outcome = Outcome()
        self._latest: dict[int, Coverage] = {}
        self._context = multiprocessing.get_context("spawn")
        self._stop = self._context.Event()
        self._said: Any = self._context.Queue()
        self._heard: list[Any] = [self._context.Queue() for _ in tasks]
        self._keys: set[Key] = set()

    def run(self) -> Outcome:
        workers = [self._start(number) for number in range(len(self._tasks))]
        with self._signals():
            try:
                self._listen(workers)
            finally:
                self._end(workers)
        for coverage in self._latest.values():
            self._outcome.coverage.merge(coverage)
        return self._outcome

    def _start(self, number: int) -> SpawnProcess:
        lines = (self._said, self._heard[number], self._stop)
        worker = self._context.Process(
            target=call,
            args=(Bound(), f"{__name__}:work", number, self._tasks[number], *lines),
            name=f"outage-explore-{number}",
            daemon=True,
        )
        with belongings.marked():
            worker.start()
        return worker

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        def stop(number: int, _frame: object) -> None:
            if self._outcome.interrupted is not None:
                raise KeyboardInterrupt  # asked twice
            self._outcome.interrupted = number
            self._stop.set()

        before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _listen(self, workers: Sequence[SpawnProcess]) -> None:
        done: set[int] = set()
        stopped_s: float | None = None
        while len(done) < len(workers):
            try:
                number, what, value = self._said.get(timeout=_WAIT_S)
            except queue.Empty:
                dead = {n for n, worker in enumerate(workers) if not worker.is_alive()} - done
                if dead and not self._stop.is_set():
                    raise WorldError("a process of the exploration ended by itself") from None
                done |= dead
                if self._stop.is_set():
                    stopped_s = stopped_s or time.monotonic()
                    if time.monotonic() - stopped_s > _ENDS_WITHIN_S:
                        return
                continue
            if what == "done":
                done.add(number)
            self._take(number, what, value)

    def _take(self, number: int, what: str, value: Any) -> None:
        outcome = self._outcome
        match what:
            case "failed":
                self._stop.set()
                raise UsageError(value)
            case "surface":
                outcome.upstreams, outcome.missing = value
            case "found":
                if (value.promise, value.about) not in self._keys:
                    self._keys.add((value.promise, value.about))
                    outcome.findings.append(value)
                    self._found(value)
            case "after" if self._tasks[number].shares:
                for other, heard in enumerate(self._heard):
                    if other != number:
                        heard.put(value)
            case "progress":
                self._latest[number] = value
                whole = Coverage()
                for coverage in self._latest.values():
                    whole.merge(coverage)
                self._progress(whole)
            case "done":
                self._latest[number], also, doubtful = value
                outcome.also.update(also)
                outcome.doubtful.update(doubtful)

    def _end(self, workers: Sequence[SpawnProcess]) -> None:
        self._stop.set()
        for worker in workers:
            worker.join(3.0)
            if worker.is_alive():
                worker.terminate()
                worker.join(2.0)


def work(number: int, task: Task, said: Any, heard: Any, stop: Any) -> None:
    """One worker's life; Ctrl-C is its parent's business."""
    parent = os.getppid()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    set_hypothesis_home_dir(default_folder().parent / "hypothesis")  # no folder of the user's own
    others: set[Key] = set()
    shown_s = 0.0

    def claim(key: Key) -> bool:
        with contextlib.suppress(queue.Empty):
            while True:
                others.add(heard.get_nowait())
        if key in others and task.shares:
            return False
        said.put((number, "after", key))
        return True

    def progress(coverage: Coverage) -> None:
        nonlocal shown_s
        if time.monotonic() - shown_s >= _PROGRESS_EVERY_S:
            shown_s = time.monotonic()
            said.put((number, "progress", coverage))

    try:
        with Player(with_declared_only(load_target(task.target))[0]) as player:
            said.put((number, "surface", (player.surface.upstreams, player.surface.missing)))
            hunt = Hunt(
                player,
                seed=task.seed,
                limits=task.limits,
                origin=(task.target, task.explored_with),
                say=lambda result: said.put((number, "found", result)),
                progress=progress,
                claim=claim,
                ended=lambda: stop.is_set() or os.getppid() != parent,
                share=task.share,
            )
            hunt.run(_outages(task.remembered))
            said.put((number, "done", (hunt.coverage, hunt.also, hunt.doubtful)))
    except HarnessError as error:
        said.put((number, "failed", str(error)))
    except Exception as error:  # a defect of the harness must not look like nothing found
        where = traceback.extract_tb(error.__traceback__)[-1]
        words = f"{type(error).__name__}: {error} ({Path(where.filename).name}:{where.lineno})"
        said.put((number, "failed", f"exploring broke, please report it: {words}"))


def _outages(remembered: Sequence[bytes]) -> Iterator[Outage]:
    """Those that can still be read."""
    for data in remembered:
        with contextlib.suppress(ValueError):
            yield Outage.from_bytes(data)
