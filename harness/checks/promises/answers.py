"""Promises of answers: no status that no outage excuses, no answer that never comes, no hang."""

from __future__ import annotations

from collections.abc import Iterator

from harness.checks.promises.facts import OWN_WORK, Facts, Offered
from harness.checks.promises.violation import Violation
from harness.contracts import Step
from harness.contracts.promises import ANSWERS, NO_ERRORS, NO_HANG
from harness.contracts.routes import covered
from harness.contracts.templates import starred
from harness.history.requests import Request

_MARGIN_S = 0.6
"""Beyond the sum of the deadlines, before an answer is called late."""
_REFUSALS = frozenset({400, 401, 403, 404, 405, 409, 410, 415, 418, 422})


def never_5xx(facts: Facts) -> Iterator[Violation]:
    """No answer is a 5xx other than 503 (G9), or what the contract says instead."""
    for request in facts.requests:
        status = request.status
        if status is None or status < 500 or status == 503:
            continue
        steps = facts.offered(request).steps
        if not any(status in covered(step.else_) | step.refusals for step in steps):
            claims = facts.claims(NO_ERRORS)
            says = f"was answered {status}"
            yield Violation.of(request, "never 5xx", request.stream, claims, says)
            return


def unanswered(facts: Facts) -> Iterator[Violation]:
    """No connection is dropped in a client's face (G9)."""
    for request in facts.requests:
        dropped = request.status is None and not request.unanswered
        if dropped and not facts.excused(request):
            claims = facts.claims(ANSWERS)
            says = f"got no answer: {request.error}"
            yield Violation.of(request, "never dropped", request.stream, claims, says)
            return


def hung(facts: Facts) -> Iterator[Violation]:
    """No request takes longer than the sum of its calls' deadlines and backoffs (B8, G9)."""
    for request in facts.requests:
        offered = facts.offered(request)
        end_s = min(request.known_s, facts.history.end_s)
        took_s = end_s - request.at_s
        calls_s = facts.case.calls_s.get(offered.stream, 0.0)
        most_s = calls_s + OWN_WORK * offered.healthy_s + _MARGIN_S
        if not calls_s or took_s <= most_s + facts.slack_s(request.at_s, end_s):
            continue
        if facts.converses(offered, request.at_s, end_s):
            continue
        yield Violation.of(
            request,
            "no hang",
            slowest(facts, offered),
            facts.claims(NO_HANG),
            f"took {took_s:.1f} s, more than {most_s:.1f} s",
            evidence="; ".join(facts.queues(offered)),
        )
        return


def slowest(facts: Facts, offered: Offered) -> str:
    """The faulted upstream that a stream depends on, by which hangs are told apart."""
    hit = [name for name in offered.upstreams if name in facts.faulted]
    return hit[-1] if hit else offered.stream


def unflagged(facts: Facts) -> Iterator[Violation]:
    """An answer says so where a call behind it can't have succeeded (G5)."""
    for request in facts.requests:
        offered = facts.offered(request)
        if request.status != offered.healthy:
            continue
        for step in offered.steps:
            if not step.once and _conceals(facts, request, step):
                told = ", ".join(
                    f"{name}: {str(value).lower()}" for name, value in step.shows.items()
                )
                promise = f"{next(iter(step.shows))} is said"
                says = f"said {told} while {step.upstream} was down"
                yield Violation.of(request, promise, step.upstream, step.claims, says)
                return


def _conceals(facts: Facts, request: Request, step: Step) -> bool:
    """Whether an answer says of a call that it succeeded, though it can't have."""
    shown = facts.offered(request).shown
    told = [name for name, value in step.shows.items() if name in shown]
    start_s, end_s = request.at_s, request.end_s
    if not told or not facts.broken.throughout(step.upstream, starred(step.route), start_s, end_s):
        return False
    return all(request.field(name) is step.shows[name] for name in told)


def wrong_answer(facts: Facts) -> Iterator[Violation]:
    """An answer has a status that its route may give while these upstreams fail (G1 to G6)."""
    allowed = {name: allowed_statuses(facts, offered) for name, offered in facts.streams.items()}
    for request in facts.requests:
        status = request.status
        if status is None or (status >= 500 and status != 503):
            continue
        offered = facts.offered(request)
        if offered.route is None:
            continue  # what it may answer is not known
        if status in allowed[offered.stream] or facts.excused(request):
            continue
        broken = ", ".join(facts.faulted) or "nothing"
        says = f"was answered {status}, with {broken} failing"
        claims = offered.route.claims
        yield Violation.of(request, f"never {status}", offered.stream, claims, says)


def allowed_statuses(facts: Facts, offered: Offered) -> frozenset[int]:
    """What a sound target may answer, given which upstreams fail in the scenario at all."""
    hit = set(facts.faulted)
    allowed = {offered.healthy, 429}
    for step in offered.steps:
        allowed |= set(step.stops)
        if step.upstream in hit:
            allowed |= covered(step.else_)
            if _answers_falsely(facts, step.upstream):
                allowed |= _passed_on(facts, step)
    known = {step.upstream for step in offered.steps}
    for name in offered.upstreams:
        if name in hit and name not in known:  # the contract says nothing of this one
            allowed.add(503)
            if _answers_falsely(facts, name):
                allowed |= _REFUSALS
    return frozenset(allowed)


def _passed_on(facts: Facts, step: Step) -> frozenset[int]:
    """What may be answered where the upstream refuses: what faults make it say among it."""
    if not step.passes_on:
        return step.refusals
    said = (getattr(fault, "status", None) for fault in facts.broken.faults_on(step.upstream))
    return step.refusals | _REFUSALS | {status for status in said if status and status // 100 == 4}


def _answers_falsely(facts: Facts, upstream: str) -> bool:
    """Whether a fault makes the upstream itself say something else, which may be passed on.

    An error of its own (5xx) says nothing that anybody could be refused for.
    """
    return any(
        fault.KIND.new == "otherwise" and (getattr(fault, "status", None) or 0) < 500
        for fault in facts.broken.faults_on(upstream)
    )
