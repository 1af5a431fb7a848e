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
from collections.abc import Callable, Iterable, Iterator, Sequence
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any

from hypothesis.configuration import set_hypothesis_home_dir
from msgspec import Struct, field

from harness.errors import HarnessError, UsageError, WorldError
from harness.explore.coverage import Coverage
from harness.explore.declared import with_declared_only
from harness.explore.finding import Origin, Result
from harness.explore.hunt import Hunt, Key, Limits
from harness.explore.memory import default_folder
from harness.explore.outage import Outage
from harness.explore.player import Player
from harness.frozen import Frozen
from harness.machine import belongings
from harness.machine.cradle import Bound, call
from harness.target import Target
from harness.target.loading import load_target

WORKERS = 2
WAIT_S = 0.25
"""How often it is looked whether whoever hunts still does."""
ENDS_WITHIN_S = 15.0
"""So long hunts that were stopped are waited for."""
_PROGRESS_EVERY_S = 0.5


class Task(Frozen, kw_only=True):
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


class Outcome(Struct):
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


class Gathering:
    """What hunts say, put together: each broken promise once, from the first of them that found it.

    Where hunts don't tell each other what they are after, several may find the same: then the one
    with the lowest number counts, whoever was quicker, so that a seed leads to the same findings
    wherever it is played.
    """

    def __init__(
        self, found: Callable[[Result], None], progress: Callable[[Coverage], None]
    ) -> None:
        """`found` is told of each finding, again where an earlier hunt's takes its place."""
        self.outcome = Outcome()
        self._found = found
        self._progress = progress
        self._by: dict[Key, tuple[int, Result]] = {}
        self._latest: dict[int, Coverage] = {}
        self._told: dict[int, tuple[Counter[Key], Counter[Key]]] = {}

    def take(self, number: int, what: str, value: Any) -> None:
        """What a hunt says.

        Raises: UsageError where it failed.
        """
        match what:
            case "failed":
                raise UsageError(value)
            case "surface":
                self.outcome.upstreams, self.outcome.missing = value
            case "found":
                key = value.promise, value.about
                known = self._by.get(key)
                if known is None or number < known[0]:
                    self._by[key] = number, value
                    self._found(value)
            case "progress":
                self._latest[number] = value
                self._progress(self._whole())
            case "done":
                self._latest[number], *counts = value
                self._told[number] = (counts[0], counts[1])

    def close(self) -> Outcome:
        """What all of them came to."""
        self.outcome.findings = [result for _, result in self._by.values()]
        self.outcome.coverage = self._whole()
        for also, doubtful in self._told.values():
            self.outcome.also.update(also)
            self.outcome.doubtful.update(doubtful)
        return self.outcome

    def _whole(self) -> Coverage:
        whole = Coverage()
        for number in sorted(self._latest):
            whole.merge(self._latest[number])
        return whole


@contextlib.contextmanager
def interruptible(outcome: Outcome, stop: Callable[[], None]) -> Iterator[None]:
    """SIGINT and SIGTERM are told to the outcome and ask to `stop`; asked twice, all ends at once.

    Raises: KeyboardInterrupt.
    """

    def ask(number: int, _frame: object) -> None:
        if outcome.interrupted is not None:
            raise KeyboardInterrupt
        outcome.interrupted = number
        stop()

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Crew:
    def __init__(
        self,
        tasks: Sequence[Task],
        found: Callable[[Result], None],
        progress: Callable[[Coverage], None],
    ) -> None:
        self._tasks = tasks
        self._gathering = Gathering(found, progress)
        self._context = multiprocessing.get_context("spawn")
        self._stop = self._context.Event()
        self._said: Any = self._context.Queue()
        self._heard: list[Any] = [self._context.Queue() for _ in tasks]

    def run(self) -> Outcome:
        workers = [self._start(number) for number in range(len(self._tasks))]
        with interruptible(self._gathering.outcome, self._stop.set):
            try:
                self._listen(workers)
            finally:
                self._end(workers)
        return self._gathering.close()

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

    def _listen(self, workers: Sequence[SpawnProcess]) -> None:
        done: set[int] = set()
        stopped_s: float | None = None
        while len(done) < len(workers):
            try:
                number, what, value = self._said.get(timeout=WAIT_S)
            except queue.Empty:
                dead = {n for n, worker in enumerate(workers) if not worker.is_alive()} - done
                if dead and not self._stop.is_set():
                    raise WorldError("a process of the exploration ended by itself") from None
                done |= dead
                if self._stop.is_set():
                    stopped_s = stopped_s or time.monotonic()
                    if time.monotonic() - stopped_s > ENDS_WITHIN_S:
                        return
                continue
            if what == "done":
                done.add(number)
            self._take(number, what, value)

    def _take(self, number: int, what: str, value: Any) -> None:
        if what == "failed":
            self._stop.set()
        if what != "after":
            self._gathering.take(number, what, value)
        elif self._tasks[number].shares:
            for other, heard in enumerate(self._heard):
                if other != number:
                    heard.put(value)

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

    def others() -> Iterator[Key]:
        with contextlib.suppress(queue.Empty):
            while True:
                yield heard.get_nowait()

    hunt(
        task,
        load_target,
        say=lambda what, value: said.put((number, what, value)),
        others=others,
        ended=lambda: stop.is_set() or os.getppid() != parent,
    )


def hunt(
    task: Task,
    load: Callable[[str], Target],
    *,
    say: Callable[[str, Any], None],
    others: Callable[[], Iterable[Key]],
    ended: Callable[[], bool],
) -> None:
    """One hunt, wherever it is played; never raises, but says `failed` and why.

    `say` is told `surface`, `after`, `found`, `progress` and `done`; `others` gives what others
    have said that they are after since it was last asked.
    """
    set_hypothesis_home_dir(default_folder().parent / "hypothesis")  # no folder of the user's own
    taken: set[Key] = set()
    shown_s = 0.0

    def claim(key: Key) -> bool:
        if task.shares:
            taken.update(others())
            if key in taken:
                return False
        say("after", key)
        return True

    def progress(coverage: Coverage) -> None:
        nonlocal shown_s
        if time.monotonic() - shown_s >= _PROGRESS_EVERY_S:
            shown_s = time.monotonic()
            say("progress", coverage)

    try:
        with Player(with_declared_only(load(task.target))[0]) as player:
            say("surface", (player.surface.upstreams, player.surface.missing))
            hunting = Hunt(
                player,
                seed=task.seed,
                limits=task.limits,
                origin=Origin(target_name=task.target, seed=task.explored_with),
                say=lambda result: say("found", result),
                progress=progress,
                claim=claim,
                ended=ended,
                share=task.share,
            )
            hunting.run(_outages(task.remembered))
            say("done", (hunting.coverage, hunting.also, hunting.doubtful))
    except HarnessError as error:
        say("failed", str(error))
    except Exception as error:  # a defect of the harness must not look like nothing found
        where = traceback.extract_tb(error.__traceback__)[-1]
        words = f"{type(error).__name__}: {error} ({Path(where.filename).name}:{where.lineno})"
        say("failed", f"exploring broke, please report it: {words}")


def _outages(remembered: Sequence[bytes]) -> Iterator[Outage]:
    """Those that can still be read."""
    for data in remembered:
        with contextlib.suppress(ValueError):
            yield Outage.from_bytes(data)
