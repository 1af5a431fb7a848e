"""What a cluster's worker does: plays a scenario for each task, and sends its facts home.

A worker process has one event loop in a thread of its own, with one engine on it, whichever of its
threads a task comes in on. Everything here is imported and called by name on the worker.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable
from importlib import metadata
from typing import TYPE_CHECKING, Any, ClassVar

from msgspec.structs import replace

from harness.engines.base import Abilities, Job, Progress
from harness.engines.cluster.parcel import Parcel, unpacked
from harness.errors import HarnessError, TargetError, WorldError, own_error
from harness.frozen import Frozen
from harness.history.events import Event
from harness.machine import belongings
from harness.machine.starts import Starts
from harness.scenario.model import Scenario
from harness.target import Target
from harness.timeline import compile_timeline

if TYPE_CHECKING:
    from harness.engines.local.engine import LocalEngine
    from harness.engines.sim.engine import SimEngine

_LOOK_S = 0.5
"""How often a task looks whether the run was stopped."""


class Kind(Frozen, kw_only=True):
    """Which engine a worker makes."""

    engine: str
    proxy: str = "auto"
    seed: int = 0
    real: tuple[str, ...] = ()
    lines: bool = False

    def make(self) -> SimEngine | LocalEngine:
        """A new one.

        Raises: UsageError when this machine lacks what it needs.
        """
        if self.engine == "sim":
            from harness.engines.sim.engine import SimEngine

            return SimEngine(lines=self.lines)
        from harness.engines.local.engine import LocalEngine

        return LocalEngine(proxy=self.proxy, seed=self.seed, real=self.real)


class Order(Frozen, kw_only=True):
    """One play, as a task is told."""

    key: str
    """Of the play: what its progress is told under."""
    kind: Kind
    scenario: Scenario
    target: Target
    parcel: Parcel | None
    seed: int
    run: str
    keep_secrets: bool


class Delivery(Frozen, kw_only=True):
    """What came of a play."""

    events: tuple[Event, ...]
    problem: str | None = None
    """What the engine raised, as text."""
    refused: tuple[str, str] | None = None
    """Why the target could not be started, and what it printed."""
    late: bool = False


def play(order: Order) -> Delivery:
    """Play an order on this worker, to its end or until the run is stopped."""
    from distributed import get_worker

    worker = get_worker()

    def tell(progress: Progress) -> None:
        said = {"doing": progress.doing, "at_s": progress.at_s, "notice": progress.notice}
        begins_s = list(progress.begins_s.items())
        told = {"key": order.key, "begins_s": begins_s, **said}
        worker.log_event(topic_of(order.run), told)

    worker.log_event(topic_of(order.run), {"key": order.key, "began": worker.address})
    return _Host.of(order.kind).play(order, tell, _stopped(order.run))


class About(Frozen, kw_only=True):
    """What a worker is: those of one run are alike."""

    version: str
    """Of the harness."""
    proxy: str
    """That its engine has chosen, for a person."""
    abilities: Abilities


def about(kind: Kind) -> About:
    """What this worker is for an engine.

    Raises: UsageError when this machine lacks what the engine needs.
    """
    engine = _Host.of(kind).engine
    return About(
        version=metadata.version("outage-harness"), proxy=engine.proxy, abilities=engine.abilities
    )


def topic_of(run: str) -> str:
    """The name under which plays of a run tell how far they are."""
    return f"outage-{run}"


def _stopped(run: str) -> Callable[[], bool]:
    """Asks whether the run was stopped; a scheduler that is gone has stopped it."""
    import distributed

    flag: Any = distributed.Event(  # type: ignore[no-untyped-call]
        f"{topic_of(run)}-stopped"
    )

    def ask() -> bool:
        try:
            return bool(flag.is_set())
        except (OSError, RuntimeError, asyncio.CancelledError):
            return True

    return ask


class _Host:
    """The engine of a kind in this process, on an event loop that runs in a thread of its own."""

    _all: ClassVar[dict[Kind, _Host]] = {}
    _lock = threading.Lock()

    def __init__(self, kind: Kind) -> None:
        self.engine = kind.make()
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, name="outage", daemon=True).start()
        self._starts = Starts()

    @classmethod
    def of(cls, kind: Kind) -> _Host:
        """The one of this process."""
        with cls._lock:
            if kind not in cls._all:
                cls._all[kind] = cls(kind)
            return cls._all[kind]

    def play(
        self, order: Order, tell: Callable[[Progress], None], stopped: Callable[[], bool]
    ) -> Delivery:
        future = asyncio.run_coroutine_threadsafe(self._play(order, tell), self._loop)
        looked_s = time.monotonic()
        while not future.done():
            with contextlib.suppress(TimeoutError):
                return future.result(_LOOK_S)
            if time.monotonic() - looked_s > _LOOK_S and stopped():
                future.cancel()
            looked_s = time.monotonic()
        return future.result()

    async def _play(self, order: Order, tell: Callable[[Progress], None]) -> Delivery:
        events: list[Event] = []
        with belongings.folder() as folder:
            job = Job(
                scenario=order.scenario,
                timeline=compile_timeline(order.scenario),
                target=unpacked(order.target, order.parcel),
                seed=order.seed,
                folder=folder,
                keep_secrets=order.keep_secrets,
                run=order.run,
            )
            delivery = Delivery(events=())
            try:
                async with self._starts.one(lambda words: tell(Progress(doing=words))) as gate:
                    await self.engine.play(job, events.append, tell, gate)
                    self._starts.came_up = True
            except TargetError as error:
                self._starts.refused = self._starts.refused or error
                refused = (error.why, error.output)
                delivery = replace(delivery, refused=refused, late=error.late)
            except HarnessError as error:
                late = isinstance(error, WorldError) and error.late
                delivery = replace(delivery, problem=str(error), late=late)
            except Exception as error:
                delivery = replace(delivery, problem=own_error(error))
        return replace(delivery, events=tuple(events))
