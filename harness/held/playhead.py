"""Where a scenario's clock stands in a world that is held open: it runs, stands still, or is set.

Pure: the time of the world is an argument. What has to be done to be where the clock stands comes
out as steps of the timeline, in their order; whoever does them says which came into force.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from harness.timeline import Apply, Lift, Send, Step


class Playhead:
    """A clock over a timeline, and the faults that are in force by now.

    Before it is first told to play or jump, all is well, whatever the timeline says of 0s.
    """

    def __init__(self, timeline: Sequence[Step], end_s: float) -> None:
        self._steps = tuple(timeline)
        self._instants = [step.at_s for step in self._steps]
        self.changes_s = tuple(
            sorted({step.at_s for step in self._steps if not isinstance(step, Send)})
        )
        """When faults come and go."""
        self.end_s = end_s
        self.in_force: set[int] = set()
        """Numbers of the faults (from 0) that really are in force."""
        self._wanted: frozenset[int] | None = frozenset()
        """What is to be in force, once, whatever the clock says; None as soon as it is."""
        self._next = 0
        self._at_s = 0.0
        self._since_s: float | None = None
        """When it began to run, by the world's clock; None while it stands."""

    def at(self, now_s: float) -> float:
        """Where it stands, in the scenario's seconds."""
        if self._since_s is None:
            return self._at_s
        return min(self.end_s, self._at_s + now_s - self._since_s)

    def runs(self, now_s: float) -> bool:
        """Whether it runs."""
        return self._since_s is not None and self.at(now_s) < self.end_s

    def play(self, now_s: float) -> None:
        """Let it run; from 0s again where it has come to the end."""
        if self.at(now_s) >= self.end_s:
            self.jump(0.0, now_s)
        self._at_s, self._since_s = self.at(now_s), now_s
        self._wanted = frozenset(self._due_at(self._at_s))

    def pause(self, now_s: float) -> None:
        """Let it stand: what is in force stays so."""
        self._at_s, self._since_s = self.at(now_s), None

    def jump(self, to_s: float, now_s: float) -> None:
        """Set it; what is in force at that instant is to be, and it runs or stands as before."""
        at_s = min(self.end_s, max(0.0, to_s))
        if self._since_s is not None:
            self._since_s = now_s
        self._at_s = at_s
        self._next = bisect_left(self._instants, at_s)
        self._wanted = frozenset(self._due_at(at_s))

    def hold(self, faults: frozenset[int], now_s: float) -> None:
        """Let it stand, and have these faults in force whatever its place says."""
        self.pause(now_s)
        self._wanted = faults

    def change_beside(self, now_s: float, by: int) -> float:
        """The instant at which faults come or go next (`by` 1), or did last (-1); else an end."""
        at_s = self.at(now_s)
        if by > 0:
            k = bisect_right(self.changes_s, at_s)
            return self.changes_s[k] if k < len(self.changes_s) else self.end_s
        k = bisect_left(self.changes_s, at_s)
        return self.changes_s[k - 1] if k > 0 else 0.0

    def due(self, now_s: float) -> list[Step]:
        """What is to be done by now, in order; a second call doesn't give it again."""
        at_s = self.at(now_s)
        steps: list[Step] = []
        if self._wanted is not None:
            lifted, applied = self.in_force - self._wanted, self._wanted - self.in_force
            steps += [Lift(at_s=at_s, fault=fault) for fault in sorted(lifted)]
            steps += [Apply(at_s=at_s, fault=fault) for fault in sorted(applied)]
            self._wanted = None
        if self._since_s is not None:
            last = bisect_right(self._instants, at_s)
            steps += self._steps[self._next : last]
            self._next = max(self._next, last)
        return steps

    def next_due_in_s(self, now_s: float) -> float | None:
        """How long there is nothing to do, if nobody touches it; None for ever."""
        if self._wanted is not None:
            return 0.0
        if not self.runs(now_s):
            return None
        upcoming = self._instants[self._next : self._next + 1]
        return max(0.0, min([*upcoming, self.end_s]) - self.at(now_s))

    def _due_at(self, at_s: float) -> set[int]:
        """The faults that the timeline has in force at an instant."""
        found: set[int] = set()
        for step in self._steps[: bisect_right(self._instants, at_s)]:
            if isinstance(step, Apply):
                found.add(step.fault)
            elif isinstance(step, Lift):
                found.discard(step.fault)
        return found
