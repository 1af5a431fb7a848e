"""How many attempts, rejections and probes a breaker's expectation wants, and which.

Which request is the first one turned away, how many attempts open it, which attempts probe it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from harness.checks.brackets import listed
from harness.checks.breaker_subject import DRAWN, Subject, expected_words, instant, misfit
from harness.contract import Moment
from harness.history.view import Request
from harness.policy.counting import Result
from harness.units import Range, plural
from harness.verdict import Finding, Transition, Verdict
from harness.wire.changes import Probe


class Counts(Subject):
    """What of a breaker expectation is counted."""

    def first_rejection(self) -> Finding:
        """Which request is turned away first."""
        wanted, stream = self.expectation.first_rejection, self.expectation.traffic
        streams = [demand.request.sent.stream for demand in self.wire.demands]
        stream = stream or (streams[0] if streams else "")
        found = [r for r in self.wire.turned_away if r.sent.stream == stream]
        right: Sequence[Range] = (
            [wanted]
            if isinstance(wanted, Range)
            else self.predicted().first_rejection.get(stream, ())
        )
        expected = " or ".join(map(_numbers, right)) or "none"
        spared = not isinstance(wanted, Range) and stream in self.predicted().spared
        if found:
            first = min(found, key=lambda request: (request.sent.at_s, request.sent.number))
            return self._turned_away_first(first, right, expected)
        verdict, observed = self._nobody_rejected(stream)
        if (not right or spared) and verdict is Verdict.FAILED:
            verdict = Verdict.PASSED  # nobody need be
        return self.finding("first rejection", verdict, expected, observed, self.sight())

    def _turned_away_first(self, first: Request, right: Sequence[Range], expected: str) -> Finding:
        sent, (lowest, highest) = first.sent, self._may_be_first(first)
        ok = any(
            span.low <= sent.number <= span.high
            or (lowest <= span.high and span.low <= highest and lowest < highest)
            for span in right
        )
        verdict = Verdict.PASSED if ok else Verdict.FAILED
        observed = f"#{sent.number}, sent at {sent.at_s:.2f} s"
        evidence = f"answered {first.status} in {first.service_s * 1000:.0f} ms without an attempt"
        if not ok and any(r.sent.at_s < sent.at_s for r in self._may_have_been(sent.stream)):
            verdict = Verdict.INCONCLUSIVE
            evidence += "; earlier ones can't be told from failures"
        return self.finding(
            "first rejection", verdict, expected, observed, evidence, examples=(first,)
        )

    def _may_have_been(self, stream: str) -> Iterator[Request]:
        """The requests of a stream that may have been turned away once it had opened: nothing
        tells, or it isn't known whether they came past an upstream before this one.
        """
        opened = self.opened
        from_s = -math.inf if opened is None else opened.at_s - opened.error_s
        needed = {demand.request.sent.id for demand in self.wire.demands}
        unknown = {request.sent.id for request in self.wire.unknown}
        for request in self.case.history.stream(stream):
            untold = request.sent.id in unknown or request.sent.id not in needed
            if untold and request.end_s >= from_s:
                yield request

    def _nobody_rejected(self, stream: str) -> tuple[Verdict, str]:
        """What it comes to that nobody was turned away at once, and in words."""
        opened = self.opened
        verdict, observed = self.never_opened()
        if opened is None or verdict is not Verdict.FAILED:
            return verdict, observed
        observed = f"opened at {instant(opened)}, and nobody was turned away at once"
        if any(self._may_have_been(stream)):
            verdict = Verdict.INCONCLUSIVE
            observed = f"opened at {instant(opened)}, and nothing tells whom it turned away"
        return verdict, observed

    def _may_be_first(self, first: Request) -> tuple[int, int]:
        """The numbers of those that may have been turned away first: of those sent at one instant
        so many are, whoever they are; with patience, whoever may have been on a quiet machine.
        """
        sent, opened = self.case.history.stream(first.sent.stream), self.opened
        if not self.case.patient or opened is None:
            slack_s = self.wire.sight.fine_s
            near = [r.sent.number for r in sent if abs(r.sent.at_s - first.sent.at_s) <= slack_s]
            return min(near), max(near)
        low_s = min(opened.at_s - opened.error_s, first.sent.at_s)
        high_s = max(opened.at_s + opened.error_s, first.sent.at_s)
        numbers = [r.sent.number for r in sent if low_s <= r.sent.at_s <= high_s]
        later = [r.sent.number for r in sent if r.sent.at_s > high_s]
        return min(numbers), min(later, default=max(numbers))

    def attempts(self) -> Finding:
        """How many attempts are made until it opens."""
        name, wire = "attempts until open", self.wire
        wanted = self.expectation.attempts
        right = wanted if isinstance(wanted, Range) else self.predicted().attempts
        expected = "it never opens" if right is None else f"{Range(right.low, right.high)}"
        if self.opened is None:
            surely = isinstance(wanted, Range) or self.predicted().opened.sure
            return self.unopened(name, expected, fine=not surely)
        until_s = self.opened.at_s + self.opened.error_s + wire.sight.fine_s
        before = [d for d in wire.demands if d.asked_s <= until_s]
        if any(wire.sight.is_hidden(d.asked_s) for d in before):
            observed = "can't be counted: a refused connection leaves no trace"
            return self.finding(name, Verdict.INCONCLUSIVE, expected, observed, "latency only")
        seen = [a for a in wire.attempts if a.start_s <= until_s]
        late = [a for a in wire.late if a.start_s > until_s and self._before_the_probe(a.start_s)]
        count = len(seen) + len(late)
        spread = self._counts_spread(self.opened)
        lost = sum(at_s <= until_s for at_s in wire.lost)
        most = count + lost + spread + self._turned_away_just_then(self.opened)
        ok = right is not None and right.low <= most and count - spread <= right.high
        observed = f"{count} until {instant(self.opened)}"
        if late:
            observed = f"{count}, {len(late)} of them after it had opened"
        if lost:
            observed += f"; up to {lost} more on connections that were just being closed"
        sources = " and ".join(sorted({a.source for a in (*seen, *late)})) or "nothing"
        verdict = Verdict.PASSED if ok else Verdict.FAILED
        return self.finding(name, verdict, expected, observed, f"seen by {sources}")

    def _turned_away_just_then(self, opened: Transition) -> int:
        """How many were turned away at the instant at which it opened: they may as well have been
        let through (the contract allows either order).
        """
        near_s = opened.error_s + self.wire.sight.fine_s
        away = (d for d in self.wire.demands if d.outcome == "turned away")
        return sum(abs(d.asked_s - opened.at_s) <= near_s for d in away)

    def _counts_spread(self, opened: Transition) -> int:
        """How many attempts may have come before it or after it on a quiet machine."""
        if not self.case.patient:
            return 0
        return sum(
            abs(a.start_s - opened.at_s) <= opened.error_s or self.wire.leeway.doubts(a)
            for a in self.wire.attempts
        )

    def _before_the_probe(self, at_s: float) -> bool:
        probes = [t.at_s for t in self.changes if t.state == "half_open"]
        return not probes or at_s < probes[0]

    def probes(self) -> Finding:
        """When it probes, with one attempt each."""
        moments, tolerance_s = self._probe_moments()
        expected = ", ".join(expected_words(moment, tolerance_s) for moment in moments) or "none"
        if moments:
            expected += "; one attempt each" if len(moments) > 1 else "; one attempt"
        found, wire = self.probes_made, self.wire
        if self.opened is None:
            fine = not any(moment.sure for moment in moments)
            return self.unopened("probes", expected, fine=fine)
        observed = ", ".join(_probe(probe) for probe in found) or "none"
        if wire.late:
            observed += f"; {plural(len(wire.late), 'attempt')} while it was open"
        alone = all(probe.surely == 1 for probe in found) and not wire.late
        unseen = [moment for moment in moments if self._leaves_no_trace(moment)]
        instants = [p.attempt.start_s for p in found]
        spread_s = tolerance_s + wire.sight.fine_s + self._probes_spread_s()
        fits = alone and (
            misfit(instants, moments, spread_s, unseen) is None or math.isinf(spread_s)
        )
        verdict, evidence = Verdict.PASSED if fits else Verdict.FAILED, self.sight()
        if not fits and alone and self.late_misfit("probes", instants, moments, spread_s):
            verdict, evidence = Verdict.INCONCLUSIVE, DRAWN
        elif not fits and not found and wire.changes.others:
            verdict = Verdict.INCONCLUSIVE
            evidence += "; it may have opened at another time as well, and probed then"
        if fits and (not found or any(probe.together > 1 for probe in found)):
            verdict = Verdict.INCONCLUSIVE  # none, or nobody can tell when the probe was over
        if unseen and len(found) < len(moments):
            observed += f" ({len(unseen)} into a refusing port, where nothing shows it)"
        return self.finding("probes", verdict, expected, observed, evidence)

    def _probes_spread_s(self) -> float:
        """How far off they may be for what was waited."""
        if not self.case.patient:
            return 0.0
        probing = (t.error_s for t in self.changes if t.state == "half_open")
        return max(probing, default=0.0)

    def _probe_moments(self) -> tuple[tuple[Moment, ...], float]:
        wanted = self.expectation.probes
        assert wanted is not None
        given = wanted if isinstance(wanted, tuple) else (wanted,)
        return listed(given, self.predicted().probe_moments)

    def _leaves_no_trace(self, moment: Moment) -> bool:
        """Whether a probe then is seen by nothing: a refused port, and no second attempt's wait."""
        if not moment or not self.wire.sight.is_hidden(moment.earliest_s):
            return False
        return self.wire.settings.attempts < 2


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
