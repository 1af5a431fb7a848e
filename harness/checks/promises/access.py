"""Promises of security: who is let in, gets a cookie, sees whose sources (G1-G3, G5, G8)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.checks.answers import cookies
from harness.checks.promises.facts import Facts, Offered
from harness.checks.promises.violation import Violation
from harness.contracts import ContractRoute, Step
from harness.contracts.routes import covered
from harness.contracts.templates import starred
from harness.history.requests import Request
from harness.routes import route_matches
from harness.wire.attempts import Attempt


def let_in(facts: Facts) -> Iterator[Violation]:
    """Nobody gets 2xx for whom no upstream vouched, in that very request (G2, G3, G8)."""
    called = {name: _vouching(offered) for name, offered in facts.streams.items()}
    for request in facts.requests:
        if not request.well:
            continue
        found = _not_vouched_for(facts, request, called[request.stream])
        if found is not None:
            step, name, words = found
            says = f"was answered {request.status} {words}"
            yield Violation.of(request, f"never let in: {name}", step.upstream, step.claims, says)


def _vouching(offered: Offered) -> list[tuple[Step, str]]:
    """The calls of a stream's requests that vouch for somebody, each with its route."""
    steps = () if offered.route is None else offered.route.vouching
    routes = [(step, starred(step.route)) for step in steps]
    return [own for own in routes if any(_is_call(*own, call) for call in offered.calls)]


def _not_vouched_for(
    facts: Facts, request: Request, called: Sequence[tuple[Step, str]]
) -> tuple[Step, str, str] | None:
    """By which call a request should not have been let in: a short name, and words."""
    offered = facts.offered(request)
    if not offered.own:
        return _stranger(offered, () if offered.route is None else offered.route.vouching)
    for step, route in called:
        reason = _unvouched(facts, request, step, route)
        if reason is not None:
            return step, *reason
    return None


def _unvouched(facts: Facts, request: Request, step: Step, route: str) -> tuple[str, str] | None:
    """Why a call can't have vouched for a request; None if it may have."""
    start_s, end_s = request.at_s, request.end_s
    if not any(facts.broken.lasting(step.upstream, start_s, end_s)):
        return None
    user = request.user
    if not facts.broken.throughout(step.upstream, route, start_s, end_s, user):
        return None
    revoked = (fault.revoked for fault in facts.broken.lasting(step.upstream, start_s, end_s))
    if step.vouches != "owner" and user is not None and user in revoked:
        return "a revoked token", "although the user's token is revoked"
    answered = facts.succeeded(facts.begun_in(request, step.upstream), step.upstream, route)
    if answered and not _false_answers(facts, step.upstream, start_s, end_s):
        return None
    if step.vouches == "owner":
        return "owner unknown", "although the owner could not be looked up"
    return f"{step.upstream} can't say", f"although {step.upstream} could vouch for nobody then"


def _is_call(step: Step, route: str, call: tuple[str, str]) -> bool:
    upstream, called = call
    return upstream == step.upstream and route_matches(route, called, called.partition(" ")[2])


def _stranger(offered: Offered, vouching: tuple[Step, ...]) -> tuple[Step, str, str] | None:
    """Somebody who is refused when all is well; None for a refusal that says nothing of that."""
    for step in vouching:
        refused = step.refused if isinstance(step.refused, tuple) else ()
        if offered.healthy not in covered((*step.else_, *refused)):
            continue
        match step.vouches:
            case "password":
                return step, "wrong password", "with a wrong password"
            case "token":
                return step, "a bad token", "although it is refused when all is well"
            case _:
                return step, "a stranger", "although it is forbidden when all is well"
    return None


def _false_answers(facts: Facts, upstream: str, start_s: float, end_s: float) -> bool:
    """Whether an upstream's answers were all made useless by a fault, though they were answered."""
    return any(
        fault.KIND.falsifies and fault.hits_each
        for fault in facts.broken.lasting(upstream, start_s, end_s)
    )


def served_without(facts: Facts) -> Iterator[Violation]:
    """Nobody gets a good answer whose required call was made, and failed (G3 to G6)."""
    for request in facts.requests:
        offered = facts.offered(request)
        if request.status != offered.healthy or not offered.own or facts.excused(request):
            continue
        for step in offered.steps:
            if not step.else_ or request.status in covered(step.else_) or step.vouches is not None:
                continue  # it goes without; `let_in` is about those who vouch
            why = _failed(facts, request, step, starred(step.route))
            if why is not None:
                promise = f"never served without {step.upstream}"
                says = f"was answered {request.status} although {why}"
                yield Violation.of(request, promise, offered.stream, step.claims, says)
                return


def _failed(facts: Facts, request: Request, step: Step, route: str) -> str | None:
    """Why a call that was made for a request can't have succeeded; None if it may have."""
    upstream, start_s, end_s = step.upstream, request.at_s, request.end_s
    if not facts.sees_all(upstream):
        return None
    made = facts.asked_for(request, upstream, route)
    if made and not facts.succeeded(made, upstream, route) and not _goes_on(step, made):
        return f"each call of {upstream} in its time had failed"
    if made and step.needs and facts.broken.throughout(upstream, route, start_s, end_s):
        return f"{upstream} gave no answer with what it needs"
    if not made and facts.met_open(request, upstream):
        return f"the breaker of {upstream} had turned it away"
    return None


def _goes_on(step: Step, made: Sequence[Attempt]) -> bool:
    """Whether one was refused in a way that the route answers well all the same."""
    statuses = (one.status for one in made if one.status is not None)
    return any(400 <= one < 500 and not step.to_refusal(one) for one in statuses)


def login_cookie(facts: Facts) -> Iterator[Violation]:
    """A login that isn't answered well sets no cookie (G1)."""
    logins = {
        name: step
        for name, offered in facts.streams.items()
        for step in offered.steps[::-1]  # the first counts
        if step.vouches == "password"
    }
    for request in facts.requests if logins else ():
        step = logins.get(request.stream)
        refused = request.status is not None and not request.well
        if step is not None and refused and cookies(request):
            says = f"was answered {request.status} with a cookie"
            promise = "no cookie for a failed login"
            yield Violation.of(request, promise, step.upstream, step.claims, says)
            return


def others_sources(facts: Facts) -> Iterator[Violation]:
    """What an answer draws on belongs to whom it was asked about (G5, G8)."""
    projects = _projects(facts)
    for request in facts.requests:
        route = facts.offered(request).route
        own, sources = projects.get(request.stream), _sources(request, route)
        if own is None or route is None or request.status != 200:
            continue
        others = [
            source
            for source in sources
            if source.partition("/")[0] in set(projects.values()) - {own}
        ]
        if others:
            promise, says = f"never another's {route.own}", f"in {own} was shown {others[0]}"
            yield Violation.of(request, promise, request.stream, route.own_claims, says)
            return


def _sources(request: Request, route: ContractRoute | None) -> list[str]:
    """The list in an answer that names nothing of anybody else's."""
    found = None if route is None or route.own is None else request.field(route.own)
    return [one for one in found if isinstance(one, str)] if isinstance(found, list) else []


def _projects(facts: Facts) -> dict[str, str]:
    """What each stream's requests are about, as the answers of its warm-up show."""
    found = {}
    for request in facts.history.warm_up:
        if request.stream not in facts.streams:
            continue
        sources = _sources(request, facts.offered(request).route)
        names = {source.partition("/")[0] for source in sources if "/" in source}
        if len(names) == 1:
            found[request.stream] = names.pop()
    return found
