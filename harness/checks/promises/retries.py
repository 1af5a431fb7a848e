"""Promises of retries: as many as promised, a second apart, and none of what was answered.

Only requests that were alone are judged, since attempts don't say for whom they are made.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise

from harness.checks.promises.facts import OWN_WORK, Facts
from harness.checks.promises.violation import Violation
from harness.checks.wording import plural, stream_request
from harness.contracts.promises import ACCEPTS_ANSWERS, REPEATS
from harness.history.view import Request
from harness.policy.counting import Result
from harness.wire.attempts import Attempt

_EARLY_S = 0.12
_LATE_S = 0.7


def retries(facts: Facts) -> Iterator[Violation]:
    """A call makes at most n attempts, 1, 2, 4 s apart, and none after an answer (B1, B7)."""
    found: set[tuple[str, str]] = set()
    for request in facts.requests:
        if request.answered is None or not facts.alone(request):
            continue
        offered = facts.offered(request)
        for upstream in offered.upstreams:
            if not facts.sees_all(upstream):
                continue
            for violation in (
                *_of_calls(facts, request, upstream),
                *_too_few(facts, request, upstream),
            ):
                if violation.key not in found:
                    found.add(violation.key)
                    yield violation
        for violation in _idle(facts, request):
            if violation.key not in found:
                found.add(violation.key)
                yield violation


def _of_calls(facts: Facts, request: Request, upstream: str) -> Iterator[Violation]:
    offered = facts.offered(request)
    usual = Counter(name for name, _ in offered.calls)
    by_route: dict[str, list[Attempt]] = defaultdict(list)
    for attempt in facts.made_for(request, upstream):
        # A refused connect doesn't say what it was for; it is told only where one call is made.
        if not attempt.path and usual[upstream] > 1:
            return
        by_route[attempt.route.strip() if attempt.path else ""].append(attempt)
    if "" in by_route and len(by_route) > 1:
        return
    for attempts in by_route.values():
        yield from _of_call(facts, request, upstream, attempts)


def _of_call(
    facts: Facts, request: Request, upstream: str, attempts: Sequence[Attempt]
) -> Iterator[Violation]:
    own = facts.settings(upstream)
    for number, (earlier, later) in enumerate(pairwise(attempts), start=1):
        gap_s = later.start_s - earlier.end_s
        if earlier.result in (Result.NEUTRAL, Result.SUCCESS) and (earlier.status or 0) >= 400:
            yield _violation(
                request,
                upstream,
                "never retried what was answered",
                facts.claims(ACCEPTS_ANSWERS),
                f"called {upstream} again at {later.start_s:.2f} s, after an answer of "
                f"{earlier.status}",
            )
        if earlier.result is not Result.FAILURE:
            return
        if number >= own.attempts:
            yield _violation(
                request,
                upstream,
                "no more attempts than promised",
                facts.claims(REPEATS),
                f"made attempt number {number + 1} at {upstream}; {own.attempts} is the most",
            )
            return
        low_s, high_s = own.between_s(number, earlier.status)
        slack_s = facts.slack_s(earlier.start_s, later.start_s)
        if gap_s < low_s - _EARLY_S - slack_s / 2 or gap_s > high_s + _LATE_S + slack_s:
            yield _violation(
                request,
                upstream,
                "backoff between attempts",
                facts.claims(REPEATS),
                f"called {upstream} again {gap_s:.2f} s after attempt {number} had failed, "
                f"not {_span(low_s, high_s)} s",
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
    own, attempts = facts.settings(upstream), facts.made_for(request, upstream)
    if not attempts or any(a.results != {Result.FAILURE} for a in attempts):
        return
    if len(attempts) >= own.attempts or len({a.route for a in attempts}) > 1:
        return
    if own.counting.otherwise:
        return  # what isn't counted as a failure may not be tried again either
    last = attempts[-1]
    due_s = last.end_s + own.between_s(len(attempts), last.status)[1]
    slack_s = facts.slack_s(request.sent.at_s, due_s)
    if due_s + slack_s > facts.history.end_s:
        return
    if not facts.surely_closed(upstream, request.sent.at_s - slack_s, due_s + slack_s):
        return
    yield _violation(
        request,
        upstream,
        "as many attempts as promised",
        facts.claims(REPEATS),
        f"made {plural(len(attempts), 'attempt')} at {upstream} and gave up; {own.attempts} are "
        "promised",
    )


def _idle(facts: Facts, request: Request) -> Iterator[Violation]:
    """No wait after the last attempt: there is nothing left to wait for (B7)."""
    offered = facts.offered(request)
    if not all(facts.sees_all(upstream) for upstream in offered.upstreams):
        return
    attempts = [(a, name) for name in offered.upstreams for a in facts.made_for(request, name)]
    if not attempts:
        return
    last, upstream = max(attempts, key=lambda pair: pair[0].end_s)
    tries = sum(a.route == last.route and name == upstream for a, name in attempts)
    final = last.result is Result.NEUTRAL or 400 <= (last.status or 0) < 500
    if not final and tries < facts.settings(upstream).attempts:
        return  # it may have waited for another attempt, which the breaker then refused (B6)
    last_s = last.end_s
    idle_s = request.end_s - last_s
    hit = [name for name in offered.upstreams if name in facts.faulted]
    unsure = any(a.result is None for a, _ in attempts)
    slack_s = facts.slack_s(last_s, request.end_s)
    own_s = OWN_WORK * offered.healthy_s
    if idle_s < _LATE_S + own_s + slack_s or unsure or not hit:
        return
    yield _violation(
        request,
        hit[-1],
        "no wait after the last attempt",
        facts.claims(REPEATS),
        f"was answered {idle_s:.2f} s after the last attempt for it had ended",
    )


def _violation(
    request: Request,
    upstream: str,
    promise: str,
    claims: tuple[str, ...],
    says: str,
) -> Violation:
    return Violation(
        promise=promise,
        about=upstream,
        claims=claims,
        at_s=request.sent.at_s,
        says=f"{stream_request(request)} {says}",
        request=request.sent.id,
    )
