"""Faults that begin after an event, in the simulation: plays until each stands where it belongs.

The first play has none of them; whichever event came first gives its fault a place in the next.
The same seed plays the same up to there, so no more rounds than faults are needed, and what comes
out is one play in which each fault begins `LATER_S` after its event (and its `wait`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from msgspec.structs import replace

from harness.engines.base import Job
from harness.history.events import Event, Triggered, Trouble
from harness.timeline import compile_timeline
from harness.triggers import Triggers

from .chronicle import Translator

LATER_S = 0.001
"""How long after an event it is known: what it brings about can't be at the same instant."""


class Rounds:
    """The plays of one job; most need one."""

    def __init__(self, job: Job, events_of: Callable[[Translator], Iterable[Event]]) -> None:
        self._job = job
        self._events_of = events_of
        self._placed: dict[int, Triggered] = {}
        self._left = len(job.scenario.waiting) + 1
        self.next_job: Job | None = job
        """What is to be played next; None once the last round is in."""
        self.events: tuple[Event, ...] = ()
        """All events of the last round but its last line."""
        self.last: Translator
        """What the last round was made of."""

    def take(self, document: dict[str, Any]) -> None:
        """The facts of the round that was asked for."""
        assert self.next_job is not None
        self.last = Translator(self.next_job, document)
        self.events = tuple(self._events_of(self.last))
        self.next_job = None
        if not self._job.scenario.waiting:
            return
        self._left -= 1
        found = self._known()
        if found == self._placed:
            self.events = tuple(_merged(self.events, found.values()))
        elif not self._left:
            what = "an event came at another instant each time that it was played"
            self.events += (Trouble(at_s=self.last.end_s, by="engine", what=what),)
        else:
            self._place(found)

    def _known(self) -> dict[int, Triggered]:
        """By fault, when its event was known in this round."""
        scenario, target = self._job.scenario, self._job.target
        triggers = Triggers(scenario, target.settings)
        return {
            index: Triggered(
                at_s=event.at_s + LATER_S,
                by="engine",
                fault=index,
                after=str(scenario.faults[index].after),
                known_by=by,
            )
            for event in self.events
            for index, by in triggers.take(event)
        }

    def _place(self, found: dict[int, Triggered]) -> None:
        """One more fault, the first of those that have none; later ones may come otherwise then."""
        news = [event.at_s for index, event in found.items() if index not in self._placed]
        until_s = min(news, default=0.0)
        self._placed = {i: event for i, event in found.items() if event.at_s <= until_s}
        known_s = {index: event.at_s for index, event in self._placed.items()}
        placed = self._job.scenario.begun_after(known_s)
        self.next_job = replace(self._job, scenario=placed, timeline=compile_timeline(placed))


def _merged(events: Iterable[Event], triggered: Iterable[Triggered]) -> Iterator[Event]:
    """Each where it belongs, after all that came before it."""
    waiting = sorted(triggered, key=lambda event: event.at_s)
    for event in events:
        while waiting and waiting[0].at_s < event.at_s:
            yield waiting.pop(0)
        yield event
    yield from waiting
