"""Whether the machine may be why a request did not meet what is expected of it.

Three ways in which lateness changes more than an instant:

* the request itself, or whatever answered it, was held up: it is slower by as much as was measured,
  and what it met may have been decided by a race;
* waits of half a deadline may have lost a whole attempt to it, and what follows from that;
* the world around it was late: a breaker that trips late turns away late. Where a window begins is
  an author's word for when the world has got there, so a request near its beginning is excused by
  as much as the world may have been late by then, and one well inside it is not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from harness.checks.case import Case
from harness.checks.selection import Span
from harness.checks.tally import Outcome, Requirement
from harness.history.view import Request
from harness.scenario.expectations import ExpectationBase, Windowed
from harness.scenario.expectations.breaker import ExpectBreaker
from harness.scenario.expectations.calls import ExpectCalls
from harness.scenario.expectations.charges import ExpectCharges
from harness.verdict import Finding, Verdict

UNHANDLED = 500
"""What an application answers that has not foreseen what befell it: right at no time (G9)."""
LATE_S = 0.25
"""Less lateness than this, within a second, changes nobody's answer."""


class Excuses:
    """What the noise of a run may excuse in the requests of one expectation."""

    def __init__(self, case: Case, span: Span, numbered: Sequence[Request] = ()) -> None:
        """`numbered` are the requests that an author chose by number, if any."""
        self._case = case
        self._noise = case.noise
        self._starts = [each.start_s for each in span.windows if each.start_s > 0]
        self._starts += [request.planned_s for request in numbered[:1]]
        deadlines = [case.settings(name).timeout_s for name in case.history.run.upstreams]
        self._lost_s = min(deadlines, default=0.0) / 2

    @property
    def words(self) -> str:
        """What was measured at the worst, for the evidence."""
        return self._noise.worst()

    def of_answers(self, requirement: Requirement) -> Requirement:
        """As `of`, for what is expected of answers: no lateness makes a target break down (G9)."""
        slow = requirement.excess_s is not None
        return self.of(requirement, but=lambda r: r.status == UNHANDLED and not slow)

    def of(
        self,
        requirement: Requirement,
        *,
        but: Callable[[Request], bool] = lambda request: False,
    ) -> Requirement:
        """The same requirement, which holds nothing against the target that noise can explain.

        What makes `but` true has no excuse.
        """

        def judge(request: Request) -> Outcome:
            outcome = requirement.judge(request)
            violates = outcome is Outcome.VIOLATES and not but(request)
            if violates and self._excused(requirement, request):
                return Outcome.NOISE
            return outcome

        return replace(requirement, judge=judge)

    def _excused(self, requirement: Requirement, request: Request) -> bool:
        excess_s = None if requirement.excess_s is None else requirement.excess_s(request)
        if excess_s is None and request.answered is None:
            excess_s = self._case.waited_s(request) - self._case.deadline_s
        if excess_s is None:
            return self.answer(request)
        return self.slowness(request, excess_s)

    def answer(self, request: Request) -> bool:
        """Whether it may have been answered otherwise on a machine with nothing else to do."""
        burst_s = self._noise.burst_s(request.planned_s, self._end_s(request))
        return burst_s > LATE_S or self._world_was_late(request)

    def slowness(self, request: Request, excess_s: float) -> bool:
        """Whether it may have taken so much longer than it should for want of a CPU alone."""
        slack_s = self._noise.slack_s(request.sent.at_s, self._end_s(request))
        lost = slack_s >= self._lost_s > 0
        return slack_s >= excess_s or lost or self._world_was_late(request)

    def _end_s(self, request: Request) -> float:
        return min(request.end_s, max(self._case.history.end_s, request.sent.at_s))

    def _world_was_late(self, request: Request) -> bool:
        """Whether it met what belongs before its window, as all went on late."""
        planned_s = request.planned_s
        shift_s = self._noise.shift_s(planned_s)
        return shift_s > LATE_S and any(
            start_s <= planned_s < start_s + shift_s for start_s in self._starts
        )


def excused(finding: Finding, expectation: ExpectationBase, case: Case) -> Finding:
    """A failure in instants or numbers that a late world may have shifted is inconclusive.

    How a breaker moves, how many calls reach an upstream, how many charges there are: each hangs on
    when failures came, so noise really changes it. A breaker that moved not at all was not late.
    """
    if finding.verdict is not Verdict.FAILED or finding.timeless or not _shifts(expectation, case):
        return finding
    during = expectation.during if isinstance(expectation, Windowed) else None
    end_s = case.history.end_s if during is None else min(during.end_s, case.history.end_s)
    if case.noise.shift_s(end_s) <= LATE_S:
        return finding
    return too_busy(finding, case)


def too_busy(finding: Finding, case: Case) -> Finding:
    """The same, inconclusive for what was measured of the machine."""
    evidence = f"{finding.evidence}; this machine was too busy to tell: {case.noise.worst()}"
    return replace(finding, verdict=Verdict.INCONCLUSIVE, evidence=evidence, noise=True)


def _shifts(expectation: ExpectationBase, case: Case) -> bool:
    if isinstance(expectation, ExpectBreaker):
        return bool(case.wire(expectation.breaker).transitions)
    if not isinstance(expectation, ExpectCalls | ExpectCharges):
        return False
    # Over the whole play nothing is shifted in or out.
    return expectation.during is not None or expectation.while_ is not None


def left_late(request: Request) -> bool:
    """Whether a request left too late to say anything of the instant it was planned for."""
    return request.sent.at_s - request.sent.planned_s > LATE_S
