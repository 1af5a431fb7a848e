"""An upstream's wire where each worker process has a breaker of its own.

Who worked for which request nobody sees, so all ways to share requests among the workers are
followed at once. What is told of the breakers holds whichever it was: from the first instant at
which one of them may be open to the first at which one must be, and back. It is the workers as a
whole that are spoken of: open from the first opening until all are closed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cached_property

from msgspec.structs import replace

from harness.contracts.promises import ONE_BREAKER, OPENS
from harness.frozen import Frozen
from harness.history.spans import Spans
from harness.policy.counting import Result
from harness.policy.scopes import EachWorker
from harness.units import Window
from harness.wire.attempts import Attempt
from harness.wire.breaker import Acceptor
from harness.wire.causes import Cause
from harness.wire.changes import Changes, Probe
from harness.wire.course import Course, Happening
from harness.wire.sight import Sight
from harness.wire.states import Reading, States, add
from harness.wire.stories import Change
from harness.wire.wire import Wire
from harness.wire.workers import Guess, Ways

_MOST_WORKERS = 4
"""So many, at the most, are looked for where those that are declared explain too little."""
_SLACK_S = 0.1
"""How far an attempt may seem to lie outside of the life of its request."""


class Followed(Frozen, kw_only=True):
    """What so many workers make of all events."""

    number: int
    reading: Reading
    lost: bool = False
    """Whether not all ways to share the requests could be followed: then nothing else is told."""
    changes: Sequence[Change] = ()
    perhaps: Change | None = None
    """An opening that may have been last, and need not."""
    windows: Sequence[Window] = ()
    """When all of them surely were open."""


def follow(
    number: int,
    events: Sequence[Happening],
    acceptor: Acceptor,
    request_of: Callable[[Attempt], int | None],
    end_s: float,
) -> Followed:
    """What so many workers, each with a breaker of its own, make of all events up to the end.

    `request_of`: the request that an attempt was made for, where that is sure.
    """
    ways = Ways(events, acceptor, request_of, [1 / number] * number, likely=False)
    telling, refuted = _Telling(acceptor), None
    before: list[Guess] = []
    for event, guesses in ways.follow():
        if ways.lost:
            break
        if not guesses:
            refuted = acceptor.refute(_all_states(before), event)
        telling.take(event, guesses)
        before = guesses
    telling.end(end_s if refuted is None else refuted.at_s)
    unexplained = () if refuted is None else (refuted,)
    reading = Reading(stories=(), unexplained=unexplained, events=len(events))
    if ways.lost:
        return Followed(number=number, reading=reading, lost=True)
    changes, perhaps, windows = telling.changes, telling.perhaps, telling.windows
    return Followed(
        number=number, reading=reading, changes=changes, perhaps=perhaps, windows=windows
    )


class Crowd(Wire):
    """The calls of several workers at an upstream, each behind a breaker of its own."""

    @cached_property
    def _followed(self) -> Followed:
        return self._shared_by(self._number or 1, self.sight)

    @property
    def _number(self) -> int | None:
        scope = self.settings.scope
        return scope.number if isinstance(scope, EachWorker) else None

    @property
    def unfollowed(self) -> str:
        """Nobody says how many workers there are; or there are too many ways to share requests."""
        if not self._number:
            return "how many workers there are isn't said"
        if self._followed.lost:
            return f"how {self._number} workers shared the requests can't be followed"
        return ""

    @property
    def reading(self) -> Reading:
        """What so many declared breakers make of it together; nothing, if nobody says how many."""
        return self._said(self._followed)

    @cached_property
    def patient_reading(self) -> Reading:
        """The same where the order of events is as loose as measured waits make it."""
        return self._said(self._shared_by(self._number or 1, self.sight.with_patience))

    def _said(self, found: Followed) -> Reading:
        return found.reading if self._number else replace(found.reading, unexplained=())

    def _shared_by(self, number: int, sight: Sight) -> Followed:
        tie_s = sight.blind_in(self.belated or sight.guessed)
        acceptor = Acceptor(self.attempts, self.outcomes, tie_s, self.earlier)
        events = list(Course(self.attempts, self.asked, tie_s, self.lost))
        return follow(number, events, acceptor, self._surely_made_for, self.history.end_s)

    def _surely_made_for(self, attempt: Attempt) -> int | None:
        """The request that made an attempt, where no other one was under way that can have."""
        alone = self._lives.touching(attempt.start_s - _SLACK_S, attempt.start_s + _SLACK_S) == 1
        return self.request_of(attempt) if alone else None

    @cached_property
    def _lives(self) -> Spans:
        return Spans((d.request.at_s, d.request.end_s) for d in self.demands)

    @cached_property
    def changes(self) -> Changes:
        """From the first opening of any to where all of them are closed."""
        if self.unfollowed:
            return Changes(others=((Change("open", 0.0, math.inf, None),),))
        main, perhaps = tuple(self._meant.changes), self._meant.perhaps
        return Changes(
            main=main,
            others=() if perhaps is None else ((*main, perhaps),),
            evidence=tuple(_WHY[change.kind] for change in main),
        )

    @property
    def open_windows(self) -> tuple[Window, ...]:
        """When all of them surely were open."""
        return tuple(self._meant.windows)

    @property
    def probes(self) -> tuple[Probe, ...]:
        """Whose probe an attempt is isn't known."""
        return ()

    @cached_property
    def causes(self) -> tuple[Cause, ...]:
        """Where they are refuted: the number of workers that explains everything."""
        if self.refutation is None or self.patient_reading.refutation is None:
            return ()
        if self._meant is self._followed:
            return ()
        what = f"has breakers of {self._meant.number} workers, not {self._number}"
        events = self._meant.reading.events
        return (Cause(what=what, breaks=(OPENS, ONE_BREAKER), events=events),)

    @cached_property
    def _meant(self) -> Followed:
        """What explains everything: so many workers as are declared, or a few more."""
        if self.refutation is None:
            return self._followed
        more = (
            self._shared_by(n, self.sight)
            for n in range(self._followed.number + 1, _MOST_WORKERS + 1)
        )
        fitting = (one for one in more if one.reading.refutation is None and not one.lost)
        return next(fitting, self._followed)


