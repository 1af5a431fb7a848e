"""Promises of effects: once, only for what was answered well, only after what it needs (G4, G7).

Charges are matched with requests by user and time: a charge can only belong to a request of that
user's whose route has such an effect, that was under way then and was answered well.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate

from harness.checks.ledger import arrives_by_s
from harness.checks.promises.facts import Facts
from harness.checks.promises.violation import Violation
from harness.contracts import Step
from harness.contracts.templates import starred
from harness.history.view import Request
from harness.routes import route_matches
from harness.scenario.faults import KINDS

_SLACK_S = 0.3
"""How far a charge may seem to lie outside of its request's life."""


def _charged(facts: Facts, user: str) -> list[Request]:
    """A user's requests that may be charged."""
    return [
        request
        for request in facts.requests
        if request.sent.user == user and _effect(facts, request) is not None
    ]


def _effect(facts: Facts, request: Request) -> Step | None:
    route = facts.offered(request).route
    return None if route is None else route.effect


def _users(facts: Facts) -> list[str]:
    return sorted({r.sent.user for r in facts.requests if r.sent.user is not None})


def charged_twice(facts: Facts) -> Iterator[Violation]:
    """Each charge belongs to one request that was answered well (G7)."""
    effect = facts.case.contract.effect
    if effect is None:
        return
    for user in _users(facts):
        owners = [r for r in _charged(facts, user) if r.answered is None or r.well]
        free = _Free(facts, owners)
        for charge in (c for c in facts.history.charges if c.user_id == user):
            if free.takes(charge.at_s):
                continue
            yield Violation(
                promise="charged at most once",
                about=effect.upstream,
                claims=effect.claims,
                at_s=charge.at_s,
                says=f"{user} was charged at {charge.at_s:.2f} s, for no request of their own that "
                "was answered well and not charged yet",
                request=_nearest(facts, user, charge.at_s),
            )
            return


class _Free:
    """Requests that own no charge yet, by when one may arrive at the latest."""

    def __init__(self, facts: Facts, requests: Sequence[Request]) -> None:
        self._facts = facts
        ledgers = facts.case.contract.ledgers
        late_s = [arrives_by_s(each, facts.history, ledgers) or 0.0 for each in requests]
        lives = [
            (max(each.end_s, by_s), each.sent.at_s)
            for each, by_s in zip(requests, late_s, strict=True)
        ]
        self._lives = sorted(lives)
        self._taken: set[int] = set()

    def takes(self, at_s: float) -> bool:
        """Give a charge to the request in whose life it lies that ended first; whether one does."""
        slack_s = self._facts.margin_s(at_s, _SLACK_S)
        for place in range(bisect_left(self._lives, (at_s - slack_s,)), len(self._lives)):
            _, sent_s = self._lives[place]
            if place not in self._taken and sent_s - slack_s <= at_s:
                self._taken.add(place)
                return True
        return False


class _Shown:
    """Charges that the ledger shows and no request owns yet, by instant."""

    def __init__(self, facts: Facts, instants_s: Iterable[float]) -> None:
        every = [(at_s, facts.margin_s(at_s, _SLACK_S)) for at_s in sorted(instants_s)]
        self._from_s = [at_s - slack_s for at_s, slack_s in every]
        self._to_s = [at_s + slack_s for at_s, slack_s in every]
        self._latest_s = list(accumulate(self._to_s, max))
        """Up to when the charges up to each may have come, and from when on those from it on."""
        self._earliest_s = list(accumulate(reversed(self._from_s), min))[::-1]
        self._taken: set[int] = set()

    def shows(self, request: Request) -> bool:
        """Give a request the first charge that lies in its life; whether there is one."""
        first = bisect_left(self._latest_s, request.sent.at_s)
        for place in range(first, bisect_right(self._earliest_s, request.end_s)):
            near = self._from_s[place] <= request.end_s and request.sent.at_s <= self._to_s[place]
            if near and place not in self._taken:
                self._taken.add(place)
                return True
        return False


