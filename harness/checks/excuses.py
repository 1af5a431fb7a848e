"""Whether the machine may be why a request did not meet what is expected of it.

Three ways in which lateness changes more than an instant:

* the request itself, or whatever answered it, was held up: it is slower by as much as was measured,
  and waits of half a deadline may have lost a whole attempt to it, and what follows from that;
* waits may have decided what it met: a fault or none, a breaker open or closed (`wire/leeway.py`);
* the world around it was late. Where a window begins is an author's word for when the world has got
  there, so a request that near to its beginning is excused, and one well inside it is not.

What is counted or timed over many requests is judged with patience instead (`patience.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec.structs import replace

from harness.checks.case import Case
from harness.checks.selection import Span
from harness.checks.tally import Outcome, Requirement
from harness.history.requests import Request
from harness.policy.waits import EITHER_S
from harness.wire.leeway import LOST

UNHANDLED = 500
"""What an application answers that has not foreseen what befell it: right at no time (G9)."""
LATE_S = EITHER_S
"""What left later than this met another state of the world than was planned: for so long around a
change of state either answer is right (B4). Waits of so much may have dropped a connection, too, as
whoever closes an idle one races whoever uses it."""
_BEFORE_S = 1.0
"""Waits so long before a window begins may still have kept the world from getting there."""


class Excuses:
    """What the noise of a run may excuse in the requests of one expectation."""

    def __init__(self, case: Case, span: Span, numbered: Sequence[Request] = ()) -> None:
        """`numbered` are the requests that an author chose by number, if any."""
        self._case = case
        self._noise = case.noise
        self._starts = [each.start_s for each in span.windows if each.start_s > 0]
        self._starts += [request.planned_s for request in numbered[:1]]
        deadlines = [case.settings(name).timeout_s for name in case.history.run.upstreams]
        self._lost_s = LOST * min(deadlines, default=0.0)

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
        if excess_s is None and request.unanswered:
            excess_s = self._case.waited_s(request) - self._case.deadline_s(request)
        if excess_s is None:
            return self.answer(request)
        return self.slowness(request, excess_s)

    def answer(self, request: Request) -> bool:
        """Whether it may have been answered otherwise on a machine with nothing else to do."""
        late_s = self._noise.late_s(request.planned_s, self._end_s(request))
        if late_s >= self._lost_s > 0 or (self._dropped(request) and late_s >= LATE_S):
            return True
        if left_late(request):
            return True
        return (late_s > 0 and self._met_by_chance(request)) or self._world_was_late(request)

    def _dropped(self, request: Request) -> bool:
        return not request.unanswered and request.status is None

    def slowness(self, request: Request, excess_s: float) -> bool:
        """Whether it may have taken so much longer than it should for want of a CPU alone."""
        late_s = self._noise.late_s(request.at_s, self._end_s(request))
        return late_s >= excess_s or self.answer(request)

    def _end_s(self, request: Request) -> float:
        return min(request.end_s, max(self._case.history.end_s, request.at_s))

    def _met_by_chance(self, request: Request) -> bool:
        """Whether waits may have decided which fault, or which state of a breaker, it met."""
        calls = self._case.witness.demands.calls.get(request.stream, ())
        return any(
            self._case.wire(name).leeway.decides(request)
            for name in dict.fromkeys(call.upstream for call in calls)
        )

    def _world_was_late(self, request: Request) -> bool:
        """Whether it met what belongs before its window, as all went on late."""
        planned_s = request.planned_s
        return any(
            start_s <= planned_s < start_s + self._noise.late_s(start_s - _BEFORE_S, planned_s)
            for start_s in self._starts
        )


def left_late(request: Request) -> bool:
    """Whether a request left too late to say anything of the instant it was planned for."""
    return request.at_s - request.planned_s > LATE_S
