"""Expectations on how many calls at an upstream were under way at once.

A call is under way from when it was seen until its connection closed or an answer's first bytes
came, whoever's deadline had passed: so many at once is sure. Where an end was seen late or not at
all, more may have been, and that there weren't is not told.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator

from harness.checks.called import Called, called
from harness.checks.case import Case
from harness.checks.connected import counts
from harness.checks.wording import seconds
from harness.scenario.expectations.in_flight import ExpectInFlight
from harness.units import Window, plural
from harness.verdict import Finding, Verdict

_EVER = Window(-math.inf, math.inf)


def check(expectation: ExpectInFlight, case: Case) -> tuple[Finding, ...]:
    """One finding: the most calls under way at once, and when that was."""
    seen, wanted = called(expectation, case), int(expectation.in_flight.high)
    spans = list(_spans(seen, case))
    sure, at_s = _most((start_s, ends_from_s) for start_s, ends_from_s, _ in spans)
    possible, _ = _most((start_s, end_s) for start_s, _, end_s in spans)
    verdict, why = _judge(wanted, sure, possible, seen)
    return (
        Finding(
            name=f"{expectation.upstream} has at most {wanted} calls{seen.of_route} in flight "
            f"{seen.span.words}",
            verdict=verdict,
            expected=f"at most {plural(wanted, 'call')} under way at once",
            observed=f"{plural(sure, 'call')} at once at {seconds(at_s)}" if sure else "0 calls",
            evidence=why or seen.evidence(case.history),
            at_s=at_s if verdict is Verdict.FAILED else None,
        ),
    )


def _judge(wanted: int, sure: int, possible: int, seen: Called) -> tuple[Verdict, str | None]:
    if sure > wanted:
        return Verdict.FAILED, None
    if seen.untold is not None:
        return Verdict.INCONCLUSIVE, seen.untold
    if possible > wanted:
        return Verdict.INCONCLUSIVE, (
            f"{plural(possible, 'call')} may have been under way at once: not all ends were seen"
        )
    return Verdict.PASSED, None


def _spans(seen: Called, case: Case) -> Iterator[tuple[float, float, float]]:
    """Of each call: when it began, and when it ended at the earliest and at the latest."""
    held = _held_until(seen.upstream, case)
    for call in seen.calls:
        ends_s = min(call.ends_from_s, call.end_s)
        if call.source == "proxy" and held[call.start_s]:
            ends_s = max(ends_s, held[call.start_s].pop())
        elif call.source == "stub":
            ends_s = max(ends_s, case.history.end_s if math.isinf(call.done_s) else call.done_s)
        surely_s = ends_s - case.late_s(call.start_s, ends_s)
        yield call.start_s, max(call.start_s, surely_s), max(call.end_s, ends_s)


def _held_until(upstream: str, case: Case) -> dict[float, list[float]]:
    """By the instant at which requests entered the proxy: when each was answered or gone."""
    found: dict[float, list[float]] = defaultdict(list)
    crossed = case.history.connections_at(upstream)
    for place in crossed.all("request", -math.inf):
        after = next(crossed.on(place), None)
        gone_s = case.history.end_s if after is None else crossed.at_s[after]
        found[crossed.at_s[place]].append(gone_s)
    return found


def _most(spans: Iterable[tuple[float, float]]) -> tuple[int, float]:
    """The most spans that hold one instant, and the instant."""
    return max(counts(spans, [_EVER]), key=lambda found: (found[0], -found[1]))