_WHY = {
    "open": "failed attempts of one worker, whoever shared the others",
    "closed": "the probes of all workers succeeded",
}


class _Telling:
    """What is sure of all ways together, from event to event."""

    def __init__(self, acceptor: Acceptor) -> None:
        self._acceptor = acceptor
        self.changes: list[Change] = []
        self.windows: list[Window] = []
        self._open = False
        self._since_s: float | None = None
        """Since when it may be otherwise."""
        self._all_s: float | None = None
        """Since when all of them surely are open."""

    def take(self, event: Happening, guesses: Sequence[Guess]) -> None:
        """What is known after an event."""
        if not guesses:
            return
        ways = [[self._kinds(worker.states, event.at_s) for worker in guess] for guess in guesses]
        odd = any(any(kinds - {"closed", "due"} for kinds in way) for way in ways)
        shut = all(all(kinds <= {"open", "due"} for kinds in way) for way in ways)
        if self._open:
            closed = any(all("closed" in kinds for kinds in way) for way in ways)
            served = isinstance(event.item, Attempt) and event.item.result is Result.SUCCESS
            self._turn(event, may=closed, must=served and not odd)
        else:
            calm = any(all(kinds & {"closed", "due"} for kinds in way) for way in ways)
            self._turn(event, may=odd, must=not calm)
        if shut and self._all_s is None:
            self._all_s = event.at_s
        elif not shut and self._all_s is not None:
            self.windows.append(Window(self._all_s, event.at_s - event.tie_s))
            self._all_s = None

    def end(self, end_s: float) -> None:
        """The play is over."""
        if self._all_s is not None:
            self.windows.append(Window(self._all_s, end_s))

    def _kinds(self, states: States, at_s: float) -> set[str]:
        """All that one of them may be: `due` is open and would let the next call through."""
        due = self._acceptor.is_due
        return {
            "due" if state.kind == "open" and due(state, at_s) else state.kind for state in states
        }

    def _turn(self, event: Happening, *, may: bool, must: bool) -> None:
        if not may and not must:
            self._since_s = None
            return
        if self._since_s is None:
            self._since_s = _earliest_s(event)
        if must:
            kind = "closed" if self._open else "open"
            self.changes.append(Change(kind, self._since_s, event.at_s, None))
            self._open, self._since_s = not self._open, None

    @property
    def perhaps(self) -> Change | None:
        """What may have been last, and need not."""
        if self._open or self._since_s is None:
            return None
        return Change("open", self._since_s, math.inf, None)


def _earliest_s(event: Happening) -> float:
    """When an event can have happened at the earliest."""
    item = event.item
    if isinstance(item, Attempt) and event.at_s == item.end_s:
        return item.ends_from_s
    return event.at_s - event.tie_s


def _all_states(guesses: Sequence[Guess]) -> States:
    """The states in which any worker may be."""
    found: States = {}
    for guess in guesses:
        for worker in guess:
            for state, stories in worker.states.items():
                add(found, state, stories)
    return found
