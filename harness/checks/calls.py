"""Expectations on how many calls an upstream got.

That there were none proves something only if requests were sent meanwhile whose like was seen to
reach the upstream in the warm-up. While a breaker is open a call that it lets through before its
declared wait is over counts, too: else each would end the time in which it is forbidden.
"""

from __future__ import annotations

from harness.checks.called import Called, called, while_open
from harness.checks.case import Case
from harness.checks.wording import counted, with_instants
from harness.scenario.expectations.calls import ExpectCalls
from harness.units import Range, format_duration, plural
from harness.verdict import Finding, Verdict
from harness.wire.attempts import Attempt


def check(expectation: ExpectCalls, case: Case) -> tuple[Finding, ...]:
    """One finding: the number of calls, and by what it is known."""
    seen = called(expectation, case)
    early = _early(expectation, case)
    calls = sorted((*seen.calls, *early), key=lambda call: call.start_s)
    verdict, why = _judge(expectation.calls, seen, len(calls))
    words = ""
    if early:
        wait = format_duration(case.settings(expectation.upstream).wait_s)
        words = f"; {len(early)} of them let through before the declared wait of {wait} was over"
    what = counted(expectation.calls, "call") + seen.of_route
    return (
        Finding(
            name=f"{expectation.upstream} gets {what} {seen.span.words}",
            verdict=verdict,
            expected=counted(expectation.calls, "call"),
            observed=with_instants(plural(len(calls), "call"), [call.start_s for call in calls]),
            evidence=(why or seen.evidence(case.history)) + words,
        ),
    )


def _early(expectation: ExpectCalls, case: Case) -> tuple[Attempt, ...]:
    """Calls that came while the expectation's own upstream was open by what it declares alone."""
    if not while_open(expectation):
        return ()
    return tuple(call for call in case.wire(expectation.upstream).early if call.source != "latency")


def _judge(wanted: Range, seen: Called, count: int) -> tuple[Verdict, str | None]:
    """The verdict, and why where it is inconclusive."""
    if count - seen.slipped.in_ > wanted.high:
        return Verdict.FAILED, None
    if count >= wanted.low > 0 and (wanted.high == float("inf") or not seen.visibility.hidden):
        return Verdict.PASSED, None
    if seen.proves_nothing is not None:
        return Verdict.INCONCLUSIVE, seen.proves_nothing
    if seen.visibility.hidden and wanted.low > 0:
        return Verdict.INCONCLUSIVE, seen.partly_unseen
    too_few = count + seen.slipped.out < wanted.low
    return (Verdict.FAILED if too_few else Verdict.PASSED), None
