"""Promises of effects: once, only for what was answered well, only after what it needs (G4, G7).

Charges are matched with requests by user and time: a charge can only belong to a request of that
user's whose route has such an effect, that was under way then and was answered well.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.checks.ledger import Payers
from harness.checks.promises.facts import Facts
from harness.checks.promises.violation import Violation
from harness.contracts import Step
from harness.contracts.templates import starred
from harness.history.requests import Request
from harness.routes import route_matches
from harness.wire.learned import CLOCK_S
from harness.wire.sight import RELEASE_S


def _chargeable(facts: Facts) -> list[Request]:
    """The requests of users that may be charged."""
    routes = {name: offered.route for name, offered in facts.streams.items()}
    charging = {n for n, route in routes.items() if route is not None and route.effect is not None}
    return [
        request
        for request in facts.requests
        if request.stream in charging and request.user is not None
    ]


def charged_twice(facts: Facts) -> Iterator[Violation]:
    """Each charge belongs to one request that was answered well (G7)."""
    effect = facts.case.contract.effect
    if effect is None:
        return
    asked = _chargeable(facts)
    may_own = [request for request in asked if request.unanswered or request.well]
    for charge in Payers(facts.case, may_own, facts.history.charges).unowned[:1]:
        user, at_s = charge.user_id, charge.at_s
        before = [r for r in asked if r.user == user and r.at_s <= at_s]
        yield Violation(
            promise="charged at most once",
            about=effect.upstream,
            claims=effect.claims,
            at_s=at_s,
            says=f"{user} was charged at {at_s:.2f} s, for no request of their own that was "
            "answered well and not charged yet",
            request=before[-1].id if before else None,
        )


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
        if any(f.meets(at_s - RELEASE_S, at_s) for f in facts.wire(effect.upstream).sight.delaying):
            continue  # it was sent long before, for an earlier request maybe
        if not all(_surely_failed(facts, needed, one, at_s) for one in under_way):
            continue
        yield Violation(
            promise="no charge without what it needs",
            about=effect.upstream,
            claims=needed.claims,
            at_s=at_s,
            says=f"a charge was attempted at {at_s:.2f} s although {needed.call} had failed",
            request=under_way[0].id,
        )
        return


def _under_way(facts: Facts, instants_s: Sequence[float]) -> Iterator[list[Request]]:
    """The requests that may be charged and are under way at each instant, which are in order."""
    asked = enumerate(_chargeable(facts))
    waiting = sorted(asked, key=lambda each: each[1].at_s, reverse=True)
    now: dict[int, Request] = {}
    for at_s in instants_s:
        while waiting and waiting[-1][1].at_s <= at_s:
            place, request = waiting.pop()
            now[place] = request
        now = {place: each for place, each in now.items() if at_s <= each.end_s + CLOCK_S}
        yield [now[place] for place in sorted(now)]


def _surely_failed(facts: Facts, needed: Step, request: Request, until_s: float) -> bool:
    """Whether a call that was made for a request surely failed."""
    route = starred(needed.route)
    made = [
        attempt
        for attempt in facts.within(needed.upstream, request.at_s, until_s)
        if attempt.path and route_matches(route, attempt.route, attempt.path)
    ]
    if not made:
        return False  # it may be known by other means
    if not facts.succeeded(made, needed.upstream, route):
        return True
    false = any(
        fault.spoils and fault.KIND.new == "otherwise"
        for fault in facts.broken.faults_on(needed.upstream)
    )
    start_s = request.at_s
    return false and facts.broken.throughout(needed.upstream, route, start_s, until_s)


def said_charged(facts: Facts) -> Iterator[Violation]:
    """A request that says it was charged shows in the ledger (G7)."""
    effect = facts.case.contract.effect
    told = None if effect is None else effect.acknowledged_by
    if effect is None or told is None or effect.upstream in facts.history.run.real:
        return  # a real service keeps its ledger to itself
    asked = [r for r in _chargeable(facts) if r.well and r.field(told) is True]
    for request in Payers(facts.case, asked, facts.history.charges).without[:1]:
        says = f"said {told}: true, and the ledger shows none"
        yield Violation.of(request, "charges are as answered", effect.upstream, effect.claims, says)
