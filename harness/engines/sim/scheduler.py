"""Tasks, one baton, one queue of timed events, one seeded stream of choices.

The simulation's only owner of time. Whoever must wait runs the loop: events that are due, then a
task that is ready, and only when there is neither does time jump to the next event. Equal times run
in the order in which they were asked for.
"""

from __future__ import annotations

import sys
from _collections import deque  # type: ignore[import-not-found]
from _heapq import heappop, heappush
from _random import Random

from . import real
from .workers import Worker

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, NoReturn

EPOCH_S = 1_767_225_600.0
"""The wall clock's reading at virtual time 0: 2026-01-01T00:00:00Z."""

BOOT_S = 1000.0
"""The monotonic clock's reading when a simulation begins: never 0, which targets take for unset."""

LONGEST_DITHER_S = 0.02
DITHERS = 2
"""How often a task may be held up between two waits of its own."""
READS_BEFORE_TIME_MOVES = 1000
LONGEST_NUDGE_S = 0.016


class Deadlock(RuntimeError):
    """Everything waits and nothing is planned; the message says who waits for what."""


class ForeignThread(RuntimeError):
    """A thread that the simulation didn't start tried to wait in it."""


class Timer:
    """One planned event; `cancel` it as often as you like."""

    __slots__ = ("args", "at_s", "call")

    def __init__(self, at_s: float, call: Callable[..., object], args: tuple[Any, ...]) -> None:
        self.at_s = at_s
        self.call: Callable[..., object] | None = call
        self.args = args

    def cancel(self) -> None:
        """Forget it, whether it has fired or not."""
        self.call = None
        self.args = ()


class Task:
    """One thread of the target, or its main thread."""

    __slots__ = (
        "at_end",
        "dithers",
        "ident",
        "job",
        "locals",
        "name",
        "nudge_s",
        "parked",
        "reads",
        "waits_for",
        "woken",
        "worker",
    )

    def __init__(self, ident: int, name: str, worker: Worker) -> None:
        self.ident = ident
        self.name = name
        self.worker = worker
        self.job: tuple[Callable[..., object], tuple[Any, ...], dict[str, Any]] | None = None
        self.locals: dict[int, dict[str, Any]] = {}
        self.at_end: list[Callable[[], object]] = []
        self.waits_for: str | None = None
        self.parked = False
        self.woken = False
        self.refresh()

    def refresh(self) -> None:
        """Start its budgets anew, as for a new request."""
        self.reads = 0
        self.nudge_s = 0.0005
        self.dithers = DITHERS


