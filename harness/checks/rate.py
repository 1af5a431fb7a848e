"""Expectations on how many calls an upstream got in any stretch of time, wherever it begins."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from harness.checks.called import Called, called
from harness.checks.case import Case
from harness.checks.wording import seconds
from harness.scenario.expectations.rate import ExpectRate
from harness.units import AtMost, plural
from harness.verdict import Finding, Verdict


def check(expectation: ExpectRate, case: Case) -> tuple[Finding, ...]:
    """One finding: the most calls in any such stretch, and when that was."""
    seen, wanted = called(expectation, case), expectation.rate
    starts_s = sorted(call.start_s for call in seen.calls)
    most, at_s = _most(starts_s, wanted.over_s)
    verdict, why = _judge(wanted, seen, case)
    over = f"any {seconds(wanted.over_s)}"
    return (
        Finding(
            name=f"{expectation.upstream} gets at most {wanted.count} calls{seen.of_route} in "
            f"{over} {seen.span.words}",
            verdict=verdict,
            expected=f"at most {plural(wanted.count, 'call')} in {over}",
            observed=f"{plural(most, 'call')} in the {seconds(wanted.over_s)} from {seconds(at_s)}"
            if most
            else "0 calls",
            evidence=why or seen.evidence(case.history),
            at_s=at_s if verdict is Verdict.FAILED else None,
        ),
    )


def _judge(wanted: AtMost, seen: Called, case: Case) -> tuple[Verdict, str | None]:
    doubtful = _doubtful(seen, case)
    starts_s = sorted(call.start_s for call in seen.calls if call.id not in doubtful)
    if _surely_more(starts_s, wanted, case):
        return Verdict.FAILED, None
    return (Verdict.PASSED if seen.untold is None else Verdict.INCONCLUSIVE), seen.untold


def _doubtful(seen: Called, case: Case) -> frozenset[int]:
    """Attempts of which waits decided whether they were made at all, where there is patience."""
    if not case.patient:
        return frozenset()
    wire = case.wire(seen.upstream)
    decided = (request for request in seen.requests if wire.leeway.decides(request))
    return frozenset(made.id for request in decided for made in wire.made_for(request))


def _most(starts_s: Sequence[float], over_s: float) -> tuple[int, float]:
    """The most instants within a stretch that leaves out its end, and where that begins."""
    found, begins_s = 0, 0.0
    for index, start_s in enumerate(starts_s):
        count = _within(starts_s, start_s, over_s) - index
        if count > found:
            found, begins_s = count, start_s
    return found, begins_s


def _within(starts_s: Sequence[float], start_s: float, over_s: float) -> int:
    return bisect_right(starts_s, start_s + over_s - 1e-6)


def _surely_more(starts_s: Sequence[float], wanted: AtMost, case: Case) -> bool:
    """Whether more came within such a stretch than waits can have pushed together."""
    for index in range(len(starts_s) - wanted.count):
        first_s, last_s = starts_s[index], starts_s[index + wanted.count]
        if last_s - first_s + case.late_s(first_s, last_s) < wanted.over_s - 1e-6:
            return True
    return False
