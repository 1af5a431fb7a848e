"""Promises of retries: as many as promised, a second apart, and none of what was answered.

Only requests that were alone at an upstream are judged, since attempts don't say for whom they are
made.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise

from harness.checks.promises.facts import Facts
from harness.checks.promises.jobs import may_be_older, repeated
from harness.checks.promises.violation import Violation
from harness.contracts.promises import ACCEPTS_ANSWERS, REPEATS
from harness.history.requests import Request
from harness.policy.counting import Result
from harness.units import plural
from harness.wire.attempts import FAILURE, Attempt

EARLY_S = 0.12
"""So much too early a retry may come that is still taken for one."""
LATE_S = 0.7
"""So long nobody waits for nothing."""


def retries(facts: Facts) -> Iterator[Violation]:
    """A call makes at most n attempts, 1, 2, 4 s apart, and none after an answer (B1, B7)."""
    seen = {
        name: [(each, facts.wire(each)) for each in filter(facts.sees_all, offered.upstreams)]
        for name, offered in facts.streams.items()
    }
    for request in facts.requests:
        if request.unanswered:
            continue
        for upstream, wire in seen[request.stream]:
            first, end = facts.between(wire.begun_s, request.at_s, request.end_s)
            if end == first or (end == first + 1 and wire.attempts[first].results != FAILURE):
                continue  # one that was enough
            if facts.alone(request, at=upstream):
                yield from _of_calls(facts, request, upstream)
                yield from _too_few(facts, request, upstream)
    yield from repeated(facts)


def _of_calls(facts: Facts, request: Request, upstream: str) -> Iterator[Violation]:
    offered = facts.offered(request)
    usual = Counter(name for name, _ in offered.calls)
    by_route: dict[str, list[Attempt]] = defaultdict(list)
    made = facts.begun_in(request, upstream)
    if usual[upstream] > 1 and not all(attempt.path for attempt in made):
        # A refused connect doesn't say what it was for: the first call, as long as each failed.
        if any(attempt.path for attempt in made):
            return
        made = made[: facts.settings(upstream).attempts]
    for attempt in made:
        by_route[attempt.route.strip() if attempt.path else ""].append(attempt)
    if "" in by_route and len(by_route) > 1:
        return
    for attempts in by_route.values():
        for own in _apart(attempts):
            yield from _of_call(facts, request, upstream, own)


def _apart(attempts: Sequence[Attempt]) -> Iterator[Sequence[Attempt]]:
    """The attempts on one route by what they attempt, as far as their stub knew; none where an
    unknown one may be of several calls. A target may come to an older job while it works on others.
    """
    known = dict.fromkeys(attempt.of for attempt in attempts if attempt.of)
    if len(known) < 2:
        yield attempts
    elif all(attempt.of for attempt in attempts):
        yield from ([a for a in attempts if a.of == of] for of in known)


def _of_call(
    facts: Facts, request: Request, upstream: str, attempts: Sequence[Attempt]
) -> Iterator[Violation]:
    own = facts.settings(upstream)
    for number, (earlier, later) in enumerate(pairwise(attempts), start=1):
        if earlier.result in (Result.NEUTRAL, Result.SUCCESS) and (earlier.status or 0) >= 400:
            yield Violation.of(
                request,
                "never retried what was answered",
                upstream,
                facts.claims(ACCEPTS_ANSWERS),
                f"called {upstream} again at {later.start_s:.2f} s, after an answer of "
                f"{earlier.status}",
            )
        if earlier.result is not Result.FAILURE:
            return
        if number >= own.attempts:
            yield Violation.of(
                request,
                "no more attempts than promised",
                upstream,
                facts.claims(REPEATS),
                f"made attempt number {number + 1} at {upstream}; {own.attempts} is the most",
            )
            return
        if facts.has_declared_backoff(upstream):
            yield from _waited(facts, request, upstream, number, earlier, later)


def _waited(
    facts: Facts,
    request: Request,
    upstream: str,
    number: int,
    earlier: Attempt,
    later: Attempt,
) -> Iterator[Violation]:
    """That it didn't wait as it should between two attempts of a call, whenever the first ended."""
    least_s, most_s = later.start_s - earlier.end_s, later.start_s - earlier.ends_from_s
    low_s, high_s = facts.settings(upstream).between_s(number, earlier.status)
    slack_s = facts.slack_s(earlier.start_s, later.start_s)
    early = most_s < low_s - EARLY_S - slack_s / 2
    if early or least_s > high_s + LATE_S + slack_s:
        yield Violation.of(
            request,
            "backoff between attempts",
            upstream,
            facts.claims(REPEATS),
            f"called {upstream} again {most_s if early else least_s:.2f} s after attempt {number} "
            f"had failed, not {_span(low_s, high_s)} s",
        )


def _span(low_s: float, high_s: float) -> str:
    return f"{low_s:g}" if low_s == high_s else f"{low_s:.2g}-{high_s:.2g}"


def _too_few(facts: Facts, request: Request, upstream: str) -> Iterator[Violation]:
    """A call that failed is tried again, unless its breaker has opened (B7).

    Told only where its breaker surely was closed all the time, and each of its attempts was seen;
    and where somebody said how the upstream is called.
    """
    if not facts.has_declared(upstream):
        return
    own, attempts = facts.settings(upstream), facts.begun_in(request, upstream)
    if not attempts or any(a.results != FAILURE for a in attempts):
        return
    if len(attempts) >= own.attempts or len({(a.route, a.of) for a in attempts}) > 1:
        return
    if may_be_older(facts, request, upstream, attempts[0]):
        return
    if own.counting.otherwise:
        return  # what isn't counted as a failure may not be tried again either
    last = attempts[-1]
    due_s = last.end_s + own.between_s(len(attempts), last.status)[1]
    slack_s = facts.slack_s(request.at_s, due_s)
    if due_s + slack_s > facts.history.end_s:
        return
    if not facts.surely_closed(upstream, request.at_s - slack_s, due_s + slack_s):
        return
    yield Violation.of(
        request,
        "as many attempts as promised",
        upstream,
        facts.claims(REPEATS),
        f"made {plural(len(attempts), 'attempt')} at {upstream} and gave up; {own.attempts} are "
        "promised",
    )
