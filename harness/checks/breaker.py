"""When a breaker opens, rejects, probes and closes: expectations against what the wire says.

Instants are judged with their bounds: inside what is allowed is a pass, outside whatever the bounds
a failure, and what the wire can't tell from either is inconclusive.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from harness.checks.brackets import around, forecast_of, listed, moments_of
from harness.checks.case import Case
from harness.checks.keeping import keeps
from harness.checks.wording import plural
from harness.contract import Moment, Prediction, Span
from harness.history.view import Request
from harness.scenario.expectations.breaker import ExpectBreaker
from harness.scenario.expectations.values import Contract, Instant
from harness.units import Around, Range
from harness.verdict import Finding, Transition, Verdict, worst
from harness.wire.changes import Probe


def check(expectation: ExpectBreaker, case: Case) -> tuple[Finding, ...]:
    """One finding for each thing that the expectation says."""
    return tuple(_Judge(expectation, case).findings())


class _Judge:
    """One breaker expectation with all that it is judged by."""

    def __init__(self, expectation: ExpectBreaker, case: Case) -> None:
        self.expectation = expectation
        self.case = case
        self.wire = case.wire(expectation.breaker)

    def findings(self) -> Iterator[Finding]:
        wanted = self.expectation
        untold = self._untold()
        if untold:
            name, observed = "contract", "nothing was held against it"
            yield self._finding(
                name, Verdict.INCONCLUSIVE, f"can't be told: {untold}", observed, ""
            )
            return
        if isinstance(wanted.opens, tuple):
            yield self._each("opens", wanted.opens)
        elif wanted.opens is not None:
            yield self._opens(wanted.opens)
        if wanted.first_rejection is not None:
            yield self._first_rejection()
        if wanted.attempts is not None:
            yield self._attempts()
        if wanted.probes is not None:
            yield self._probes()
        if isinstance(wanted.closes, tuple):
            yield self._each("closes", wanted.closes)
        elif wanted.closes is not None:
            yield self._closes(wanted.closes)
        if wanted.keeps is not None:
            yield keeps(self.case, self.wire.upstream, self.case.claims(wanted))

    def _untold(self) -> str:
        """Why the contract says nothing of what is left to it; empty if it does."""
        wanted = self.expectation
        given = (wanted.opens, wanted.probes, wanted.closes)
        each = [one for value in given for one in (value if isinstance(value, tuple) else (value,))]
        left = any(isinstance(one, Contract) for one in each)
        left = left or "contract" in (wanted.first_rejection, wanted.attempts)
        return self._predicted().untold if left else ""

    def _predicted(self) -> Prediction:
        """What the contract says of this breaker, with the target's own settings."""
        return forecast_of(self.case).of(self.wire.upstream)

    # Each aspect

    def _opens(self, wanted: Instant | str) -> Finding:
        opened = self.wire.opened
        allowed, tolerance_s = self._moment(wanted, "opens")
        if allowed is None:
            return self._opens_never()
        expected = _expected(allowed, tolerance_s)
        if opened is None:
            verdict, observed = self._never_opened()
            return self._finding("opens", verdict, expected, observed, self._sight())
        verdict = self._judged(opened, allowed, tolerance_s)
        evidence = opened.evidence
        if verdict is Verdict.PASSED and not self.wire.changes.opens_always:
            verdict = Verdict.INCONCLUSIVE
            evidence = "nothing that came later shows that it opened"
        return self._finding("opens", verdict, expected, _at(opened), evidence)

    def _opens_never(self) -> Finding:
        opened, wire = self.wire.opened, self.wire
        if opened is not None:
            surely = wire.changes.opens_always and not self._by_chance(opened.at_s)
            verdict = Verdict.FAILED if surely else Verdict.INCONCLUSIVE
            observed = f"opened at {_at(opened)}"
            evidence = opened.evidence
            if not surely:
                evidence = "so many failures would open it, and nothing later shows whether it did"
            return self._finding("opens", verdict, "never", observed, evidence)
        if not wire.demands or wire.unknown:
            observed = "nothing could tell"
            return self._finding("opens", Verdict.INCONCLUSIVE, "never", observed, self._sight())
        observed = f"0 of {len(wire.demands)} requests rejected"
        return self._finding("opens", Verdict.PASSED, "never", observed, self._sight())

    def _never_opened(self) -> tuple[Verdict, str]:
        wire = self.wire
        if not wire.demands:
            return Verdict.INCONCLUSIVE, f"no request is known to have needed {wire.upstream}"
        if self._by_chance(math.inf):
            return Verdict.INCONCLUSIVE, "waits may have kept it from opening"
        if wire.unreadable:
            return Verdict.INCONCLUSIVE, "this machine was too busy to read the order of events"
        if wire.unknown and not self._would_show():
            return Verdict.INCONCLUSIVE, "nothing could tell a rejection from a failure"
        return Verdict.FAILED, f"never opened: 0 of {len(wire.demands)} requests rejected"

    def _by_chance(self, until_s: float) -> bool:
        """Whether a sound breaker may have opened by then, or not, for what waits decided."""
        patient = self.case.patient and self.wire.refutation is None
        return patient and self.wire.leeway.beats(until_s) != 0

    def _would_show(self) -> bool:
        """Whether a request that can be told apart was sent while it is surely open."""
        unknown = {request.sent.id for request in self.wire.unknown}
        slack_s = self.wire.sight.fine_s
        return any(
            begin.high + slack_s < demand.request.sent.at_s < end.low - slack_s
            for begin, end in self._predicted().open_spells
            for demand in self.wire.demands
            if demand.request.sent.id not in unknown
        )

    def _first_rejection(self) -> Finding:
        wanted, stream = self.expectation.first_rejection, self.expectation.traffic
        streams = [demand.request.sent.stream for demand in self.wire.demands]
        stream = stream or (streams[0] if streams else "")
        found = [r for r in self.wire.turned_away if r.sent.stream == stream]
        right: Sequence[Range | Span] = (
            [wanted]
            if isinstance(wanted, Range)
            else self._predicted().first_rejection.get(stream, ())
        )
        expected = " or ".join(map(_numbers, right)) or "none"
        if not found:
            verdict, observed = self._never_opened()
            if not right and verdict is Verdict.FAILED:
                verdict = Verdict.PASSED  # nobody should be
            return self._finding("first rejection", verdict, expected, observed, self._sight())
        first = min(found, key=lambda request: (request.sent.at_s, request.sent.number))
        # Of those sent at one instant so many were turned away, whoever they are.
        slack_s = self.wire.sight.fine_s
        near = [
            r.sent.number
            for r in self.case.history.stream(stream)
            if abs(r.sent.at_s - first.sent.at_s) <= slack_s
        ]
        lowest, highest = min([first.sent.number, *near]), max([first.sent.number, *near])
        if self.case.patient and self.wire.opened is not None:
            lowest, highest = self._may_be_first(first, self.wire.opened)
        unsure = any(r.sent.at_s < first.sent.at_s for r in self.wire.unknown)
        ok = any(
            span.low <= first.sent.number <= span.high
            or (lowest <= span.high and span.low <= highest and lowest < highest)
            for span in right
        )
        verdict = Verdict.PASSED if ok else Verdict.FAILED
        observed = f"#{first.sent.number}, sent at {first.sent.at_s:.2f} s"
        evidence = f"answered {first.status} in {first.service_s * 1000:.0f} ms without an attempt"
        if unsure and not ok:
            verdict = Verdict.INCONCLUSIVE
            evidence += "; earlier ones can't be told from failures"
        return self._finding(
            "first rejection", verdict, expected, observed, evidence, examples=(first,)
        )

    def _may_be_first(self, first: Request, opened: Transition) -> tuple[int, int]:
        """The numbers of those that may have been turned away first on a quiet machine."""
        low_s = min(opened.at_s - opened.error_s, first.sent.at_s)
        high_s = max(opened.at_s + opened.error_s, first.sent.at_s)
        sent = self.case.history.stream(first.sent.stream)
        numbers = [r.sent.number for r in sent if low_s <= r.sent.at_s <= high_s]
        later = [r.sent.number for r in sent if r.sent.at_s > high_s]
        return min(numbers), min(later, default=max(numbers))

    def _attempts(self) -> Finding:
        name, wire = "attempts until open", self.wire
        wanted = self.expectation.attempts
        right = wanted if isinstance(wanted, Range) else self._predicted().attempts
        expected = "it never opens" if right is None else f"{Range(right.low, right.high)}"
        if wire.opened is None:
            verdict, observed = self._never_opened()
            if right is None and verdict is Verdict.FAILED:
                verdict = Verdict.PASSED
            return self._finding(name, verdict, expected, observed, self._sight())
        until_s = wire.opened.at_s + wire.opened.error_s + wire.sight.fine_s
        before = [d for d in wire.demands if d.asked_s <= until_s]
        if any(wire.sight.is_hidden(d.asked_s) for d in before):
            observed = "can't be counted: a refused connection leaves no trace"
            return self._finding(name, Verdict.INCONCLUSIVE, expected, observed, "latency only")
        seen = [a for a in wire.attempts if a.start_s <= until_s]
        late = [a for a in wire.late if a.start_s > until_s and self._before_the_probe(a.start_s)]
        count = len(seen) + len(late)
        spread = self._counts_spread(wire.opened)
        ok = right is not None and right.low <= count + spread and count - spread <= right.high
        observed = f"{count} until {_at(wire.opened)}"
        if late:
            observed = f"{count}, {len(late)} of them after it had opened"
        sources = " and ".join(sorted({a.source for a in (*seen, *late)})) or "nothing"
        verdict = Verdict.PASSED if ok else Verdict.FAILED
        return self._finding(name, verdict, expected, observed, f"seen by {sources}")

    def _counts_spread(self, opened: Transition) -> int:
        """How many attempts may have come before it or after it on a quiet machine."""
        if not self.case.patient:
            return 0
        return sum(
            abs(a.start_s - opened.at_s) <= opened.error_s or self.wire.leeway.doubts(a)
            for a in self.wire.attempts
        )

    def _before_the_probe(self, at_s: float) -> bool:
        probes = [t.at_s for t in self.wire.transitions if t.state == "half_open"]
        return not probes or at_s < probes[0]

    def _each(self, what: str, wanted: Sequence[Instant]) -> Finding:
        """Every opening, or every closing, in order: exactly those that are allowed."""
        known = moments_of(self._predicted(), what)
        moments, tolerance_s = listed(wanted, known)
        state = "open" if what == "opens" else "closed"
        found = [t for t in self.wire.transitions if t.state == state]
        expected = ", ".join(_expected(moment, tolerance_s) for moment in moments) or "never"
        if self.wire.opened is None and any(moment.sure for moment in moments):
            verdict, observed = self._never_opened()
            return self._finding(what, verdict, expected, observed, self._sight())
        observed = ", ".join(map(_at, found)) or "never"
        evidence = "; ".join(dict.fromkeys(t.evidence for t in found)) or self._sight()
        verdict = self._judged_all(found, moments, tolerance_s)
        return self._finding(what, verdict, expected, observed, evidence)

    def _judged_all(
        self, found: Sequence[Transition], moments: Sequence[Moment], tolerance_s: float
    ) -> Verdict:
        """The worst of all, each held against the next that allows it; unsure ones may be
        missing.
        """
        if self._by_chance(math.inf) and len(found) != len(moments):
            return Verdict.INCONCLUSIVE
        left, verdicts = list(found), [Verdict.PASSED]
        for moment in moments:
            verdict = self._judged(left[0], moment, tolerance_s) if left else Verdict.FAILED
            if verdict is Verdict.FAILED and not moment.sure:
                continue
            verdicts.append(verdict)
            left = left[1:]
        return Verdict.FAILED if left else worst(verdicts)

    def _probes(self) -> Finding:
        moments, tolerance_s = self._probe_moments()
        expected = ", ".join(_expected(moment, tolerance_s) for moment in moments) or "none"
        expected += "; one attempt each" if len(moments) > 1 else "; one attempt"
        found, wire = self.wire.probes, self.wire
        if wire.opened is None:
            verdict, observed = self._never_opened()
            return self._finding("probes", verdict, expected, observed, self._sight())
        observed = ", ".join(_probe(probe) for probe in found) or "none"
        if wire.late:
            observed += f"; {plural(len(wire.late), 'attempt')} while it was open"
        alone = all(probe.together == 1 for probe in found) and not wire.late
        unseen = [moment for moment in moments if self._leaves_no_trace(moment)]
        slack_s = wire.sight.fine_s
        instants = [p.attempt.start_s for p in found]
        slack_s += self._probes_spread_s()
        fits = alone and (
            _fits(instants, moments, unseen, tolerance_s + slack_s) or math.isinf(slack_s)
        )
        verdict = Verdict.PASSED if fits else Verdict.FAILED
        if fits and not found:
            verdict = Verdict.INCONCLUSIVE
        if unseen and len(found) < len(moments):
            observed += f" ({len(unseen)} into a refusing port, where nothing shows it)"
        return self._finding("probes", verdict, expected, observed, self._sight())

    def _probes_spread_s(self) -> float:
        """How far off they may be for what was waited."""
        if not self.case.patient:
            return 0.0
        probing = (t.error_s for t in self.wire.transitions if t.state == "half_open")
        return max(probing, default=0.0)

    def _probe_moments(self) -> tuple[tuple[Moment, ...], float]:
        wanted = self.expectation.probes
        assert wanted is not None
        given = wanted if isinstance(wanted, tuple) else (wanted,)
        return listed(given, self._predicted().probe_moments)

    def _leaves_no_trace(self, moment: Moment) -> bool:
        """Whether a probe then is seen by nothing: a refused port, and no second attempt's wait."""
        if not moment or not self.wire.sight.is_hidden(moment.earliest_s):
            return False
        return self.wire.settings.attempts < 2

    def _closes(self, wanted: Instant | str) -> Finding:
        closed = self.wire.closed
        allowed, tolerance_s = self._moment(wanted, "closes")
        expected = "never" if allowed is None else _expected(allowed, tolerance_s)
        if self.wire.opened is None:
            verdict, observed = self._never_opened()
            return self._finding("closes", verdict, expected, observed, self._sight())
        wrong = Verdict.INCONCLUSIVE if self._by_chance(math.inf) else Verdict.FAILED
        if allowed is None:
            verdict = Verdict.PASSED if closed is None else wrong
            observed = "stayed open" if closed is None else f"closed at {_at(closed)}"
            return self._finding("closes", verdict, expected, observed, self._sight())
        if closed is None:
            verdict = wrong if allowed.sure else Verdict.INCONCLUSIVE
            return self._finding(
                "closes", verdict, expected, "it did not close again", self._sight()
            )
        verdict = self._judged(closed, allowed, tolerance_s)
        return self._finding("closes", verdict, expected, _at(closed), closed.evidence)

    def _moment(self, wanted: Instant | str, what: str) -> tuple[Moment | None, float]:
        """What is allowed, and with what tolerance on top; None for never."""
        if isinstance(wanted, Around):
            return around(wanted), 0.0
        if isinstance(wanted, Contract):
            predicted = self._predicted()
            moment = predicted.opened if what == "opens" else predicted.closed_for_good
            return (moment if moment else None), wanted.tolerance_s
        return None, 0.0

    def _judged(self, found: Transition, allowed: Moment, tolerance_s: float) -> Verdict:
        """Inside with all of its bounds, outside with all of them, or neither."""
        spread_s = tolerance_s + self.wire.sight.fine_s
        low_s, high_s = found.at_s - found.error_s, found.at_s + found.error_s
        if any(r.low - spread_s <= low_s and high_s <= r.high + spread_s
               for r in allowed.alternatives):  # fmt: skip
            return Verdict.PASSED
        touches = any(
            low_s <= r.high + spread_s and r.low - spread_s <= high_s for r in allowed.alternatives
        )
        return Verdict.INCONCLUSIVE if touches else Verdict.FAILED

    # Wording

    def _sight(self) -> str:
        sources = sorted({attempt.source for attempt in self.wire.attempts})
        return f"attempts seen by {', '.join(sources)}" if sources else "no attempt was seen"

    def _finding(
        self,
        what: str,
        verdict: Verdict,
        expected: str,
        observed: str,
        evidence: str,
        *,
        examples: Sequence[Request] = (),
    ) -> Finding:
        if verdict is Verdict.FAILED and self.wire.hints:
            evidence += "; " + " or ".join(self.wire.hints)
        return Finding(
            name=f"{self.wire.upstream} breaker: {what}",
            claims=self.case.claims(self.expectation),
            verdict=verdict,
            expected=expected,
            observed=observed,
            evidence=evidence,
            examples=tuple(request.sent.id for request in examples),
            because=self.expectation.because,
        )


