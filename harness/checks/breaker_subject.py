"""A breaker expectation, and all that it is judged by."""

from __future__ import annotations

import math
from collections.abc import Sequence

from harness.checks.brackets import moments_of
from harness.checks.case import Case
from harness.contract import Moment, Prediction
from harness.history.requests import Request
from harness.scenario.expectations.breaker import ExpectBreaker
from harness.scenario.expectations.values import Contract
from harness.verdict import Finding, Transition, Verdict, first_opening, last_closing
from harness.wire.changes import Probe

_TOLD = 3
"""So many changes of one kind the arithmetic's draws tell in any case."""
DRAWN = (
    "draws of what the contract leaves open were held against it, and so late they need not be all"
)
UNREADABLE = "its events may have come in more orders than can be tried"


def misfit(
    found_s: Sequence[float],
    moments: Sequence[Moment],
    spread_s: float,
    unseen: Sequence[Moment] = (),
) -> int | None:
    """The place of the first moment that has to be and isn't among these instants, in order; as
    many as there are moments where an instant is left over, None where all is as it should be.
    `unseen`: moments that can't be seen, and may be missing.
    """
    left = list(found_s)
    for place, moment in enumerate(moments):
        if left and moment.allows(left[0], spread_s):
            left.pop(0)
        elif moment.sure and moment not in unseen:
            return place
    return len(moments) if left else None


def is_beyond_draws(found_s: Sequence[float], moments: Sequence[Moment], spread_s: float) -> bool:
    """Whether instants depart from predicted ones only after several that fit, and behind one that
    may be otherwise: each cycle of a breaker begins where the one before has ended, so that draws
    meet fewer and fewer of all ways there are.
    """
    place = misfit(found_s, moments, spread_s)
    if place is None:
        place = len(moments)
    return place >= _TOLD and _drawn(moments[:place])


def is_beyond_drawn_cycles(
    found_s: Sequence[float],
    moments: Sequence[Moment],
    spread_s: float,
    opened_s: Sequence[float],
    openings: Sequence[Moment],
) -> bool:
    """Whether the first closing that none of the predicted ones allows comes only after several
    openings, of which one was predicted to be this or that: it hangs on all of them.
    """
    strays = (at_s for at_s in found_s if not any(m.allows(at_s, spread_s) for m in moments))
    stray_s = next(strays, math.inf)
    cycles = sum(at_s < stray_s for at_s in opened_s)
    return cycles >= _TOLD and _drawn(openings[:cycles])


def _drawn(moments: Sequence[Moment]) -> bool:
    return any(len(one.alternatives) > 1 or not one.sure for one in moments)


