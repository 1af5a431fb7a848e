"""When a breaker opens, rejects, probes and closes: expectations against the inference."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.checks.attempts import hidden
from harness.checks.inference import Inference, Probe
from harness.contract import Prediction, Span
from harness.history.view import History, Request
from harness.scenario.expectations import Contract, ExpectBreaker, Instant
from harness.units import Around, Range
from harness.verdict import Finding, Transition, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerCheck:
    """One breaker expectation with all that it is judged by."""

    expectation: ExpectBreaker
    claims: tuple[str, ...]
    history: History
    inference: Inference
    predicted: Prediction | None
    """The contract's arithmetic, where the expectation asks for it."""

    def findings(self) -> Iterator[Finding]:
        """One finding for each thing that the expectation says."""
        wanted = self.expectation
        if wanted.opens is not None:
            yield self._opens(wanted.opens)
        if wanted.first_rejection is not None:
            yield self._first_rejection()
        if wanted.attempts is not None:
            yield self._attempts()
        if wanted.probes is not None:
            probes = wanted.probes if isinstance(wanted.probes, tuple) else (wanted.probes,)
            yield self._probes(probes)
        if wanted.closes is not None:
            yield self._closes(wanted.closes)
        if self.inference.conflicts:
            yield self._conflict()

    # Each aspect

    def _opens(self, wanted: Instant | str) -> Finding:
        opened = self.inference.opened
        if wanted == "never":
            return self._opens_never()
        spans = self._spans(wanted, "opens")
        if opened is None:
            verdict, observed = self._never_opened()
            return self._finding("opens", verdict, _said(spans), observed, self._sight())
        return self._instant("opens", spans, opened)

    def _opens_never(self) -> Finding:
        opened = self.inference.opened
        if opened is not None:
            return self._finding(
                "opens", Verdict.FAILED, "never", f"opened at {_at(opened)}", opened.evidence
            )
        if not self.inference.demands or self.inference.unknown:
            return self._finding(
                "opens", Verdict.INCONCLUSIVE, "never", "nothing could tell", self._sight()
            )
        count = len(self.inference.demands)
        return self._finding(
            "opens", Verdict.PASSED, "never", f"0 of {count} requests rejected", self._sight()
        )

    def _never_opened(self) -> tuple[Verdict, str]:
        known = self.inference
        if not known.demands:
            return Verdict.INCONCLUSIVE, f"no request needed {known.upstream}"
        if known.unknown and not known.attempts:
            return Verdict.INCONCLUSIVE, "nothing could tell a rejection from a failure"
        return Verdict.FAILED, f"never opened: none of {len(known.demands)} requests was rejected"

    def _first_rejection(self) -> Finding:
        wanted, stream = self.expectation.first_rejection, self.expectation.traffic
        streams = [r.sent.stream for r in self.inference.demands]
        stream = stream or (streams[0] if streams else None)
        found = [r for r in self.inference.rejected if r.sent.stream == stream]
        if wanted == "contract":
            spans = self._predicted().first_rejection.get(stream or "", ())
            expected = " or ".join(_numbers(span) for span in spans) or "none"
            right = [Range(span.low, span.high) for span in spans]
        else:
            assert isinstance(wanted, Range)
            expected, right = _numbers(wanted), [wanted]
        if not found:
            verdict, observed = self._never_opened()
            return self._finding("first rejection", verdict, expected, observed, self._sight())
        first = found[0]
        unsure = [r for r in self.inference.unknown if r.sent.at_s < first.sent.at_s]
        ok = any(first.sent.number in numbers for numbers in right)
        verdict = Verdict.PASSED if ok else Verdict.FAILED
        if unsure:
            verdict = Verdict.INCONCLUSIVE
        observed = f"#{first.sent.number}, sent at {first.sent.at_s:.2f} s"
        evidence = f"answered {first.status} in {first.service_s * 1000:.0f} ms without an attempt"
        return self._finding(
            "first rejection", verdict, expected, observed, evidence, examples=(first,)
        )

    def _attempts(self) -> Finding:
        wanted, opened = self.expectation.attempts, self.inference.opened
        if wanted == "contract":
            span = self._predicted().attempts
            right = Range(span.low, span.high) if span else Range(0, 0)
        else:
            assert isinstance(wanted, Range)
            right = wanted
        name, upstream = "attempts until open", self.inference.upstream
        if opened is None:
            verdict, observed = self._never_opened()
            return self._finding(name, verdict, str(right), observed, self._sight())
        until_s = opened.at_s + opened.error_s
        seen = [a for a in self.inference.attempts if a.start_s <= until_s]
        late = [a for a in self.inference.late if a.start_s > until_s]
        if any(hidden(self.history, upstream, r.sent.at_s) for r in self.inference.demands[:1]):
            return self._finding(
                name,
                Verdict.INCONCLUSIVE,
                str(right),
                "can't be counted: a refused connection leaves no trace",
                "implied by latency only",
            )
        count = len(seen) + len(late)
        verdict = Verdict.PASSED if count in right else Verdict.FAILED
        sources = "+".join(sorted({a.source for a in seen})) or "none"
        observed = f"{count} until {_at(opened)}"
        if late:
            observed = f"{count}, {len(late)} of them after it had opened"
        return self._finding(name, verdict, str(right), observed, f"seen by {sources}")

    def _probes(self, wanted: Sequence[Instant]) -> Finding:
        spans = [self._spans(instant, "probes", index) for index, instant in enumerate(wanted)]
        if any(isinstance(instant, Contract) for instant in wanted) and len(wanted) == 1:
            spans = self._all_predicted_probes(wanted[0])
        expected = ", ".join(_said(span) for span in spans) or "none"
        expected += ", one attempt each" if len(spans) > 1 else ", one attempt"
        probes = [p for p in self.inference.probes if self._visible(p)]
        hidden_spans = [span for span in spans if self._hidden_probe(span)]
        if self.inference.opened is None:
            verdict, observed = self._never_opened()
            return self._finding("probes", verdict, expected, observed, self._sight())
        observed = ", ".join(_probe(probe) for probe in probes) or "none"
        if self.inference.late:
            observed += f"; {len(self.inference.late)} retries after it had opened"
        remaining = [span for span in spans if span not in hidden_spans]
        if len(probes) > len(spans) or len(probes) < len(remaining):
            verdict = Verdict.FAILED
        else:
            pairs = zip(probes, spans if len(probes) == len(spans) else remaining, strict=False)
            right = all(_within(p.attempt.start_s, 0.05, span) for p, span in pairs)
            alone = all(p.together == 1 for p in probes) and not self.inference.late
            verdict = Verdict.PASSED if right and alone else Verdict.FAILED
        if not probes and verdict is Verdict.PASSED:
            verdict = Verdict.INCONCLUSIVE
            observed = "none visible: the port refused"
        return self._finding("probes", verdict, expected, observed, self._sight())

    def _visible(self, probe: Probe) -> bool:
        return probe.attempt.source != "connection" or probe.attempt.start_s >= 0

    def _hidden_probe(self, span: Sequence[Span]) -> bool:
        """A probe into a refused port of a service without retries leaves no trace at all."""
        if not span:
            return False
        return hidden(self.history, self.inference.upstream, span[0].low) and not any(
            a.source == "latency" for a in self.inference.attempts
        )

    def _closes(self, wanted: Instant | str) -> Finding:
        closed = self.inference.closed
        if wanted == "never":
            verdict = Verdict.PASSED if closed is None else Verdict.FAILED
            if self.inference.opened is None:
                verdict = Verdict.INCONCLUSIVE
            observed = "stayed open" if closed is None else f"closed at {_at(closed)}"
            return self._finding("closes", verdict, "never", observed, self._sight())
        spans = self._spans(wanted, "closes")
        if self.inference.opened is None:
            verdict, observed = self._never_opened()
            return self._finding("closes", verdict, _said(spans), observed, self._sight())
        if closed is None:
            return self._finding(
                "closes", Verdict.FAILED, _said(spans), "never closed again", self._sight()
            )
        return self._instant("closes", spans, closed)

    def _conflict(self) -> Finding:
        return self._finding(
            "status endpoint",
            Verdict.FAILED,
            "the same as on the wire",
            "; ".join(self.inference.conflicts),
            "status endpoint and wire",
        )

    # Instants

    def _instant(self, name: str, spans: Sequence[Span], found: Transition) -> Finding:
        verdict = _judge_instant(found, spans)
        examples = ()
        return self._finding(
            name, verdict, _said(spans), f"{_at(found)}", found.evidence, examples=examples
        )

    def _spans(self, wanted: Instant | str, what: str, index: int = 0) -> tuple[Span, ...]:
        """The allowed intervals: the author's, or the contract's widened by the tolerance."""
        if isinstance(wanted, Around):
            return (Span(wanted.at_s - wanted.tolerance_s, wanted.at_s + wanted.tolerance_s),)
        assert isinstance(wanted, Contract)
        predicted = self._predicted()
        if what == "probes":
            spans: Sequence[Span] = predicted.probes[index : index + 1]
        else:
            spans = predicted.opens if what == "opens" else predicted.closes
        return tuple(_widened(span, wanted.tolerance_s) for span in spans)

    def _all_predicted_probes(self, wanted: Instant) -> list[tuple[Span, ...]]:
        assert isinstance(wanted, Contract)
        return [(_widened(span, wanted.tolerance_s),) for span in self._predicted().probes]

    def _predicted(self) -> Prediction:
        assert self.predicted is not None, "the judge predicts whatever names the contract"
        return self.predicted

    # Wording

    def _sight(self) -> str:
        sources = sorted({attempt.source for attempt in self.inference.attempts})
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
        return Finding(
            name=f"{self.inference.upstream} breaker {what}",
            claims=self.claims,
            verdict=verdict,
            expected=expected,
            observed=observed,
            evidence=evidence,
            examples=tuple(request.sent.id for request in examples),
            because=self.expectation.because,
        )


