"""What fails to the letter is judged once more, with all that the machine was measured to explain.

Instants then have the bounds that measured waits leave them, numbers the range of what may have
slipped in or out, and orders of events that waits may have exchanged are all possible
(`Case.patient`). What fails even so is failed; what does not is inconclusive, for noise. What a
sound target shows at no time (`Finding.timeless`) needs no second judgement. What a breaker's life
leaves unclear is so for noise, too, where waits decided something of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from msgspec.structs import replace

from harness.checks.case import Case, unless_broken
from harness.checks.registry import findings_of
from harness.scenario.expectations import ExpectationBase
from harness.verdict import Finding, Verdict


def judged(expectation: ExpectationBase, case: Case) -> tuple[Finding, ...]:
    """The findings of one expectation."""
    found = tempered(
        findings_of(expectation, case), case, lambda patient: findings_of(expectation, patient)
    )
    unclear = any(finding.verdict is Verdict.INCONCLUSIVE for finding in found)
    if not unclear or not case.noise.waits:
        return found
    if not any(_hangs_on_waits(case, upstream) for upstream in expectation.breakers):
        return found
    return tuple(
        replace(finding, noise=True) if finding.verdict is Verdict.INCONCLUSIVE else finding
        for finding in found
    )


def _hangs_on_waits(case: Case, upstream: str) -> bool:
    """Whether waits decided something of a breaker's life, or made it unreadable."""

    def hangs() -> bool:
        wire = case.wire(upstream)
        return wire.unreadable or wire.leeway.beats(math.inf) != 0

    return unless_broken(hangs, False)


def tempered(
    findings: Sequence[Finding], case: Case, again: Callable[[Case], Sequence[Finding]]
) -> tuple[Finding, ...]:
    """These findings; `again` finds the same, by name, in a case with patience."""
    doubtful = [f for f in findings if f.verdict is Verdict.FAILED and not f.timeless]
    if not doubtful or not case.noise.waits:
        return tuple(findings)
    sure = {f.name: f for f in again(case.with_patience) if f.verdict is Verdict.FAILED}
    return tuple(
        finding if finding not in doubtful or finding.name in sure else too_busy(finding, case)
        for finding in findings
    )


def too_busy(finding: Finding, case: Case) -> Finding:
    """The same, inconclusive for what was measured of the machine."""
    evidence = f"{finding.evidence}; this machine was too busy to tell: {case.noise.worst()}"
    return replace(finding, verdict=Verdict.INCONCLUSIVE, evidence=evidence, noise=True)
