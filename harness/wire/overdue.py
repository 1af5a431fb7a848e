"""Whether a call that came through an open breaker had been due before it opened.

A target may ask its breaker, and wait for a connection or for somebody who makes the call only
then. No rules of a breaker are why, nor are several breakers: nobody waits for those.
"""

from __future__ import annotations

from harness.frozen import Frozen
from harness.history.requests import Request
from harness.wire.attempts import Attempt
from harness.wire.crossing import Crossing
from harness.wire.demand import AT_ONCE_S
from harness.wire.states import Refutation


class Overdue(Frozen, kw_only=True):
    """A call that was due before the breaker opened, and came when it was open."""

    upstream: str
    request: Request
    due_s: float
    late_s: float
    beside: int
    """How many others were in flight until it began, if one of these ended just then; else 0."""

    @property
    def says(self) -> str:
        """One sentence, with figures, that asks."""
        who = f"{self.request.stream} #{self.request.number}"
        then = f", and one of {self.beside} in flight ended" if self.beside else ""
        return (
            f"{who} was to call {self.upstream} at {self.due_s:.2f} s, and did {self.late_s:.1f} s "
            f"later, when its breaker had opened{then}: do calls wait for a connection or a worker "
            "once they are let through?"
        )


def overdue(crossing: Crossing, refutation: Refutation | None) -> Overdue | None:
    """The call that refutes the declared breaker, if it was as late as that."""
    attempt = None if refutation is None else refutation.attempt
    if refutation is None or attempt is None or refutation.wrong != "while open":
        return None
    owner = crossing.request_of(attempt)
    demand = next((d for d in crossing.demands if d.request.id == owner), None)
    if demand is None:
        return None
    due_s = _due_s(crossing, demand.request, attempt)
    late_s = attempt.start_s - due_s
    slack_s = AT_ONCE_S + crossing.sight.late_s(due_s, attempt.start_s)
    if late_s <= slack_s or due_s > refutation.state_s + crossing.sight.fine_s:
        return None
    return Overdue(
        upstream=crossing.upstream,
        request=demand.request,
        due_s=due_s,
        late_s=late_s,
        beside=_beside(crossing, attempt),
    )


def _due_s(crossing: Crossing, request: Request, attempt: Attempt) -> float:
    """When a request was to make an attempt: at once, after its backoff, or after another call."""
    call = next(call for call in crossing.calls if attempt in call)
    place = call.index(attempt)
    if place:
        before = call[place - 1]
        return before.end_s + crossing.settings.between_s(place, before.status)[1]
    return crossing.ready_s(request, attempt)


def _beside(crossing: Crossing, attempt: Attempt) -> int:
    """How many others were in flight until it began, where one of these ended just then."""
    near_s, at_s = crossing.sight.fine_s, attempt.start_s
    others = [
        a for a in crossing.attempts if a.start_s < at_s - near_s and a.end_s >= at_s - near_s
    ]
    return len(others) if any(a.ends_from_s <= at_s + near_s for a in others) else 0