def _judge_instant(found: Transition, spans: Sequence[Span]) -> Verdict:
    """Inside an allowed interval: passed. Outside all, whatever the error: failed."""
    if not spans:
        return Verdict.FAILED
    if any(_within(found.at_s, 0.05, (span,)) for span in spans):
        low_s, high_s = found.at_s - found.error_s, found.at_s + found.error_s
        certain = any(s.low - 0.1 <= low_s and high_s <= s.high + 0.1 for s in spans)
        wide = found.error_s > 1.0
        return Verdict.INCONCLUSIVE if wide and not certain else Verdict.PASSED
    near = any(
        found.at_s - found.error_s <= s.high and s.low <= found.at_s + found.error_s for s in spans
    )
    return Verdict.INCONCLUSIVE if near and found.error_s > 0.1 else Verdict.FAILED


def _within(at_s: float, slack_s: float, spans: Sequence[Span]) -> bool:
    return any(span.low - slack_s <= at_s <= span.high + slack_s for span in spans)


def _widened(span: Span, tolerance_s: float) -> Span:
    return Span(span.low - tolerance_s, span.high + tolerance_s)


def _said(spans: Sequence[Span]) -> str:
    return " or ".join(f"{max(s.low, 0):.4g}..{s.high:.4g} s" for s in spans) or "never"


def _numbers(span: Span | Range) -> str:
    if span.low == span.high:
        return f"#{span.low:g}"
    return f"#{span.low:g}..#{span.high:g}" if not math.isinf(span.high) else f"#{span.low:g} on"


def _at(transition: Transition) -> str:
    error = f" ± {transition.error_s:.2g}" if transition.error_s > 0.1 else ""
    return f"{transition.at_s:.2f}{error} s"


def _probe(probe: Probe) -> str:
    ended = {True: "succeeded", False: "failed", None: "neutral"}[probe.attempt.ok]
    together = "" if probe.together == 1 else f" ({probe.together} together)"
    return f"{probe.attempt.start_s:.2f} s {ended}{together}"
