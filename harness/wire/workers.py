"""Several breakers, one for each worker process: all ways to share requests among them.

Which worker had which request nobody sees, so a search gives each to one of them, and keeps all
ways that explain what happened so far. Where so many workers are declared, any way will do. Where
they are a guess, it has to be a likely one: workers of whom each has a share of the requests pass
nobody over for long, so a way that does is none, else a second worker that is hardly ever asked
would explain anything. How far one is neglected is a running sum of log likelihoods (a CUSUM test):
a quarter of its share against its share, never below zero. One that has a small share is passed
over for long anyhow, so there less is let pass.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from operator import add, attrgetter
from typing import NamedTuple

from harness.frozen import Frozen
from harness.wire.attempts import Attempt
from harness.wire.breaker import Acceptor
from harness.wire.course import Happening, note
from harness.wire.demand import Asked
from harness.wire.states import States

SHARES = (
    (1 / 2, 1 / 2), (0.75, 0.25), (0.9, 0.1),
    (1 / 3, 1 / 3, 1 / 3), (0.7, 0.2, 0.1),
    (1 / 4, 1 / 4, 1 / 4, 1 / 4),
)  # fmt: skip
"""How workers are known to share requests, the fewest and evenest first."""
_BY_CHANCE = 0.05
"""How seldom requests that are shared so may neglect a worker so far."""
_NEGLECTED = 0.25
"""What a neglected worker is given of its share."""
_MOST_GUESSES, _MOST_WAYS = 400, 1000
"""Of so many ways, at the most, the evenest are followed; where any way will do, more."""

_uneven = attrgetter("uneven")

InFlight = Mapping[int, Attempt]


class Worker(Frozen):
    """One worker as far as it is known."""

    states: States
    in_flight: InFlight
    own: frozenset[int]
    """The requests under way that it works for."""
    known_by: int = 0
    """What tells it from others."""

    @property
    def opened(self) -> bool:
        """Whether its breaker surely opened."""
        stories = [story for its in self.states.values() for story in its]
        return all(any(c.kind == "open" for c in story.changes()) for story in stories)


Guess = tuple[Worker, ...]


class _Way(NamedTuple):
    """One way to share requests: the workers, and how far each has lately been passed over."""

    workers: Guess
    neglect: tuple[float, ...]
    uneven: float
    """The most of these."""


def explained(
    events: Sequence[Happening],
    acceptor: Acceptor,
    request_of: Callable[[Attempt], int | None],
    shares: Sequence[float],
) -> bool:
    """Whether workers with such shares of the requests, each with a breaker of its own that opened,
    explain all events, in a likely way.
    """
    last = deque(Ways(events, acceptor, request_of, shares).follow(), maxlen=1)
    return any(all(worker.opened for worker in guess) for _, left in last for guess in left)


class Ways:
    """The ways to share requests among workers, followed from event to event.

    `shares`: each worker's. `likely`: whether a way has to be likely by these.
    """

    def __init__(
        self,
        events: Sequence[Happening],
        acceptor: Acceptor,
        request_of: Callable[[Attempt], int | None],
        shares: Sequence[float],
        *,
        likely: bool = True,
    ) -> None:
        self._acceptor = acceptor
        self._events = [(event, _whose(event, request_of)) for event in events]
        self._last = {
            whose: index for index, (_, whose) in enumerate(self._events) if whose is not None
        }
        self._horizons_s = _horizons_s(events)
        self._asked = math.log(_NEGLECTED)
        self._passed_over = [math.log((1 - _NEGLECTED * own) / (1 - own)) for own in shares]
        self._shares = shares
        self._likely = likely
        self.lost = False
        """Whether ways were left out: too many, or nothing could be read for some time."""
        looks = len(shares) * max(1, len(events)) if len(set(shares)) == 1 else 1
        self._most = math.log(looks / _BY_CHANCE)
        self._known: dict[object, States] = {}
        self._met: dict[int, Worker | None] = {}
        """What an event makes of each worker, by what it is known by: most ways have the same."""

    def follow(self) -> Iterator[tuple[Happening, list[Guess]]]:
        """Each event with the ways that explain all up to it; the last one without any ends it."""
        new = Worker(self._acceptor.begins, {}, frozenset())
        number = len(self._shares)
        ways = [_Way((new,) * number, (0.0,) * number, 0.0)]
        for index, (event, whose) in enumerate(self._events):
            self._known, self._met = {}, {}
            found: dict[object, _Way] = {}
            for way in ways:
                for after in self._after(way, event, whose, index):
                    known_by = [(share, worker.known_by) for share, worker in self._each(after)]
                    key = tuple(sorted(known_by))
                    known = found.get(key)
                    if known is None or after.uneven < known.uneven:
                        found[key] = after
            most = _MOST_GUESSES if self._likely else _MOST_WAYS
            self.lost = self.lost or len(found) > most
            ways = sorted(found.values(), key=_uneven)[:most]
            yield event, [way.workers for way in ways]
            if not ways:
                return

    def _after(self, way: _Way, event: Happening, whose: int | None, index: int) -> Iterator[_Way]:
        """What may be after an event, whoever it happened to."""
        owner = _owner(way.workers, event, whose)
        tried: set[object] = set()
        for number, (share, worker) in enumerate(self._each(way)):
            alike = share, worker.known_by
            if owner not in (None, number) or (owner is None and alike in tried):
                continue
            tried.add(alike)
            moved = self._moved(worker, event, whose, index)
            if moved is None:
                continue
            workers = (*way.workers[:number], moved, *way.workers[number + 1 :])
            if owner is not None:
                yield _Way(workers, way.neglect, way.uneven)
                continue
            neglect = self._given(way.neglect, number)
            if (uneven := max(neglect)) <= self._most:
                yield _Way(workers, neglect, uneven)

    def _each(self, way: _Way) -> Iterator[tuple[float, Worker]]:
        """The workers, each with its share."""
        return zip(self._shares, way.workers, strict=True)

    def _given(self, neglect: tuple[float, ...], number: int) -> tuple[float, ...]:
        """How far each is passed over after a request was given to one of them."""
        if not self._likely:
            return neglect
        after = list(map(add, neglect, self._passed_over))
        after[number] = max(0.0, neglect[number] + self._asked)
        return tuple(after)

    def _moved(
        self, worker: Worker, event: Happening, whose: int | None, index: int
    ) -> Worker | None:
        """A worker after an event that happened to it; None where it can't have."""
        if worker.known_by not in self._met:
            self._met[worker.known_by] = self._after_meeting(worker, event, whose, index)
        return self._met[worker.known_by]

    def _after_meeting(
        self, worker: Worker, event: Happening, whose: int | None, index: int
    ) -> Worker | None:
        key = frozenset(worker.states), frozenset(worker.in_flight)
        if key not in self._known:
            before = self._acceptor.early(worker.states, event, worker.in_flight.values())
            after = self._acceptor.next(before, event, worker.in_flight)
            if not self._likely:
                after = self._acceptor.forgotten(after, self._horizons_s[index])
            self._known[key] = after
        states = self._known[key]
        if any(state.kind == "any" for state in states):
            self.lost = True
            return None
        if not states:
            return None
        in_flight = dict(worker.in_flight)
        note(in_flight, event)
        goes_on = whose is not None and self._last[whose] > index
        mine = frozenset() if whose is None else frozenset({whose})
        own = worker.own | mine if goes_on else worker.own - mine
        known_by = hash((frozenset(states), frozenset(in_flight), own))
        return Worker(states, in_flight, own, known_by)


def _whose(event: Happening, request_of: Callable[[Attempt], int | None]) -> int | None:
    if isinstance(event.item, Attempt):
        return request_of(event.item)
    return event.item.request if isinstance(event.item, Asked) else None


def _horizons_s(events: Sequence[Happening]) -> list[float]:
    """After each event, the instant after which all has begun that is still to come."""
    found, least_s = [], math.inf
    for event in reversed(events):
        found.append(least_s)
        item = event.item
        began_s = item.start_s if isinstance(item, Attempt) else event.at_s
        began_s = item.asked_s if isinstance(item, Asked) else began_s
        least_s = min(least_s, began_s - event.tie_s)
    return found[::-1]


def _owner(guess: Guess, event: Happening, whose: int | None) -> int | None:
    """The worker that an event must have happened to; None where that is open."""
    for number, worker in enumerate(guess):
        if whose is not None and whose in worker.own:
            return number
        if isinstance(event.item, Attempt) and event.item.id in worker.in_flight:
            return number
    return None