class Scheduler:
    """The baton's rules. All of its methods are called by the baton's holder."""

    def __init__(self, seed: int = 0) -> None:
        self.now_s = BOOT_S
        self.wall_offset_s = EPOCH_S - BOOT_S
        self.switches = 0
        self.steps = 0
        self.main = Task(1000, "main", Worker())
        self.current: Task | None = self.main
        self.holder = self.main.worker
        self.tasks: dict[int, Task] = {self.main.ident: self.main}
        self.trace: Any = None
        """A trace function for every task: what it does belongs to the OS thread below."""
        self.on_foreign: Callable[[], object] = lambda: None
        self.on_nudge: Callable[[], object] = lambda: None
        self.on_failure: Callable[[BaseException], NoReturn] | None = None
        self._ready: deque[Task] = deque()
        self._passed_by: deque[Task] = deque()
        self._timers: list[tuple[float, int, Timer]] = []
        self._sequence = 0
        self._last_ident = self.main.ident
        self._idle: list[Worker] = []
        self.reseed(seed)

    def reseed(self, seed: int, *, points: float | None = None) -> None:
        """Begin the stream of choices of this seed; 0 is plain: first come first served.

        `points` is the probability of a switch at a clock read or lock entry; drawn if None.
        """
        self.choices = Random(seed)
        drawn = (0.05, 0.1, 0.2, 0.4)[int(self.choices.random() * 4)]
        self.points = 0.0 if seed == 0 and points is None else drawn if points is None else points
        self.shuffles = seed != 0
        # Requests of one instant meet in ties, others only when one is held up. Half of the seeds
        # leave ties whole, and a task that yields lets all others of its instant pass; the other
        # half hold tasks up and give connections latencies of their own.
        self.spreads = self.shuffles and self.choices.random() < 0.5

    # -- events ------------------------------------------------------------------------------

    def call_at(self, at_s: float, call: Callable[..., object], *args: Any) -> Timer:
        """Plan a call; it must not wait. Returns what cancels it."""
        timer = Timer(at_s, call, args)
        self._sequence += 1
        heappush(self._timers, (at_s, self._sequence, timer))
        return timer

    def call_later(self, delay_s: float, call: Callable[..., object], *args: Any) -> Timer:
        """Plan a call `delay_s` from now."""
        return self.call_at(self.now_s + delay_s, call, *args)

    # -- tasks -------------------------------------------------------------------------------

    def spawn(self, name: str, call: Callable[..., object], *args: Any, **kwargs: Any) -> Task:
        """Make a task that is ready to run; it runs once its starter waits."""
        worker = self._idle.pop() if self._idle else Worker(self._work)
        self._last_ident += 1
        task = Task(self._last_ident, name, worker)
        task.job = (call, args, kwargs)
        self.tasks[task.ident] = task
        self._ready.append(task)
        return task

    def park(self, what: str, until_s: float | None = None) -> bool:
        """Wait until woken (True) or until that instant (False)."""
        task = self.here()
        task.woken = False
        task.parked = True
        task.reads = 0
        if what != "sleep":
            task.dithers = DITHERS
        task.waits_for = what
        timer = None if until_s is None else self.call_at(until_s, self._expire, task)
        self._switch(task)
        if timer is not None:
            timer.cancel()
        task.waits_for = None
        return task.woken

    def wake(self, task: Task) -> bool:
        """End a task's wait; False if it had ended already (its time was up)."""
        if not task.parked:
            return False
        task.parked = False
        task.woken = True
        self._ready.append(task)
        return True

    def _expire(self, task: Task) -> None:
        if task.parked:
            task.parked = False
            self._ready.append(task)

    def sleep(self, delay_s: float) -> None:
        """Let time pass for the current task; 0 only lets others run."""
        if delay_s > 0:
            self.park("sleep", self.now_s + delay_s)
        else:
            task = self.here()
            self._ready.append(task)
            self._switch(task)

    def switch_point(self) -> None:
        """Perhaps give way here; only called when `points`."""
        task = self.current
        if task is not None and self.choices.random() < self.points:
            self.give_way(task)

    def give_way(self, task: Task) -> None:
        """Let another task run instead of the current one, or a little time pass."""
        # A yield alone shows nothing when nobody else is ready at this instant.
        if self.spreads and task.dithers and self.choices.random() < 0.3:
            task.dithers -= 1
            self.sleep(self.choices.random() * LONGEST_DITHER_S)
        elif self.spreads:
            self.sleep(0)
        else:
            self._passed_by.append(task)
            self._switch(task)

    def count_read(self, task: Task) -> None:
        """A clock was read; one that is read again and again without a wait must move."""
        task.reads += 1
        if task.reads > READS_BEFORE_TIME_MOVES:
            reads = task.reads
            if reads == READS_BEFORE_TIME_MOVES + 1:
                self.on_nudge()
            self.park("the clock", self.now_s + task.nudge_s)
            task.reads = reads
            task.nudge_s = min(2 * task.nudge_s, LONGEST_NUDGE_S)

    def here(self) -> Task:
        """The task that runs.

        Raises: ForeignThread on a thread that the simulation doesn't know, RuntimeError in an
        event's call.
        """
        task = self.current
        if real.get_ident() != self.holder.real_ident:
            self.on_foreign()
            raise ForeignThread("a thread that the simulation didn't start waited in it")
        if task is None:
            raise RuntimeError("an event of the simulation tried to wait")
        return task

    def ident(self) -> int:
        """The running task's identity; that of the main task within an event."""
        task = self.current
        return self.main.ident if task is None else task.ident

    def begin_again(self) -> None:
        """Adopt the calling OS thread as main: after a fork, where only it lives on."""
        self.main.worker.note_identity()
        self._idle.clear()
        self._ready.clear()
        self._passed_by.clear()

    def who_waits(self) -> list[tuple[Task, str]]:
        """Every task that waits, with what for."""
        return [(task, task.waits_for) for task in self.tasks.values() if task.waits_for]

    # -- the baton ---------------------------------------------------------------------------

    def _switch(self, task: Task) -> None:
        chosen = self._next()
        if chosen is not task:
            self.switches += 1
            chosen.worker.open()
            task.worker.wait()
        # Whoever opened the gate has set `current` and `holder`.

    def _next(self) -> Task:
        try:
            task = self._loop()
        except BaseException as error:
            if self.on_failure is None:
                raise
            self.on_failure(error)
        self.current = task
        self.holder = task.worker
        self.steps += 1
        return task

    def _loop(self) -> Task:
        timers, ready, passed_by = self._timers, self._ready, self._passed_by
        self.current = None
        while True:
            # Everything due now comes first, so that all tasks of this instant can be chosen from.
            while timers and (timers[0][0] <= self.now_s or not (ready or passed_by)):
                at_s, _, timer = heappop(timers)
                call = timer.call
                if call is None:
                    continue
                if at_s > self.now_s:
                    self.now_s = at_s
                args = timer.args
                timer.cancel()
                self.steps += 1
                call(*args)
            if ready:
                return self._choose()
            if passed_by:
                last: Task = passed_by.popleft()
                return last
            if not timers:
                raise Deadlock(
                    "everything waits: "
                    + "; ".join(f"{task.name} for {what}" for task, what in self.who_waits())
                )

    def _choose(self) -> Task:
        ready = self._ready
        if self.shuffles and len(ready) > 1:
            ready.rotate(-int(self.choices.random() * len(ready)))
        task: Task = ready.popleft()
        return task

    def _work(self, worker: Worker) -> None:
        """What every worker does: its task's job, then hand over, for ever."""
        while True:
            task = self.current
            assert task is not None
            self._perform(task)
            self.tasks.pop(task.ident, None)
            self._idle.append(worker)
            task = None  # its frame and values must be gone before the baton is
            chosen = self._next()
            if chosen.worker is not worker:
                self.switches += 1
                chosen.worker.open()
                chosen = None  # type: ignore[assignment]
                worker.wait()

    def _perform(self, task: Task) -> None:
        assert task.job is not None
        call, args, kwargs = task.job
        task.job = None
        if self.trace is not None:
            sys.settrace(self.trace)
        try:
            call(*args, **kwargs)
        except SystemExit:
            pass
        except BaseException:
            sys.excepthook(*sys.exc_info())
        del call, args, kwargs
        task.locals.clear()
        for ending in task.at_end:
            ending()


KERNEL = Scheduler()
"""The one scheduler of this process: what the patched modules stand on."""
