"""Expectations on how many attempts at an upstream came of each request of a client.

A request that a client sent again is the same request: its retries count as attempts of it.
"""

from __future__ import annotations

import math

from harness.checks.called import Called, called
from harness.checks.case import Case
from harness.scenario.expectations.amplification import ExpectAmplification
from harness.units import Range, plural
from harness.verdict import Finding, Verdict
from harness.wire.wire import Wire


def check(expectation: ExpectAmplification, case: Case) -> tuple[Finding, ...]:
    """One finding: attempts over requests, and how many there were of both."""
    seen, wanted = called(expectation, case), expectation.amplification
    requests = sum(request.tried == 1 for request in seen.requests)
    attempts = _own(seen, case)
    verdict, why = _judge(wanted, attempts, requests, seen)
    shown = f"{_bounds(wanted)} attempts{seen.of_route} for each request"
    made = f"{plural(attempts, 'attempt')} for {plural(requests, 'request')}"
    return (
        Finding(
            name=f"{expectation.upstream} gets {shown} {seen.span.words}",
            verdict=verdict,
            expected=shown,
            observed=f"{attempts / requests:.2f}: {made}" if requests else made,
            evidence=why or seen.evidence(case.history),
        ),
    )


def _own(seen: Called, case: Case) -> int:
    """The attempts of the span but for those made for requests that left outside of it."""
    wire: Wire = case.wire(seen.upstream)
    inside = {request.id for request in seen.requests}
    owners = (wire.request_of(call) for call in seen.calls)
    return sum(owner is None or owner in inside for owner in owners)


def _judge(wanted: Range, attempts: int, requests: int, seen: Called) -> tuple[Verdict, str | None]:
    if not requests and seen.requests:
        return Verdict.INCONCLUSIVE, "only retries of requests from before were sent in this window"
    if seen.proves_nothing is not None:
        return Verdict.INCONCLUSIVE, seen.proves_nothing
    if attempts - seen.slipped.in_ > wanted.high * requests + 1e-9:
        return Verdict.FAILED, None
    if seen.visibility.hidden:
        return Verdict.INCONCLUSIVE, seen.partly_unseen
    too_few = attempts + seen.slipped.out < wanted.low * requests - 1e-9
    return (Verdict.FAILED if too_few else Verdict.PASSED), None


def _bounds(wanted: Range) -> str:
    if math.isinf(wanted.high):
        return f"at least {wanted.low:g}"
    return f"at most {wanted.high:g}" if wanted.low <= 0 else f"{wanted.low:g} to {wanted.high:g}"