def _fits(
    found_s: Sequence[float],
    moments: Sequence[Moment],
    unseen: Sequence[Moment],
    spread_s: float,
) -> bool:
    """Whether the probes are the allowed ones in order; those that can't be seen may be missing."""
    left = list(found_s)
    for moment in moments:
        if left and moment.allows(left[0], spread_s):
            left.pop(0)
        elif moment.sure and moment not in unseen:
            return False
    return not left


def _expected(allowed: Moment, tolerance_s: float) -> str:
    spans = [
        f"{r.low:.4g}..{r.high:.4g} s" if r.high - r.low > 0.2 else f"{r.low:.3g} s"
        for r in allowed.alternatives
    ]
    text = " or ".join(spans) if allowed else "never"
    return f"{text} ± {tolerance_s:g} s" if tolerance_s else text


def _numbers(wanted: Range | Span) -> str:
    if wanted.low == wanted.high:
        return f"#{wanted.low:g}"
    return f"#{wanted.low:g}..#{wanted.high:g}"


def _at(transition: Transition) -> str:
    error = f" ± {transition.error_s:.1f}" if transition.error_s > 0.1 else ""
    return f"{transition.at_s:.2f}{error} s"


def _probe(probe: Probe) -> str:
    ended = {True: "succeeded", False: "failed", None: "neutral"}[probe.attempt.ok]
    together = "" if probe.together == 1 else f" ({probe.together} together)"
    return f"{probe.attempt.start_s:.2f} s {ended}{together}"
