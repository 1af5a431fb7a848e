"""Hunts on the workers of a Dask cluster: the same tasks, and one place where findings arrive.

A hunt whose worker died begins again on another, which is said; what it had found by then is found
again or was told, and counts once. With a number of examples all of it is what one machine finds.
"""

from __future__ import annotations

import contextlib
import pickle
import queue
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from msgspec.structs import replace

from harness.engines.cluster.connection import LOCAL, Connection, library
from harness.engines.cluster.host import Kind, topic_of
from harness.engines.cluster.parcel import Parcel, file_of, packed
from harness.errors import WorldError
from harness.explore.coverage import Coverage
from harness.explore.crew import (
    ENDS_WITHIN_S,
    WAIT_S,
    Gathering,
    Outcome,
    Task,
    hunt,
    interruptible,
)
from harness.explore.finding import Result
from harness.explore.hunt import Key
from harness.frozen import Frozen
from harness.target import Target
from harness.target.loading import load_target

_LOOK_S = 0.5
"""How often a hunt looks whether it was stopped."""


class Errand(Frozen, kw_only=True):
    """One hunt, as a worker is told."""

    run: str
    number: int
    task: Task
    parcel: Parcel | None
    """The target's folder, where workers don't have it."""
    until_unix_s: float | None
    """When it ends by the wall clock, as machines have no other in common; None without a limit."""


def explore(
    tasks: Sequence[Task],
    target: Target,
    cluster: str,
    *,
    found: Callable[[Result], None],
    progress: Callable[[Coverage], None],
    notice: Callable[[str], None],
) -> Outcome:
    """Run all tasks on a cluster until their limits or SIGINT or SIGTERM.

    Raises: UsageError for a cluster or target that can't be used, WorldError where a hunt is lost.
    """
    parcel = None if cluster == LOCAL else packed(target)
    connection = Connection(Kind(engine="sim"), cluster)
    try:
        return _Fleet(connection, tasks, parcel, Gathering(found, progress), notice).run()
    finally:
        connection.close()


class _Fleet:
    def __init__(
        self,
        connection: Connection,
        tasks: Sequence[Task],
        parcel: Parcel | None,
        gathering: Gathering,
        notice: Callable[[str], None],
    ) -> None:
        self._client = connection.client
        self._gathering = gathering
        self._notice = notice
        self._run = uuid.uuid4().hex[:8]
        now_s, now_unix_s = time.monotonic(), time.time()
        self._errands = [
            Errand(
                run=self._run,
                number=number,
                task=task,
                parcel=parcel,
                until_unix_s=None
                if task.limits.until_s is None
                else now_unix_s + task.limits.until_s - now_s,
            )
            for number, task in enumerate(tasks)
        ]
        self._heard: queue.Queue[tuple[int, str, Any]] = queue.Queue()
        self._began: dict[int, str] = {}
        self._after: list[tuple[int, Key]] = []

    def run(self) -> Outcome:
        self._client.subscribe_topic(topic_of(self._run), self._on_event)
        stop = library().Event(_stop_name(self._run), client=self._client)
        futures = [
            self._client.submit(sail, errand, key=f"hunt-{self._run}-{errand.number}", pure=False)
            for errand in self._errands
        ]
        # Not from a signal's handler: the client's own thread may be in the middle of something.
        apart = threading.Thread(target=stop.set, daemon=True)
        with interruptible(self._gathering.outcome, apart.start):
            try:
                self._listen(futures)
            finally:
                with contextlib.suppress(OSError, TimeoutError, RuntimeError):
                    stop.set()
                    self._client.cancel(futures)
        return self._gathering.close()

    def _on_event(self, event: tuple[float, dict[str, Any]]) -> None:
        said = event[1]
        self._heard.put((said["number"], said["what"], said["value"]))

    def _listen(self, futures: Sequence[Any]) -> None:
        taken: set[int] = set()
        stopped_s: float | None = None
        while len(taken) < len(futures):
            with contextlib.suppress(queue.Empty):
                self._take(*self._heard.get(timeout=WAIT_S))
                continue
            for number, future in enumerate(futures):
                if number not in taken and future.done():
                    taken.add(number)
                    self._home(number, future)
            if self._gathering.outcome.interrupted is not None:
                stopped_s = stopped_s or time.monotonic()
                if time.monotonic() - stopped_s > ENDS_WITHIN_S:
                    return

    def _take(self, number: int, what: str, value: Any) -> None:
        if what == "began":
            if number in self._began:
                self._notice(f"hunt {number + 1} begins again: {self._began[number]} was lost")
            self._began[number] = value
        elif what == "after":
            if self._errands[number].task.shares:
                self._after.append((number, pickle.loads(value)))
                claims = library().Variable(_claims_name(self._run), client=self._client)
                claims.set(list(self._after))
        else:
            self._gathering.take(number, what, pickle.loads(value))

    def _home(self, number: int, future: Any) -> None:
        """A hunt has ended: all that it said comes with it, whatever of it was heard before."""
        try:
            said: list[tuple[str, Any]] = future.result()
        except Exception as error:  # whatever the cluster did with it
            if self._gathering.outcome.interrupted is not None:
                return
            raise WorldError(
                f"the cluster did not finish hunt {number + 1}: {type(error).__name__}: {error}"
            ) from error
        for what, value in said:
            self._gathering.take(number, what, value)


def sail(errand: Errand) -> list[tuple[str, Any]]:
    """One hunt on this worker; gives what it said that must not get lost."""
    from distributed import Event, Variable, get_worker

    worker = get_worker()
    kept: list[tuple[str, Any]] = []
    seen = 0

    def tell(what: str, value: object) -> None:
        said = {"number": errand.number, "what": what, "value": value}
        worker.log_event(topic_of(errand.run), said)

    def say(what: str, value: object) -> None:
        if what in ("surface", "found", "done", "failed"):
            kept.append((what, value))
        if what in ("surface", "found", "progress", "after"):
            tell(what, pickle.dumps(value))

    def others() -> Iterator[Key]:
        nonlocal seen
        with contextlib.suppress(TimeoutError, OSError):
            claims = Variable(_claims_name(errand.run)).get(timeout=0.2)  # type: ignore[no-untyped-call]
            fresh, seen = claims[seen:], len(claims)
            yield from (tuple(key) for number, key in fresh if number != errand.number)

    tell("began", worker.address)
    task = errand.task
    if errand.until_unix_s is not None:
        left_s = errand.until_unix_s - time.time()
        limits = replace(task.limits, until_s=time.monotonic() + left_s)
        task = replace(task, limits=limits)
    stop = Event(_stop_name(errand.run))  # type: ignore[no-untyped-call]

    def load(name: str) -> Target:
        # From its file, not as sent: then its contract is this process's own, as on one machine.
        return load_target(name if errand.parcel is None else file_of(errand.parcel))

    hunt(task, load, say=say, others=others, ended=_now_and_then(stop))
    return kept


def _now_and_then(stop: Any) -> Callable[[], bool]:
    """Asks whether the exploration was stopped; a scheduler that is gone has stopped it."""
    asked_s, answer = 0.0, False

    def ask() -> bool:
        nonlocal asked_s, answer
        if time.monotonic() - asked_s >= _LOOK_S:
            asked_s = time.monotonic()
            try:
                answer = bool(stop.is_set())
            except (OSError, RuntimeError):
                answer = True
        return answer

    return ask


def _stop_name(run: str) -> str:
    return f"{topic_of(run)}-stopped"


def _claims_name(run: str) -> str:
    return f"{topic_of(run)}-after"
