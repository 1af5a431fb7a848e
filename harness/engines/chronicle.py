"""The outage's clock, and the record kept by it.

0s is known only when the warm-up is over. Until then facts are kept back with provisional instants;
when 0s is set they go on, moved to where they belong: before it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from msgspec.structs import replace

from harness.engines.base import Record
from harness.errors import WorldError, own_error
from harness.history.events import Event, Trouble

P = ParamSpec("P")
T = TypeVar("T")

_INSTANTS = ("at_s", "planned_s", "since_s")


class Chronicle:
    """Seconds since 0s from the monotonic clock, and a `record` that keeps them consistent."""

    def __init__(self, record: Record) -> None:
        self._record = record
        self._zero = time.monotonic()
        self._kept: list[Event] | None = []
        self._defects: set[str] = set()
        self._heed: Record = lambda event: None

    def now(self) -> float:
        """The instant on the outage's clock."""
        return time.monotonic() - self._zero

    def of(self, monotonic_s: float) -> float:
        """A monotonic instant of any process on this machine, on the outage's clock."""
        return monotonic_s - self._zero

    @property
    def playing(self) -> bool:
        """Whether 0s has been set."""
        return self._kept is None

    async def until(self, at_s: float) -> None:
        """Sleep until an instant; returns at once if it is past, never early."""
        while (left_s := at_s - self.now()) > 0:
            await asyncio.sleep(left_s)

    def heed(self, heed: Record) -> None:
        """Have somebody told of each fact once it has been recorded, in the same order."""
        self._heed = heed

    def _hand_on(self, event: Event) -> None:
        self._record(event)
        self._heed(event)

    def record(self, event: Event) -> None:
        """Record a fact whose instants are on this clock as it stands."""
        if self._kept is None:
            self._hand_on(event)
        else:
            self._kept.append(event)

    def record_first(self, event: Event) -> None:
        """Record what a history begins with, but that is known only later; before 0s is set."""
        if self._kept is None:
            self._hand_on(event)
        else:
            self._kept.insert(0, event)

    def failed(self, error: WorldError) -> None:
        """The world could not be built, or a part of it died: that is this run's trouble."""
        what, late = str(error), error.late
        self.record(Trouble(at_s=self.now(), by="engine", what=what, late=late))

    def broke(self, error: BaseException) -> None:
        """A part of the harness broke: that is this run's trouble, told once for each cause.

        What that part would have seen is missing from then on, and that must accuse nobody.
        """
        what = own_error(error)
        if what not in self._defects:
            self._defects.add(what)
            self.record(Trouble(at_s=self.now(), by="engine", what=what))

    def watched(self, task: asyncio.Task[T]) -> asyncio.Task[T]:
        """The task, whose breaking is told whether or not anyone awaits it."""

        def ended(task: asyncio.Task[T]) -> None:
            error = None if task.cancelled() else task.exception()
            if error is not None:
                self.broke(error)

        task.add_done_callback(ended)
        return task

    def guarded(self, take: Callable[P, None]) -> Callable[P, None]:
        """The callback, whose breaking is told instead of ending whoever calls it."""

        def guard(*args: P.args, **kwargs: P.kwargs) -> None:
            try:
                take(*args, **kwargs)
            except Exception as error:
                self.broke(error)

        return guard

    def begin(self, lead_s: float) -> None:
        """Set 0s to `lead_s` seconds from now, and pass on what was kept back."""
        shift_s = self.now() + lead_s
        self._zero += shift_s
        self._pass_on(shift_s)

    def close(self) -> None:
        """Pass on what is still kept back: a run that never reached 0s."""
        if self._kept is not None:
            self._pass_on(self.now())

    def _pass_on(self, shift_s: float) -> None:
        kept, self._kept = self._kept or [], None
        for event in kept:
            moved = {
                name: getattr(event, name) - shift_s for name in _INSTANTS if hasattr(event, name)
            }
            self._hand_on(replace(event, **moved))
