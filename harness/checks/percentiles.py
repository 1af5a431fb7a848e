"""Expectations on how fast a stream's requests were answered, taken together.

A percentile is the latency of the request at its nearest rank, counted from the planned instant. It
is too slow only if it is so counted from the instants at which the requests really left, without
what the machine was measured to have made them wait. A request that had no time for its answer
before the run ended is left out, and said so.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from harness.checks.case import Case
from harness.checks.selection import last_tries, requests_in, span_of
from harness.checks.tally import left_out
from harness.checks.traffic import EPSILON_S
from harness.checks.wording import bound, took
from harness.history.requests import Request
from harness.scenario.expectations.percentiles import ExpectPercentiles, share_of
from harness.units import Range, plural
from harness.verdict import Finding, Verdict


def check(expectation: ExpectPercentiles, case: Case) -> tuple[Finding, ...]:
    """One finding for each percentile."""
    span = span_of(expectation, case)
    chosen = last_tries(requests_in(case, span, expectation.traffic))
    findings = []
    for name, wanted in expectation.percentiles.items():
        judged = [request for request in chosen if _tells(request, wanted, case)]
        untold = [request for request in chosen if not _tells(request, wanted, case)]
        verdict, observed, at_rank = _judge(name, wanted, judged, case)
        evidence = f"{plural(len(judged), 'request')}" if judged else span.nothing
        if judged and span.inferred:
            evidence += f"; {span.inferred}"
        if untold:
            evidence += f"; {left_out(untold)}"
        findings.append(
            Finding(
                name=f"{name} of {expectation.traffic}'s answers is {bound(wanted)} {span.words}",
                verdict=verdict,
                expected=f"{name} {bound(wanted)}",
                observed=observed,
                evidence=evidence,
                examples=() if at_rank is None else (at_rank.id,),
            )
        )
    return tuple(findings)


def _tells(request: Request, wanted: Range, case: Case) -> bool:
    """Whether it is known on which side of a bound its latency is."""
    if not request.unanswered:
        return True
    return case.waited_s(request) > wanted.high + EPSILON_S or case.hung(request)


def _judge(
    name: str, wanted: Range, judged: Sequence[Request], case: Case
) -> tuple[Verdict, str, Request | None]:
    if not judged:
        return Verdict.INCONCLUSIVE, "no request was answered in time to tell", None
    rank = math.ceil(len(judged) * share_of(name)) - 1
    by_latency = sorted(judged, key=lambda request: request.latency_s)
    measured_s = by_latency[rank].latency_s
    shown = f"{took(measured_s)}" if math.isfinite(measured_s) else "no answer"
    observed = f"{name} {shown}"
    if wanted.low - EPSILON_S <= measured_s <= wanted.high + EPSILON_S:
        return Verdict.PASSED, observed, by_latency[rank]
    if measured_s < wanted.low:
        return Verdict.FAILED, observed, by_latency[rank]
    least = sorted(_least_s(request, case) for request in judged)
    if least[rank] > wanted.high + EPSILON_S:
        return Verdict.FAILED, observed, by_latency[rank]
    return Verdict.INCONCLUSIVE, f"{observed}, as requests left late", by_latency[rank]


def _least_s(request: Request, case: Case) -> float:
    """How long it took without what the harness's own lateness and measured waits added."""
    service_s = request.service_s
    if math.isinf(service_s):
        return service_s
    return max(0.0, service_s - case.late_s(request.at_s, request.at_s + service_s))