def _nearest(facts: Facts, user: str, at_s: float) -> int | None:
    before = [r for r in _charged(facts, user) if r.sent.at_s <= at_s]
    return before[-1].sent.id if before else None


def charged_unknown(facts: Facts) -> Iterator[Violation]:
    """No charge is attempted after the call that it needs has failed (G4)."""
    effect = facts.case.contract.effect
    needed = None if effect is None else facts.case.contract.needed_by(effect)
    if effect is None or needed is None:
        return
    calls = facts.history.calls_to(effect.upstream, starred(effect.route))
    instants_s = [at_s for at_s in calls.told("at_s") if at_s >= 0]
    for at_s, under_way in zip(instants_s, _under_way(facts, instants_s), strict=True):
        if not under_way:
            continue  # `charged_twice` is about those
        if _held_on_its_way(facts, effect, at_s):
            continue  # it may be an earlier request's
        if not all(_surely_failed(facts, needed, one, at_s) for one in under_way):
            continue
        yield Violation(
            promise="no charge without what it needs",
            about=effect.upstream,
            claims=needed.claims,
            at_s=at_s,
            says=f"a charge was attempted at {at_s:.2f} s although {needed.call} had failed",
            request=under_way[0].sent.id,
        )
        return


def _held_on_its_way(facts: Facts, effect: Step, at_s: float) -> bool:
    """Whether a call that arrives then may have been sent long before."""
    return any(
        KINDS[fault.name].holds_back
        and KINDS[fault.name].where != "stub"
        and effect.upstream in fault.upstreams
        and fault.start_s <= at_s <= fault.end_s + _SLACK_S
        for fault in facts.history.faults
    )


def _under_way(facts: Facts, instants_s: Sequence[float]) -> Iterator[list[Request]]:
    """The requests that may be charged and are under way at each instant, which are in order."""
    everyone = [request for user in _users(facts) for request in _charged(facts, user)]
    waiting = sorted(enumerate(everyone), key=lambda each: each[1].sent.at_s, reverse=True)
    now: dict[int, Request] = {}
    for at_s in instants_s:
        while waiting and waiting[-1][1].sent.at_s <= at_s:
            place, request = waiting.pop()
            now[place] = request
        now = {place: each for place, each in now.items() if at_s <= each.end_s + 0.02}
        yield [now[place] for place in sorted(now)]


def _surely_failed(facts: Facts, needed: Step, request: Request, until_s: float) -> bool:
    """Whether a call that was made for a request surely failed."""
    route = starred(needed.route)
    made = [
        attempt
        for attempt in facts.within(needed.upstream, request.sent.at_s, until_s)
        if attempt.path and route_matches(route, attempt.route, attempt.path)
    ]
    if not made:
        return False  # it may be known by other means
    if not facts.succeeded(made, needed.upstream, route):
        return True
    false = any(
        facts.scenario.faults[index].spoils and facts.scenario.faults[index].KIND.new == "otherwise"
        for index in facts.faults_on(needed.upstream)
    )
    start_s = request.sent.at_s
    return false and facts.broken_throughout(needed.upstream, route, start_s, until_s)


def said_charged(facts: Facts) -> Iterator[Violation]:
    """A request that says it was charged shows in the ledger (G7)."""
    effect = facts.case.contract.effect
    told = None if effect is None else effect.acknowledged_by
    if effect is None or told is None:
        return
    for user in _users(facts):
        charges = _Shown(facts, [c.at_s for c in facts.history.charges if c.user_id == user])
        asked = [r for r in _charged(facts, user) if r.well]
        for request in sorted(asked, key=lambda one: one.end_s):
            if request.field(told) is True and not charges.shows(request):
                promise = "charges are as answered"
                says = f"said {told}: true, and the ledger shows none"
                yield Violation.of(request, promise, effect.upstream, effect.claims, says)
                return
