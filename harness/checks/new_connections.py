"""Expectations on how many connections to an upstream are opened.

A connect to a port that refuses, or that nobody answers, is none.
"""

from __future__ import annotations

from harness.checks.case import Case
from harness.checks.connected import connections, why_untold
from harness.checks.selection import span_of
from harness.checks.slipping import Slipped, slipped
from harness.checks.wording import counted, with_instants
from harness.scenario.expectations.new_connections import ExpectNewConnections
from harness.units import Range, plural
from harness.verdict import Finding, Verdict


def check(expectation: ExpectNewConnections, case: Case) -> tuple[Finding, ...]:
    """One finding: how many were opened, and when."""
    upstream, wanted = expectation.upstream, expectation.new_connections
    span, found = span_of(expectation, case), connections(upstream, case)
    untold = why_untold(upstream, found, span, case)
    instants_s = [one.start_s for one in found if one.start_s >= 0]
    opened_s = [at_s for at_s in instants_s if at_s in span]
    slip = slipped(case, span, upstream, instants_s, (), most=0)
    words = counted(wanted, "connection")
    seen = f"{plural(len(found), 'connection')} seen by the proxy, warm-up included"
    return (
        Finding(
            name=f"{upstream} gets {words} opened {span.words}",
            verdict=Verdict.INCONCLUSIVE if untold else _judge(wanted, len(opened_s), slip),
            expected=f"{words} opened",
            observed=with_instants(f"{plural(len(opened_s), 'connection')} opened", opened_s),
            evidence=untold or "; ".join(filter(None, (seen, span.inferred))),
        ),
    )


def _judge(wanted: Range, count: int, slip: Slipped) -> Verdict:
    good = count - slip.in_ <= wanted.high and count + slip.out >= wanted.low
    return Verdict.PASSED if good else Verdict.FAILED
