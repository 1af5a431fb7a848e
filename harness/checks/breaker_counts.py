"""How many attempts, rejections and probes a breaker's expectation wants, and which.

Which request is the first one turned away, how many attempts open it, which attempts probe it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from harness.checks.brackets import listed
from harness.checks.breaker_subject import DRAWN, Subject, expected_words, instant, misfit
from harness.contract import Moment
from harness.history.requests import Request
from harness.policy.counting import Result
from harness.units import Range, plural
from harness.verdict import Finding, Transition, Verdict
from harness.wire.changes import Probe


def first_rejection(subject: Subject) -> Finding:
    """Which request is turned away first."""
    wanted, stream = subject.expectation.first_rejection, subject.expectation.traffic
    streams = [demand.request.stream for demand in subject.wire.demands]
    stream = stream or (streams[0] if streams else "")
    found = [r for r in subject.wire.turned_away if r.stream == stream]
    right: Sequence[Range] = (
        [wanted]
        if isinstance(wanted, Range)
        else subject.predicted().first_rejection.get(stream, ())
    )
    expected = " or ".join(map(_numbers, right)) or "none"
    spared = not isinstance(wanted, Range) and stream in subject.predicted().spared
    if found:
        first = min(found, key=lambda request: (request.at_s, request.number))
        return _turned_away_first(subject, first, right, expected)
    verdict, observed = _nobody_rejected(subject, stream)
    if (not right or spared) and verdict is Verdict.FAILED:
        verdict = Verdict.PASSED  # nobody need be
    return subject.finding("first rejection", verdict, expected, observed, subject.sight())


def _turned_away_first(
    subject: Subject, first: Request, right: Sequence[Range], expected: str
) -> Finding:
    number, (lowest, highest) = first.number, _may_be_first(subject, first)
    ok = any(
        span.low <= number <= span.high
        or (lowest <= span.high and span.low <= highest and lowest < highest)
        for span in right
    )
    verdict = Verdict.PASSED if ok else Verdict.FAILED
    observed = f"#{number}, sent at {first.at_s:.2f} s"
    evidence = f"answered {first.status} in {first.service_s * 1000:.0f} ms without an attempt"
    if not ok and any(r.at_s < first.at_s for r in _may_have_been(subject, first.stream)):
        verdict = Verdict.INCONCLUSIVE
        evidence += "; earlier ones can't be told from failures"
    return subject.finding(
        "first rejection", verdict, expected, observed, evidence, examples=(first,)
    )


def _may_have_been(subject: Subject, stream: str) -> Iterator[Request]:
    """The requests of a stream that may have been turned away once it had opened: nothing
    tells, or it isn't known whether they came past an upstream before this one.
    """
    opened = subject.opened
    from_s = -math.inf if opened is None else opened.at_s - opened.error_s
    needed = {demand.request.id for demand in subject.wire.demands}
    unknown = {request.id for request in subject.wire.unknown}
    for request in subject.case.history.stream(stream):
        untold = request.id in unknown or request.id not in needed
        if untold and request.end_s >= from_s:
            yield request


def _nobody_rejected(subject: Subject, stream: str) -> tuple[Verdict, str]:
    """What it comes to that nobody was turned away at once, and in words."""
    opened = subject.opened
    verdict, observed = subject.never_opened()
    if opened is None or verdict is not Verdict.FAILED:
        return verdict, observed
    observed = f"opened at {instant(opened)}, and nobody was turned away at once"
    if any(_may_have_been(subject, stream)):
        verdict = Verdict.INCONCLUSIVE
        observed = f"opened at {instant(opened)}, and nothing tells whom it turned away"
    return verdict, observed


def _may_be_first(subject: Subject, first: Request) -> tuple[int, int]:
    """The numbers of those that may have been turned away first: of those sent at one instant
    so many are, whoever they are; with patience, whoever may have been on a quiet machine.
    """
    sent, opened = subject.case.history.stream(first.stream), subject.opened
    if not subject.case.patient or opened is None:
        slack_s = subject.wire.sight.fine_s
        near = [r.number for r in sent if abs(r.at_s - first.at_s) <= slack_s]
        return min(near), max(near)
    low_s = min(opened.at_s - opened.error_s, first.at_s)
    high_s = max(opened.at_s + opened.error_s, first.at_s)
    numbers = [r.number for r in sent if low_s <= r.at_s <= high_s]
    later = [r.number for r in sent if r.at_s > high_s]
    return min(numbers), min(later, default=max(numbers))


def attempts(subject: Subject) -> Finding:
    """How many attempts are made until it opens."""
    name, wire = "attempts until open", subject.wire
    wanted = subject.expectation.attempts
    right = wanted if isinstance(wanted, Range) else subject.predicted().attempts
    expected = "it never opens" if right is None else f"{Range(right.low, right.high)}"
    if subject.opened is None:
        surely = isinstance(wanted, Range) or subject.predicted().opened.sure
        return subject.unopened(name, expected, fine=not surely)
    until_s = subject.opened.at_s + subject.opened.error_s + wire.sight.fine_s
    before = [d for d in wire.demands if d.asked_s <= until_s]
    if any(wire.sight.is_hidden(d.asked_s) for d in before):
        observed = "can't be counted: a refused connection leaves no trace"
        return subject.finding(name, Verdict.INCONCLUSIVE, expected, observed, "latency only")
    seen = [a for a in wire.attempts if a.start_s <= until_s]
    late = [a for a in wire.late if a.start_s > until_s and _before_the_probe(subject, a.start_s)]
    count = len(seen) + len(late)
    spread = _counts_spread(subject, subject.opened)
    lost = sum(at_s <= until_s for at_s in wire.lost)
    most = count + lost + spread + _turned_away_just_then(subject, subject.opened)
    ok = right is not None and right.low <= most and count - spread <= right.high
    observed = f"{count} until {instant(subject.opened)}"
    if late:
        observed = f"{count}, {len(late)} of them after it had opened"
    if lost:
        observed += f"; up to {lost} more on connections that were just being closed"
    sources = " and ".join(sorted({a.source for a in (*seen, *late)})) or "nothing"
    verdict = Verdict.PASSED if ok else Verdict.FAILED
    return subject.finding(name, verdict, expected, observed, f"seen by {sources}")


def _turned_away_just_then(subject: Subject, opened: Transition) -> int:
    """How many were turned away at the instant at which it opened: they may as well have been
    let through (the contract allows either order).
    """
    near_s = opened.error_s + subject.wire.sight.fine_s
    away = (d for d in subject.wire.demands if d.outcome == "turned away")
    return sum(abs(d.asked_s - opened.at_s) <= near_s for d in away)


def _counts_spread(subject: Subject, opened: Transition) -> int:
    """How many attempts may have come before it or after it on a quiet machine."""
    if not subject.case.patient:
        return 0
    return sum(
        abs(a.start_s - opened.at_s) <= opened.error_s or subject.wire.leeway.doubts(a)
        for a in subject.wire.attempts
    )


def _before_the_probe(subject: Subject, at_s: float) -> bool:
    probes = [t.at_s for t in subject.changes if t.state == "half_open"]
    return not probes or at_s < probes[0]


def probes(subject: Subject) -> Finding:
    """When it probes, with one attempt each."""
    moments, tolerance_s = _probe_moments(subject)
    expected = ", ".join(expected_words(moment, tolerance_s) for moment in moments) or "none"
    if moments:
        expected += "; one attempt each" if len(moments) > 1 else "; one attempt"
    found, wire = subject.probes_made, subject.wire
    if subject.opened is None:
        fine = not any(moment.sure for moment in moments)
        return subject.unopened("probes", expected, fine=fine)
    observed = ", ".join(_probe(probe) for probe in found) or "none"
    if wire.late:
        observed += f"; {plural(len(wire.late), 'attempt')} while it was open"
    alone = all(probe.surely == 1 for probe in found) and not wire.late
    spread_s = tolerance_s + wire.sight.fine_s + _probes_spread_s(subject)
    unseen = [moment for moment in moments if _leaves_no_trace(subject, moment, spread_s)]
    instants = [p.attempt.start_s for p in found]
    fits = alone and (misfit(instants, moments, spread_s, unseen) is None or math.isinf(spread_s))
    verdict, evidence = Verdict.PASSED if fits else Verdict.FAILED, subject.sight()
    if not fits and alone and subject.late_misfit("probes", instants, moments, spread_s):
        verdict, evidence = Verdict.INCONCLUSIVE, DRAWN
    elif not fits and not found and wire.changes.others:
        verdict = Verdict.INCONCLUSIVE
        evidence += "; it may have opened at another time as well, and probed then"
    elif not fits and len(found) < sum(t.state == "half_open" for t in subject.changes):
        verdict = Verdict.INCONCLUSIVE
        evidence += "; which of several attempts was its probe can't be told"
    if fits and (not found or any(probe.together > 1 for probe in found)):
        verdict = Verdict.INCONCLUSIVE  # none, or nobody can tell when the probe was over
    if unseen and len(found) < len(moments):
        observed += f" ({len(unseen)} into a refusing port, where nothing shows it)"
    return subject.finding("probes", verdict, expected, observed, evidence)


def _probes_spread_s(subject: Subject) -> float:
    """How far off they may be for what was waited."""
    if not subject.case.patient:
        return 0.0
    probing = (t.error_s for t in subject.changes if t.state == "half_open")
    return max(probing, default=0.0)


def _probe_moments(subject: Subject) -> tuple[tuple[Moment, ...], float]:
    wanted = subject.expectation.probes
    assert wanted is not None
    given = wanted if isinstance(wanted, tuple) else (wanted,)
    return listed(given, subject.predicted().probe_moments)


def _leaves_no_trace(subject: Subject, moment: Moment, spread_s: float) -> bool:
    """Whether a probe then is seen by nothing: a refused port, and no wait that gives it away."""
    if not moment or not subject.wire.sight.is_hidden(moment.earliest_s):
        return False
    asked = [d for d in subject.wire.demands if d.outcome == "unseen"]
    return any(
        r.low - spread_s <= d.asked_by_s and d.asked_s <= r.high + spread_s
        for r in moment.alternatives
        for d in asked
    )


def _numbers(wanted: Range) -> str:
    if wanted.low == wanted.high:
        return f"#{wanted.low:g}"
    return f"#{wanted.low:g}..#{wanted.high:g}"


_ENDED = {
    Result.SUCCESS: "succeeded",
    Result.FAILURE: "failed",
    Result.NEUTRAL: "neutral",
}


def _probe(probe: Probe) -> str:
    ended = "may have failed" if probe.attempt.result is None else _ENDED[probe.attempt.result]
    together = "" if probe.together == 1 else f" ({probe.together} together)"
    return f"{probe.attempt.start_s:.2f} s {ended}{together}"