class Subject:
    """One breaker expectation with all that it is judged by."""

    def __init__(
        self,
        expectation: ExpectBreaker,
        case: Case,
        *,
        changes: tuple[Transition, ...] | None = None,
        until_s: float = math.inf,
    ) -> None:
        """`changes`: of another story than the plainest. Judged is what came before `until_s`."""
        self.expectation = expectation
        self.case = case
        self._until_s = until_s
        self._changes = changes
        self.wire = case.wire(expectation.breaker).told
        self._several = case.wire(expectation.breaker).several

    @property
    def changes(self) -> tuple[Transition, ...]:
        """Its changes of state."""
        changes = self.wire.transitions if self._changes is None else self._changes
        return tuple(t for t in changes if t.at_s - t.error_s < self._until_s)

    @property
    def probes_made(self) -> tuple[Probe, ...]:
        """Its probes."""
        return tuple(p for p in self.wire.probes if p.attempt.start_s < self._until_s)

    @property
    def opened(self) -> Transition | None:
        """Its first opening."""
        return first_opening(self.changes)

    @property
    def closed(self) -> Transition | None:
        """Its last closing, if it stayed closed from then on."""
        return last_closing(self.changes)

    def untold(self) -> str:
        """Why nothing can be held against it, or the contract says nothing; empty otherwise."""
        if self._several:
            return self._several
        wanted = self.expectation
        listed = any(isinstance(value, tuple) for value in (wanted.opens, wanted.closes))
        if (listed or wanted.probes is not None) and self.wire.settings.scope.alike:
            return "its workers' breakers open, probe and close each by itself"
        if self.wire.unfollowed:
            return self.wire.unfollowed
        given = (wanted.opens, wanted.probes, wanted.closes)
        each = [one for value in given for one in (value if isinstance(value, tuple) else (value,))]
        left = any(isinstance(one, Contract) for one in each)
        left = left or "contract" in (wanted.first_rejection, wanted.attempts)
        return self.predicted().untold if left else ""

    def predicted(self) -> Prediction:
        """What the contract says of this breaker, with the target's own settings."""
        return self.case.forecast.of(self.wire.upstream)

    def never_opened(self) -> tuple[Verdict, str]:
        """What it comes to that it never opened, and in words."""
        wire = self.wire
        if not wire.demands:
            return Verdict.INCONCLUSIVE, f"no request is known to have needed {wire.upstream}"
        if wire.settings.scope.alike and wire.changes.perhaps_open:
            return Verdict.INCONCLUSIVE, "none of its workers' breakers surely opened"
        if self.by_chance(math.inf):
            return Verdict.INCONCLUSIVE, "waits may have kept it from opening"
        if wire.unreadable:
            return Verdict.INCONCLUSIVE, UNREADABLE
        if (wire.unknown or self._may_need()) and not self._would_show():
            return Verdict.INCONCLUSIVE, "nothing could tell a rejection from a failure"
        return Verdict.FAILED, f"never opened: 0 of {len(wire.demands)} requests rejected"

    def unopened(self, what: str, expected: str, *, fine: bool = False) -> Finding:
        """The finding where it never opened; `fine`: that it surely didn't is what is expected."""
        verdict, observed = self.never_opened()
        if fine and verdict is Verdict.FAILED:
            verdict = Verdict.PASSED
        return self.finding(what, verdict, expected, observed, self.sight())

    def late_misfit(
        self, what: str, found_s: Sequence[float], moments: Sequence[Moment], spread_s: float
    ) -> bool:
        """Whether a breaker that keeps its contract otherwise departs from draws of it, late."""
        if self.wire.refutation is not None:
            return False
        if what == "closes":
            opened_s = [t.at_s for t in self.changes if t.state == "open"]
            openings = moments_of(self.predicted(), "opens")
            return is_beyond_drawn_cycles(found_s, moments, spread_s, opened_s, openings)
        return is_beyond_draws(found_s, moments, spread_s)

    def by_chance(self, until_s: float) -> bool:
        """Whether a sound breaker may have opened by then, or not, for what waits decided."""
        patient = self.case.patient and self.wire.refutation is None
        return patient and self.wire.leeway.beats(until_s) != 0

    def _would_show(self) -> bool:
        """Whether a request that can be told apart was sent while it is surely open."""
        unknown = {request.id for request in self.wire.unknown}
        asked = (d.request for d in self.wire.demands if d.outcome != "unknown")
        return any(r.id not in unknown and self._is_sent_while_open(r) for r in asked)

    def _may_need(self) -> bool:
        """Whether a request was sent then of which nobody knows whether it came so far."""
        upstream, known = self.wire.upstream, {d.request.id for d in self.wire.demands}
        calling = self.case.witness.demands.calling(upstream)
        return any(
            r.stream in calling and r.id not in known and self._is_sent_while_open(r)
            for r in self.case.history.requests
        )

    def _is_sent_while_open(self, request: Request) -> bool:
        """Whether it was sent while a breaker that keeps its contract is surely open."""
        slack_s, at_s = self.wire.sight.fine_s, request.at_s
        return any(
            begin.high + slack_s < at_s < end.low - slack_s
            for begin, end in self.predicted().open_spells
        )

    def sight(self) -> str:
        """Who saw its attempts."""
        sources = sorted({attempt.source for attempt in self.wire.attempts})
        return f"attempts seen by {', '.join(sources)}" if sources else "no attempt was seen"

    def finding(
        self,
        what: str,
        verdict: Verdict,
        expected: str,
        observed: str,
        evidence: str,
        *,
        examples: Sequence[Request] = (),
    ) -> Finding:
        """A finding of one aspect; a failure says what may be behind it. Where a stub alone tells,
        and a fault kept calls from it, what it comes to is a guess.
        """
        if verdict is Verdict.FAILED and self.wire.sight.by_stub:
            verdict = Verdict.INCONCLUSIVE
            evidence += (
                f"; its proxy shows nothing, and a fault kept calls from {self.wire.upstream}"
            )
        if verdict is Verdict.FAILED and self.wire.hints:
            evidence += "; " + " or ".join(self.wire.hints)
        return Finding(
            name=f"{self.wire.upstream} breaker: {what}",
            verdict=verdict,
            expected=expected,
            observed=observed,
            evidence=evidence,
            examples=tuple(request.id for request in examples),
        )


def expected_words(allowed: Moment, tolerance_s: float) -> str:
    """What is allowed, in words: `9..10 s or 12 s ± 1 s`."""
    spans = [
        f"{r.low:.4g}..{r.high:.4g} s" if r.high - r.low > 0.2 else f"{r.low:.3g} s"
        for r in allowed.alternatives
    ]
    text = " or ".join(spans) if allowed else "never"
    text = f"{text} ± {tolerance_s:g} s" if tolerance_s else text
    return text if allowed.sure or not allowed else f"{text}, or never"


def instant(transition: Transition) -> str:
    """When something changed, in words: `9.01 ± 0.3 s`."""
    error = f" ± {transition.error_s:.1f}" if transition.error_s > 0.1 else ""
    return f"{transition.at_s:.2f}{error} s"
