"""Whether calls at one upstream wait for each other, as behind a lock held across the call.

Told only where requests overlapped that should each have had a call running: several waited, each
as long as somebody else's call ran, and never were two calls seen in flight.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.wire.attempts import Attempt
from harness.wire.demand import Demand

_FEWEST = 3
"""So many requests that waited are no accident."""
_MOST_OF_IT = 0.8
"""Of its wait for that share somebody else's call ran."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """Requests that waited for each other's calls."""

    upstream: str
    waited: int
    longest_s: float
    most: int
    """How many needed a call running at one time, at the most."""

    @property
    def says(self) -> str:
        """One sentence, with figures, that asks."""
        return (
            f"never more than one call in flight at {self.upstream}, although up to {self.most} "
            f"requests at once needed one, and {self.waited} waited up to {self.longest_s:.1f}s "
            "until another's had ended: are calls serialised?"
        )


def queue(
    upstream: str, demands: Sequence[tuple[Demand, float]], slack_s: float, own_s: float
) -> Queue | None:
    """Requests with attempts, each with when its first one was due; None where none queued.

    `slack_s`: how far apart may be what happens at one instant; `own_s`: how long a target may take
    before it calls.
    """
    attempts = sorted((a for d, _ in demands for a in d.attempts), key=lambda a: a.start_s)
    running_s = 0.0
    for attempt in attempts:
        if attempt.start_s < running_s - slack_s:
            return None  # two in flight
        running_s = max(running_s, attempt.end_s)
    waits = [
        (due_s, d.attempts[0].start_s)
        for d, due_s in demands
        if d.attempts[0].start_s - due_s > own_s
        and _busy_s(attempts, due_s, d.attempts[0].start_s)
        >= _MOST_OF_IT * (d.attempts[0].start_s - due_s)
    ]
    if len(waits) < _FEWEST:
        return None
    needs = [(due_s, d.attempts[-1].end_s) for d, due_s in demands]
    most = max(sum(from_s <= at_s < to_s for from_s, to_s in needs) for at_s, _ in needs)
    longest_s = max(to_s - from_s for from_s, to_s in waits)
    return Queue(upstream=upstream, waited=len(waits), longest_s=longest_s, most=most)


def _busy_s(attempts: Sequence[Attempt], from_s: float, to_s: float) -> float:
    """For how long of a time an attempt was in flight, of attempts that don't overlap."""
    return sum(max(0.0, min(a.end_s, to_s) - max(a.start_s, from_s)) for a in attempts)
