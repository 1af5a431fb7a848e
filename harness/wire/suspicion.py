"""What may be behind a breaker that breaks its contract: all rivals, held against one wire.

A rival has other rules; or another deadline; or shares its breaker with other upstreams; or has
several of them, for each user, route or worker process.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from itertools import islice, pairwise
from statistics import median

from harness.contracts.promises import ENDS_ATTEMPTS, ONE_BREAKER, OPENS
from harness.policy.counting import Result
from harness.units import format_duration
from harness.wire.attempts import FAILURE, Attempt
from harness.wire.breaker import Acceptor, read
from harness.wire.causes import MOST_ROUTES, Cause, Evidence, families, fitting, named
from harness.wire.course import Course
from harness.wire.demand import Asked, Demand
from harness.wire.policy import Policy, declared
from harness.wire.readings import Readings
from harness.wire.sharing import Sharing
from harness.wire.states import Reading
from harness.wire.workers import SHARES, explained

_FEW, _LITTLE = 2, 0.05
"""So many unexplained events, or this share of all, are little."""
_ALIKE_S, _OTHER_S = 0.3, 0.5
"""How near to each other attempts are given up by one deadline, and how far from another."""
_SEVERAL = (OPENS, ONE_BREAKER)
"""What several breakers in place of one break."""
_MOST_SLOTS = 2
_SLOW_S = 0.5
_LONG_S = 1.0
"""So long nobody works on anything else than a call."""


class Suspicion:
    """The rivals of one wire's declared breaker; `sharing`: with which others it seems shared."""

    def __init__(self, wire: Readings, sharing: Sharing | None) -> None:
        self._wire = wire
        self._sharing = sharing
        self._declared = declared(wire.settings)

    @cached_property
    def causes(self) -> tuple[Cause, ...]:
        """The one or two that explain everything, or several breakers; none where too many do.

        A deadline that is seen to be another one can't be left out of any explanation. More than
        two workers explain much, so they are looked for only where nothing else explains it.
        """
        deadline_s = self._deadline_s
        if deadline_s is not None:
            return tuple(self._with_deadline(deadline_s))
        if self._waited_in_vain or self._wire.overdue is not None:
            return ()  # no rules of a breaker are why somebody waits, for an attempt or in vain
        shared = () if self._sharing is None else self._sharing.wires
        if shared and all(wire.refutation is not None for wire in shared):
            return tuple(self._shared())  # what is wrong with one alone explains none of the others
        rivals = named(self._families())
        if rivals is None:
            return ()
        if any(cause.breaks == _SEVERAL for cause in rivals):
            return rivals
        if rivals and self._declared.opens.heavy:
            return rivals  # how several of them share the calls would take a minute
        few = 2 if rivals else max(map(len, SHARES))
        return (*rivals, *islice(self._workers(few), 1))

    @cached_property
    def fitting(self) -> tuple[Cause, ...]:
        """Of each family of rules the first that explains everything, however many do."""
        return tuple(cause for family in self._families() for cause in islice(family, 1))

    @property
    def nearest(self) -> Reading:
        """Where no rules explain everything alone: the declared ones, if they leave but little
        unexplained, else those that leave the least.
        """
        wire, own = self._wire, self._forgiven
        if len(own.unexplained) <= max(_FEW, _LITTLE * own.events):
            return own
        rules = (one for family in families(wire.settings, self._evidence) for one in family)
        if self._declared.opens.heavy:  # each of the others may take seconds
            rules = (one for one in rules if not one.opens.heavy)
        readings = [own, *(wire.held_against(policy, forgiving=True) for policy in rules)]
        return min(readings, key=lambda reading: len(reading.unexplained))

    @property
    def _forgiven(self) -> Reading:
        """What the declared rules leave unexplained in all."""
        return self._wire.held_against(self._declared, forgiving=True)

    def _families(self) -> Iterator[Iterator[Cause]]:
        for family in families(self._wire.settings, self._evidence):
            yield fitting(family, self._explains)
        yield self._shared()
        yield self._as_one()
        # One breaker for each of whatever tells requests apart.
        sent = {d.request.id: d.request for d in self._wire.demands}
        yield self._split("user", lambda request, _: sent[request].user)
        yield self._split(
            "route of its own", lambda request, _: (sent[request].method, sent[request].path)
        )
        yield self._split("method of its calls", lambda _, route: route.partition(" ")[0])
        yield self._split("path of its calls", lambda _, route: route.partition(" ")[2])

    def _explains(self, policy: Policy) -> Reading | None:
        """What a breaker with these rules makes of all events, if it explains them and fits what
        the target says of itself.
        """
        wire = self._wire
        if not policy.rechecks and self._gives_up_early:
            return None  # it would have gone on
        reading = wire.held_against(policy)
        if reading.refutation is not None or reading.lost_track > wire.reading.lost_track:
            return None
        agrees = (wire.account.agrees(story, wire.sight.fine_s) for story in reading.stories)
        return reading if any(agrees) else None

    @cached_property
    def _gives_up_early(self) -> bool:
        """Whether a call surely failed, with attempts left, and made no other one although a first
        retry had been made: something must have been asked in between.
        """
        own, end_s = self._wire.settings, self._wire.history.end_s
        for call in self._wire.calls:
            due_s = call[-1].end_s + own.between_s(len(call), call[-1].status)[1]
            failed = all(attempt.results == FAILURE for attempt in call)
            if failed and 1 < len(call) < own.attempts and due_s + _OTHER_S < end_s:
                return True
        return False

    @property
    def _waited_in_vain(self) -> bool:
        """Whether several waited long for an attempt that they then did not make: for a place in a
        pool, say, where they may have failed as well.
        """
        sight = self._wire.sight
        waits_s = (
            d.asked_by_s - d.asked_s - sight.late_s(d.asked_s, d.asked_by_s)
            for d in self._wire.demands
            if d.outcome == "unknown" and sight.requests and not sight.is_hidden(d.asked_s)
        )
        return sum(wait_s > _LONG_S for wait_s in waits_s) > _FEW

    # What they hang on

    @cached_property
    def _evidence(self) -> Evidence:
        wire = self._wire
        statuses = {a.status for a in wire.attempts if a.status is not None and a.status >= 500}
        routes = sorted({a.route for a in wire.attempts} - {""})
        lasted_s = [a.end_s - a.start_s for a in wire.attempts if Result.SUCCESS in a.results]
        return Evidence(
            waits_s=self._waits_s(),
            reopened=self._reopened,
            slots_s=self._slots_s(),
            slow_s=[took_s for took_s in lasted_s if took_s > _SLOW_S],
            errors=sorted(statuses),
            faults=sorted({kind for a in wire.attempts for kind in wire.met(a)}),
            routes=routes if 1 < len(routes) <= MOST_ROUTES else (),
        )

    def _waits_s(self) -> tuple[float, ...]:
        """How long after its opening something was let through, or was turned away in vain."""
        unexplained = self._forgiven.unexplained
        found = [
            one.at_s - one.state_s
            for one in unexplained
            if one.wrong in ("while open", "no probe") and math.isfinite(one.state_s)
        ]
        later = [
            a.start_s - one.state_s
            for one in unexplained[:1]
            for a in self._wire.attempts
            if one.wrong == "no probe" and a.start_s > one.at_s
        ]
        return tuple(dict.fromkeys(round(wait_s, 1) for wait_s in (*found[:2], *later[:1])))

    @property
    def _reopened(self) -> bool:
        """Whether it opened because a probe failed: only then it has another wait to keep."""
        return any(
            (one.kind, other.kind) == ("half_open", "open")
            for changes in self._forgiven.changes
            for one, other in pairwise(changes)
        )

    def _slots_s(self) -> tuple[float, ...]:
        """How long after the attempt before it each came at which something was unexplained."""
        begun_s = self._wire.begun_s
        at = (bisect_left(begun_s, one.at_s) for one in self._forgiven.unexplained)
        found = [begun_s[i] - begun_s[i - 1] for i in at if 0 < i < len(begun_s)]
        return tuple(dict.fromkeys(round(slot_s, 1) for slot_s in found[:_MOST_SLOTS] if slot_s))

    # Another deadline

    @property
    def _deadline_s(self) -> float | None:
        """How long attempts are waited for, where that is seen to be another time than declared:
        the target closes their connections then, or answers only once they have ended by
        themselves.
        """
        wire, own_s = self._wire, self._wire.settings.timeout_s
        given_up = wire.history.connections_at(wire.upstream).given_up()
        given_up_s = [end_s - start_s for start_s, end_s in given_up]
        usual_s = median(given_up_s) if given_up_s else own_s
        alike = sum(abs(each - usual_s) <= _ALIKE_S for each in given_up_s)
        if abs(usual_s - own_s) > max(_OTHER_S, own_s / 10) and alike * 2 > len(given_up_s) > 1:
            return usual_s
        demands = wire.with_timeout(math.inf).demands
        return math.inf if any(_waits_on(demand, own_s + _OTHER_S) for demand in demands) else None

    def _with_deadline(self, timeout_s: float) -> Iterator[Cause]:
        reading = self._wire.with_timeout(timeout_s).reading
        if reading.refutation is None:
            own = format_duration(self._wire.settings.timeout_s)
            says = f"gives up an attempt after {timeout_s:.3g}s, not {own}"
            if math.isinf(timeout_s):
                says = "has no deadline for an attempt"
            yield Cause(what=says, breaks=(ENDS_ATTEMPTS,), events=reading.events)

    # One breaker for more, or several

    def _shared(self) -> Iterator[Cause]:
        """One breaker for several upstreams."""
        if self._sharing is not None:
            reading = self._sharing.read_at(self._wire)
            says = f"shares one breaker with {self._sharing.others(self._wire.upstream)}"
            yield _cause(says, reading, ONE_BREAKER)

    def _as_one(self) -> Iterator[Cause]:
        """One breaker for all routes of an upstream that should have several."""
        whole = self._wire.whole
        if whole is not self._wire:
            reading = whole.held_against(self._declared)
            if reading.explains_all:
                says = f"has one breaker for all calls at {whole.upstream}"
                yield _cause(says, reading, ONE_BREAKER)

    def _alone(self, attempts: Sequence[Attempt], asked: Sequence[Asked]) -> Reading:
        """What the declared breaker makes of some of the events."""
        return read(attempts, asked, self._wire.outcomes, tie_s=self._wire.sight.tie_s)

    def _split(self, each: str, key: Callable[[int, str], object]) -> Iterator[Cause]:
        """One breaker for each value of a key, given a request's id and the route that it calls."""
        wire = self._wire
        made: dict[object, list[Attempt]] = defaultdict(list)
        asked: dict[object, list[Asked]] = defaultdict(list)
        for attempt in wire.attempts:
            request = wire.request_of(attempt)
            if request is None:
                return
            made[key(request, attempt.route)].append(attempt)
        for one in wire.asked:
            asked[key(one.request, wire.route_of(one.request))].append(one)
        failing = [part for part in made.values() if any(Result.FAILURE in a.results for a in part)]
        if len(failing) < 2:
            return
        readings = [self._alone(made[one], asked[one]) for one in (made | asked)]
        if all(reading.explains_all for reading in readings):
            events = sum(reading.events for reading in readings)
            yield Cause(what=f"has a breaker for each {each}", breaks=_SEVERAL, events=events)

    def _workers(self, most: int) -> Iterator[Cause]:
        """Several processes that share the work, up to so many; so many at the least."""
        wire = self._wire
        # Not `wire.turned_away`: whom it counts hangs on when it was open, and that on its causes.
        away = any(demand.outcome == "turned away" for demand in wire.demands)
        if not away or not wire.sight.sees_all or not self._looks_like_several:
            return
        acceptor = Acceptor(wire.attempts, wire.outcomes, wire.sight.tie_s)
        events = list(Course(wire.attempts, wire.asked, wire.sight.tie_s))
        for shares in (shares for shares in SHARES if len(shares) <= most):
            if explained(events, acceptor, self._made_for, shares):
                number = f"{len(shares)} would explain it"
                says = f"has several breakers, as worker processes do ({number})"
                yield Cause(what=says, breaks=_SEVERAL, events=len(events))

    def _made_for(self, attempt: Attempt) -> int | None:
        """The request that likely made an attempt; None where another one began just then."""
        tie_s = self._wire.sight.tie_s(attempt.start_s)
        begun_s = self._wire.begun_s
        first = bisect_left(begun_s, attempt.start_s - tie_s)
        near = bisect_right(begun_s, attempt.start_s + tie_s) - first
        return self._wire.request_of(attempt) if near == 1 else None

    @property
    def _looks_like_several(self) -> bool:
        """Whether it was called while open, or had more than one probe more than once: one probe
        more needs no second breaker.
        """
        unexplained = self._forgiven.unexplained
        kinds = [one.wrong for one in unexplained]
        probed_s = {one.state_s for one in unexplained if one.wrong == "two probes"}
        return kinds[:1] == ["while open"] or (kinds[:1] == ["two probes"] and len(probed_s) > 1)


def _cause(what: str, reading: Reading, *breaks: str) -> Cause:
    return Cause(what=what, breaks=breaks, events=reading.events, reading=reading)


def _waits_on(demand: Demand, longest_s: float) -> bool:
    """Whether a request waited for one of its attempts for longer, and did nothing else."""
    goes_on_s = [*(attempt.start_s for attempt in demand.attempts[1:]), demand.request.end_s]
    return any(
        attempt.end_s <= until_s and attempt.end_s - attempt.start_s > longest_s
        for attempt, until_s in zip(demand.attempts, goes_on_s, strict=False)
    )
