"""Whether calls at one upstream wait for each other, as behind a lock held across the call.

Told only where requests overlapped that should each have had a call running: several waited, each
for as long as calls of others went on and until one of these ended, whether it then called or was
turned away; calls followed upon each other; and never were two seen in flight.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from operator import itemgetter

from harness.frozen import Frozen
from harness.wire.attempts import Attempt
from harness.wire.demand import Demand

_FEWEST = 3
"""So many requests that waited are no accident."""
_FOLLOWED = 2
"""So often a call began as another ended: those who share one call wait for it, too, but make
none of their own."""
_MOST_OF_IT = 0.8
"""Of its wait for that share somebody else's call went on."""


class Queue(Frozen, kw_only=True):
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


class Need(Frozen, kw_only=True):
    """One request that needed a call."""

    due_s: float
    """When it was ready for it."""
    began_s: float
    """When its first attempt began; where it made none, when it had done without."""
    end_s: float
    """When it had no more need of it."""
    done_s: float | None = None
    """When a request that made attempts was done as a whole."""


def need(demand: Demand, due_s: float) -> Need:
    """What a request needed that was ready at an instant."""
    made = demand.attempts
    return Need(
        due_s=due_s,
        began_s=demand.asked_by_s,
        end_s=made[-1].end_s if made else demand.asked_by_s,
        done_s=demand.request.end_s if made else None,
    )


def queue(
    upstream: str,
    calls: Iterable[Sequence[Attempt]],
    needs: Iterable[Need],
    slack_s: float,
    own_s: float,
) -> Queue | None:
    """Who waited for whom; None where none queued.

    `calls`: the attempts of each. `slack_s`: how far apart may be what happens at one instant;
    `own_s`: how long a target may take before it calls.
    """
    made = [call for call in calls if call]
    attempts = sorted((one for call in made for one in call), key=lambda one: one.start_s)
    if any(after.start_s < before.end_s - slack_s for before, after in pairwise(attempts)):
        return None  # two in flight
    needs = list(needs)
    followed = sum(b.start_s - a.end_s <= own_s for a, b in pairwise(attempts))
    busy = list(_busy((call[0].start_s, call[-1].end_s) for call in made))
    done_s = (need.done_s for need in needs if need.done_s is not None)
    ends_s = sorted([*(one.end_s for one in attempts), *done_s])
    waits_s = [
        need.began_s - need.due_s
        for need in needs
        if need.began_s - need.due_s > own_s
        and _overlap_s(busy, need) >= _MOST_OF_IT * (need.began_s - need.due_s)
        and _near(ends_s, need.began_s, own_s)
    ]
    if len(waits_s) < _FEWEST or followed < _FOLLOWED:
        return None
    begun_s = sorted(need.due_s for need in needs)
    over_s = sorted(max(need.due_s, need.end_s) for need in needs)
    most = max(bisect_right(begun_s, at_s) - bisect_right(over_s, at_s) for at_s in begun_s)
    return Queue(upstream=upstream, waited=len(waits_s), longest_s=max(waits_s), most=most)


def _busy(spans: Iterable[tuple[float, float]]) -> Iterator[tuple[float, float]]:
    """The times in which a call went on, between its attempts, too."""
    from_s, to_s = -1.0, -1.0
    for start_s, end_s in sorted(spans):
        if start_s > to_s:
            yield from_s, to_s
            from_s = start_s
        to_s = max(to_s, end_s)
    yield from_s, to_s


def _overlap_s(spans: Sequence[tuple[float, float]], need: Need) -> float:
    """For how long of its wait one of these times was, which are in order and apart."""
    first = bisect_left(spans, need.due_s, key=itemgetter(1))
    last = bisect_left(spans, need.began_s, key=itemgetter(0))
    return sum(
        max(0.0, min(to_s, need.began_s) - max(from_s, need.due_s))
        for from_s, to_s in spans[first:last]
    )


def _near(instants_s: Sequence[float], at_s: float, within_s: float) -> bool:
    """Whether something happened just before an instant, or at it."""
    first = bisect_left(instants_s, at_s - within_s)
    return first < len(instants_s) and instants_s[first] <= at_s + within_s
