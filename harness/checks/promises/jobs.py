"""What is done at most once: a job, which its stub knows again whoever attempts it, and whenever.

A target may keep a queue of jobs and come to one while it works on other requests, or on none.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from harness.checks.promises.facts import Facts
from harness.checks.promises.violation import Violation
from harness.contracts.promises import ACCEPTS_ANSWERS, REPEATS
from harness.contracts.templates import starred
from harness.history.requests import Request
from harness.policy.counting import Result
from harness.routes import route_matches
from harness.wire.attempts import Attempt, in_order


def may_be_older(facts: Facts, request: Request, upstream: str, attempt: Attempt) -> bool:
    """Whether it is of a job that was attempted before a request was sent."""
    if not attempt.of or not _is_job(facts, upstream, attempt):
        return False
    before = facts.wire(upstream).attempts
    return any(a.of == attempt.of and a.start_s < request.at_s for a in before)


def repeated(facts: Facts) -> Iterator[Violation]:
    """A job is attempted n times at the most, and not again once it was answered (B1, B7)."""
    effect = facts.case.contract.effect
    if effect is None or effect.upstream not in facts.upstreams:
        return
    upstream = effect.upstream
    if not facts.sees_all(upstream) or _known_before(facts, upstream):
        return
    if not all(request.given_up for request in facts.history.requests):
        return  # whoever is asked again may make the same job of it
    most = facts.settings(upstream).attempts
    for made in _jobs(facts, upstream).values():
        for earlier, later in pairwise(made):
            answered = earlier.result in (Result.NEUTRAL, Result.SUCCESS)
            if answered and (earlier.status or 0) >= 400:
                yield Violation(
                    promise="never retried what was answered",
                    about=upstream,
                    claims=facts.claims(ACCEPTS_ANSWERS),
                    at_s=later.start_s,
                    says=f"{upstream} was called again at {later.start_s:.2f} s for a job that it "
                    f"had answered with {earlier.status} at {earlier.end_s:.2f} s",
                )
                break
        if len(made) > most and facts.has_declared(upstream):
            yield Violation(
                promise="no more attempts than promised",
                about=upstream,
                claims=facts.claims(REPEATS),
                at_s=made[most].start_s,
                says=f"{upstream} was called {len(made)} times for one job; {most} is the most",
            )


def _jobs(facts: Facts, upstream: str) -> Mapping[str, Sequence[Attempt]]:
    """The attempts of each job, by start, whoever was served meanwhile."""
    wire, found = facts.wire(upstream), defaultdict[str, list[Attempt]](list)
    for attempt in in_order((*wire.attempts, *wire.background)):
        if attempt.of and _is_job(facts, upstream, attempt):
            found[attempt.of].append(attempt)
    return found


def _known_before(facts: Facts, upstream: str) -> bool:
    """Whether a job of the warm-up came again: it is named by something else than its request."""
    before = {call.called.of for call in facts.history.warm_up_calls.to(upstream)}
    return bool(before & _jobs(facts, upstream).keys())


def _is_job(facts: Facts, upstream: str, attempt: Attempt) -> bool:
    effect = facts.case.contract.effect
    return (
        effect is not None
        and effect.upstream == upstream
        and route_matches(starred(effect.route), attempt.route, attempt.path)
    )
