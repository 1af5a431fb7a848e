"""Expectations on how many connections to an upstream are open at any instant."""

from __future__ import annotations

from collections.abc import Sequence

from harness.checks.case import Case
from harness.checks.connected import SWAP_S, Connection, connections, counts, why_untold, windows
from harness.checks.selection import Span, span_of
from harness.checks.wording import counted, seconds
from harness.frozen import Frozen
from harness.scenario.expectations.connections import ExpectConnections
from harness.units import Range, Window, plural
from harness.verdict import Finding, Verdict


def check(expectation: ExpectConnections, case: Case) -> tuple[Finding, ...]:
    """One finding: the fewest and the most open at once, and when."""
    span, found = span_of(expectation, case), connections(expectation.upstream, case)
    untold = why_untold(expectation.upstream, found, span, case)
    if "proxy requests" not in case.history.run.evidence:
        untold = untold or "this proxy tells when connections begin, and not when they end"
    within = list(windows(span, case))
    if not within:
        untold = untold or "the run had ended by then"
    wanted = counted(expectation.connections, "connection")
    judged = _judged(expectation.connections, found, within, case) if not untold else None
    return (
        Finding(
            name=f"{expectation.upstream} has {wanted} open {span.words}",
            verdict=Verdict.INCONCLUSIVE if judged is None else judged.verdict,
            expected=f"{wanted} open at any instant",
            observed="not known" if judged is None else judged.observed,
            evidence=untold or _evidence(found, span, judged),
            at_s=None if judged is None else judged.at_s,
        ),
    )


class _Judged(Frozen):
    """What connections come to, held against bounds."""

    verdict: Verdict
    observed: str
    why: str = ""
    at_s: float | None = None
    """When a bound was surely broken."""


def _judged(
    wanted: Range, found: Sequence[Connection], within: list[Window], case: Case
) -> _Judged:
    def fewest(*, surely: bool) -> tuple[int, float]:
        """The fewest that were open, or the fewest that may have been."""
        spans = []
        for one in found:
            end_s = one.end_s if surely else one.ends_from_s
            late_s = SWAP_S + case.late_s(one.start_s, end_s)
            spans.append((one.start_s - late_s, end_s + late_s))
        return min(counts(spans, within))

    def most(*, surely: bool) -> tuple[int, float]:
        """The most that were open, or the most that may have been; the first time."""
        spans = []
        for one in found:
            end_s = one.ends_from_s if surely else one.end_s
            spans.append((one.start_s, end_s - SWAP_S - case.late_s(one.start_s, end_s)))
        return max(counts(spans, within), key=lambda each: (each[0], -each[1]))

    (few, few_s), (many, many_s) = fewest(surely=False), most(surely=False)
    observed = f"{few} (at {seconds(few_s)}) to {many} (at {seconds(many_s)})"
    sure, at_s = fewest(surely=True)
    if sure < wanted.low:
        return _Judged(Verdict.FAILED, observed, at_s=at_s)
    sure, at_s = most(surely=True)
    if sure > wanted.high:
        return _Judged(Verdict.FAILED, observed, at_s=at_s)
    if few < wanted.low or many > wanted.high:
        why = "a fault held back what would have told when connections were closed"
        return _Judged(Verdict.INCONCLUSIVE, observed, why)
    return _Judged(Verdict.PASSED, observed)


def _evidence(found: Sequence[Connection], span: Span, judged: _Judged | None) -> str:
    seen = f"{plural(len(found), 'connection')} seen by the proxy, warm-up included"
    said = (judged.why if judged is not None else "", seen, span.inferred)
    return "; ".join(filter(None, said))
