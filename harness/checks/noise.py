"""How late the machine made things: the one place that judges lateness.

A run records how long its parts were kept waiting (`Waited`), and each request how late it left.
By so much anything seen meanwhile may have been later (`late_s`) than on a machine with nothing
else to do; with what any machine leaves open that is called slack. What is measured bounds what may
be excused; nothing here is a guess. All ask one question, how much was waited between two instants:
readings of the wire (`wire/sight.py`), excuses of a request (`excuses.py`), a second judgement with
patience (`patience.py`).

The waits of different parts add up, as a request passes through all of them in turn. What the
harness measures of itself in several ways is one lateness, and counts once; it meets a request once
for each turn of the harness's loop that the request takes.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from heapq import nlargest
from itertools import accumulate

from msgspec.structs import replace

from harness.checks.wording import seconds
from harness.frozen import Frozen
from harness.history.events import LOOP_PASSES, Waited
from harness.history.requests import Request
from harness.history.view import History

HARNESS = "harness"
WORTH_TELLING_S = 0.005
"""Requests that leave no later than this are on time."""
BURST_S = 1.0
"""Over how long waits are taken together when it is asked how bad they were at their worst."""
_TOUCHING_S = 0.001
_WHO = {
    "target": "the target",
    "stubs": "the stubs",
    "proxy": "the proxy",
    HARNESS: "the harness",
    "machine": "this machine",
}


class Wait(Frozen, kw_only=True):
    """One measured wait: `wait_s` in all, somewhere between `start_s` and `end_s`."""

    who: str
    how: str
    start_s: float
    end_s: float
    wait_s: float
    at_s: float
    """When it was over, or at its worst."""

    def __str__(self) -> str:
        """`the target waited 1.8s for a CPU at 12.3s`, to go into a sentence."""
        who, long, when = _WHO.get(self.who, self.who), seconds(self.wait_s), f"{self.at_s:.1f}s"
        match self.how:
            case "stopped":
                return f"{who} stood still for {long}, until {when}"
            case "late":
                return f"{who} came {long} late at {when}"
            case "sent late":
                return f"requests left {long} late at {when}"
            case "stolen":
                return f"{who}'s host took {long} of its CPUs at {when}"
            case "for the disk" | "for memory":
                return f"{who} waited up to {long} {self.how} at {when}"
            case _:
                return f"{who} waited {long} {self.how} at {when}"


class Noise:
    """What one history says of how late the machine made it. Never changes."""

    def __init__(self, history: History) -> None:
        self.waits: tuple[Wait, ...] = tuple(
            sorted((*_recorded(history), *_sent_late(history)), key=lambda wait: wait.end_s)
        )
        self._ends = [wait.end_s for wait in self.waits]
        found: dict[tuple[str, str], list[Wait]] = defaultdict(list)
        for wait in self.waits:
            found[wait.who, wait.how].append(wait)
        self._own = [
            _Worst(waits, LOOP_PASSES) if how == "late" else _Sums(waits)
            for (who, how), waits in found.items()
            if who == HARNESS
        ]
        self._others = [_Sums(waits) for (who, _), waits in found.items() if who != HARNESS]

    def late_s(self, start_s: float, end_s: float) -> float:
        """How late the machine may have made, in all, what went on from one instant to another.

        In seconds; 0 where nothing was late. A wait that reaches into the time counts whole, so for
        one instant (`late_s(t, t)`) this says how late what was seen then may have been.
        """
        own_s = 0.0
        for sums in self._own:  # asked for each request: mostly it was not late
            own_s = max(own_s, sums.between(start_s, end_s))
        return own_s + self.late_on_wire_s(start_s, end_s)

    @property
    def spared_wire(self) -> bool:
        """Whether nothing between the target and its upstreams was ever kept waiting."""
        return not self._others

    def late_on_wire_s(self, start_s: float, end_s: float) -> float:
        """The same for what went on between the target and its upstreams: the harness, which only
        asks the target and hears its answers, delays nothing there.
        """
        if self.spared_wire:
            return 0.0  # asked for each event
        return sum(sums.between(start_s, end_s) for sums in self._others)

    def explains(self, late_s: float, start_s: float, end_s: float) -> bool:
        """Whether waits from one instant to another can have made something so much later."""
        return late_s <= 0 or self.late_s(start_s, end_s) >= late_s

    def burst_s(self, start_s: float, end_s: float) -> float:
        """The most lateness within any one second of that time: short waits don't add up for ever.

        For what takes no fixed time (a start), of which no end says how late it is.
        """
        if end_s - start_s <= BURST_S:
            return self.late_s(start_s, end_s)
        last_s = end_s - BURST_S
        first = bisect_left(self._ends, start_s)
        # The worst second can be moved on until the first wait in it is about to drop out.
        starts = {start_s, last_s, *self._ends[first : bisect_right(self._ends, last_s)]}
        return max(self.late_s(at_s, at_s + BURST_S) for at_s in starts)

    @property
    def longest(self) -> Wait | None:
        """The longest single wait, of the play if there was one; None where nothing was late."""
        in_play = [wait for wait in self.waits if wait.end_s >= 0]
        return max(in_play or self.waits, key=lambda wait: wait.wait_s, default=None)

    def worst(self) -> str:
        """The longest wait in words, or that there was none."""
        return "nothing was kept waiting" if self.longest is None else str(self.longest)


class _Sums:
    """The waits of one part, by one measure, added up from either end."""

    def __init__(self, waits: Sequence[Wait]) -> None:
        self._ends = sorted((wait.end_s, wait.wait_s) for wait in waits)
        self._starts = sorted((wait.start_s, wait.wait_s) for wait in waits)
        self._by_end = _running(wait_s for _, wait_s in self._ends)
        self._by_start = _running(wait_s for _, wait_s in self._starts)

    def between(self, start_s: float, end_s: float) -> float:
        """What reaches into a time: all but what ended before it and what began after it."""
        before = self._by_end[bisect_left(self._ends, (start_s, -math.inf))]
        by_then = self._by_start[bisect_right(self._starts, (end_s, math.inf))]
        return round(max(0.0, by_then - before), 9)


class _Worst:
    """Waits one after another of which anything meets a few at the most, added up: the longest."""

    def __init__(self, waits: Sequence[Wait], most: int) -> None:
        self._waits_s = [wait.wait_s for wait in waits]
        self._ends = [wait.end_s for wait in waits]
        self._starts = sorted(wait.start_s for wait in waits)
        self._most = most

    def between(self, start_s: float, end_s: float) -> float:
        """What reaches into a time."""
        first, last = bisect_left(self._ends, start_s), bisect_right(self._starts, end_s)
        return sum(nlargest(self._most, self._waits_s[first:last]))


def _running(values: Iterable[float]) -> list[float]:
    return list(accumulate(values, initial=0.0))


def _recorded(history: History) -> Iterable[Wait]:
    """What the engine measured. A stop is seen again at each look: touching ones are one."""
    stops: dict[str, Wait] = {}
    for event in history.all(Waited):
        if not all(map(math.isfinite, (event.at_s, event.since_s, event.wait_s))):
            continue
        if event.wait_s <= 0 or event.since_s > event.at_s:
            continue
        wait = Wait(
            who=event.who,
            how=event.how,
            start_s=event.since_s,
            end_s=event.at_s,
            wait_s=event.wait_s,
            at_s=event.at_s,
        )
        if event.how != "stopped":
            yield wait
        elif (last := stops.get(event.who)) is None or wait.start_s > last.end_s + _TOUCHING_S:
            yield from () if last is None else (last,)
            stops[event.who] = wait
        else:
            stops[event.who] = _one(last, wait)
    yield from stops.values()


def _one(first: Wait, then: Wait) -> Wait:
    start_s, end_s = min(first.start_s, then.start_s), max(first.end_s, then.end_s)
    return replace(first, start_s=start_s, end_s=end_s, at_s=end_s, wait_s=end_s - start_s)


def _sent_late(history: History) -> Iterable[Wait]:
    """Requests left late: the harness's own clock says so, whatever else was measured of it.

    Those that should have left while another was late are late together, each by no more than the
    latest of them: that counts once.
    """
    together: list[Request] = []
    end_s = -math.inf
    for request in history.requests:  # by planned instant
        if not math.isfinite(request.at_s - request.planned_s):
            continue
        if request.planned_s > end_s:
            yield from _late_together(together)
            together = []
        together.append(request)
        end_s = max(end_s, request.at_s)
    yield from _late_together(together)


def _late_together(together: Sequence[Request]) -> Iterable[Wait]:
    latest = max(together, key=lambda sent: sent.at_s - sent.planned_s, default=None)
    if latest is not None and latest.at_s - latest.planned_s > WORTH_TELLING_S:
        yield Wait(
            who=HARNESS,
            how="sent late",
            start_s=together[0].planned_s,
            end_s=max(sent.at_s for sent in together),
            wait_s=latest.at_s - latest.planned_s,
            at_s=latest.at_s,
        )
