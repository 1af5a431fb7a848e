"""Requests, and what became of each: what is asked again and again at hand, the rest by its place.

There are as many of these as requests: with an object for each event that tells of one they would
take twice the room, and all that is asked of them twice the time.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import repeat
from typing import Any, NamedTuple, cast

from harness.frozen import Frozen
from harness.history.columns import cell, column, taken
from harness.history.events import Answered, HungUp, Sent
from harness.history.headers import Pairs, value_of


class Told(Frozen, eq=False):
    """All that was told of requests, by planned instant."""

    sent: Sequence[Sent]
    answered: Sequence[Answered]
    answers: Sequence[int]
    """Of each of `sent` where its answer stands; -1 without one."""


class Request(NamedTuple):
    """One request and what became of it."""

    id: int
    stream: str
    planned_s: float
    """When it should have left."""
    at_s: float
    """When it really left."""
    end_s: float
    """When its answer was in; infinite without one: the run ended first, or its client hung up."""
    status: int | None
    """The answer's status; None for no HTTP answer."""
    hung_up_s: float | None
    """When its client hung up; whoever works on it need not have noticed."""
    given_up: bool
    """Whether its client left it at that, and sent it no more."""
    trace: str
    """The trace that it begins; empty for none (`Sent.trace`)."""
    place: int
    """Where it stands among all that were sent."""
    told: Told

    @property
    def number(self) -> int:
        """From 1 in its stream; 0 for warm-up requests."""
        return cast(int, self._said("number"))

    @property
    def tried(self) -> int:
        """Which try of its client this is, from 1."""
        return cast(int, self._said("tried"))

    @property
    def user(self) -> str | None:
        """As whom it was sent."""
        return cast(str | None, self._said("user"))

    @property
    def method(self) -> str:
        """GET, POST and so on."""
        return cast(str, self._said("method"))

    @property
    def path(self) -> str:
        """What it asked for, with the query."""
        return cast(str, self._said("path"))

    @property
    def client(self) -> str:
        """The client's address."""
        return cast(str, self._said("client"))

    def _said(self, name: str) -> Any:
        return cell(self.told.sent, name, self.place)

    @property
    def error(self) -> str | None:
        """How it failed, where it was answered with no status."""
        return cast(str | None, self._heard("error", None))

    @property
    def headers(self) -> Pairs:
        """The answer's header fields (`Answered.headers`)."""
        return cast(Pairs, self._heard("headers", ()))

    @property
    def body(self) -> Any:
        """The answer's body (`Answered.body`); None without an answer."""
        return self._heard("body", None)

    def _heard(self, name: str, otherwise: Any) -> Any:
        place = self.told.answers[self.place]
        return otherwise if place < 0 else cell(self.told.answered, name, place)

    @property
    def unanswered(self) -> bool:
        """Whether there is no answer: the run ended first, or its client hung up."""
        return self.end_s == math.inf

    @property
    def known_s(self) -> float:
        """Up to when it is known what became of it: its end, or when its client hung up."""
        return self.end_s if self.hung_up_s is None else self.hung_up_s

    @property
    def latency_s(self) -> float:
        """From the planned instant, so that a stalled sender hides nothing; infinite if none."""
        return self.end_s - self.planned_s

    @property
    def service_s(self) -> float:
        """From the instant it really left."""
        return self.end_s - self.at_s

    @property
    def outcome(self) -> str:
        """What became of it, by the first digit: `2` to `5`, `x` for no HTTP answer, `?` where the
        run ended first.
        """
        if self.unanswered and self.hung_up_s is None:
            return "?"
        return "x" if self.status is None else str(self.status)[0]

    @property
    def well(self) -> bool:
        """Whether it was answered 2xx."""
        return self.status is not None and 200 <= self.status < 300

    def header(self, name: str) -> str | None:
        """A header's value (`name` in lower case), of several joined by commas; None without."""
        return value_of(self.headers, name)

    def field(self, name: str) -> Any:
        """A field of the answer's JSON; None where there is none."""
        body = self.body
        return body.get(name) if isinstance(body, dict) else None


def told_of(sent: Sequence[Sent], answered: Sequence[Answered]) -> Told:
    """All that was told, by planned instant."""
    sent = taken(sent, _by_plan(sent))
    known = {number: place for place, number in enumerate(column(answered, "id"))}
    answers = array("q", (known.get(number, -1) for number in column(sent, "id")))
    return Told(sent, answered, answers)


def requests_of(told: Told, hung_up: Sequence[HungUp]) -> Iterator[Request]:
    """The requests of whom that was told, in its order."""
    sent, answers = told.sent, told.answers
    at_s, status = (list[Any](column(told.answered, name)) for name in ("at_s", "status"))
    planned_s = list(column(sent, "planned_s"))  # for most that is also when they left
    left = {event.id: event.at_s for event in hung_up}
    rows = zip(
        column(sent, "id"),
        column(sent, "stream"),
        planned_s,
        (p if p == a else a for p, a in zip(planned_s, column(sent, "at_s"), strict=True)),
        (math.inf if place < 0 else at_s[place] for place in answers),
        (None if place < 0 else status[place] for place in answers),
        map(left.get, column(sent, "id")),
        _given_up(sent),
        column(sent, "trace"),
        range(len(answers)),
        repeat(told),
    )
    return map(partial(tuple.__new__, Request), rows)


def _by_plan(sent: Sequence[Sent]) -> Sequence[int]:
    """Their places by planned instant; those of one instant by their ids."""
    ids, planned_s = list(column(sent, "id")), array("d", column(sent, "planned_s"))
    by_id = sorted(range(len(ids)), key=ids.__getitem__)
    return sorted(by_id, key=planned_s.__getitem__)


def _given_up(sent: Sequence[Sent]) -> Iterator[bool]:
    """Of each whether its client sent it no more."""
    tried = list(column(sent, "tried"))
    if max(tried, default=1) == 1:
        return repeat(True)
    keys = list(zip(column(sent, "stream"), column(sent, "number"), strict=True))
    last = dict(zip(keys, tried, strict=True))
    return (key[1] == 0 or last[key] == each for key, each in zip(keys, tried, strict=True))
