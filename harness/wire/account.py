"""What a target says of its own breaker: its status endpoint, else its log.

It narrows what the wire leaves open; where it contradicts the wire, that is a conflict.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence

from msgspec.structs import replace

from harness.frozen import Frozen
from harness.history.view import History
from harness.policy.waits import Wait
from harness.wire.stories import Change, Story, due_s

_LOGGED_LATE_S = 0.1
"""How long after a change its log line may be read."""
_CONFLICT_S = 0.5
"""So late a status endpoint may show a change and not be at odds with the wire."""


class Said(Frozen):
    """One state that the target reported, for as long as it was seen to report it."""

    state: str
    since_s: float
    """The last look that still showed another state."""
    from_s: float
    """When the first look that showed it was answered."""
    to_s: float
    """When the last one that did was asked: before `from_s` where that is the same look."""

    def meets(self, low_s: float, high_s: float) -> tuple[float, float] | None:
        """When it surely was shown within that time; None where it need not have been."""
        if self.to_s < self.from_s:  # at an instant between
            return (self.from_s,) * 2 if low_s < self.to_s and self.from_s <= high_s else None
        start_s, end_s = max(self.from_s, low_s), min(self.to_s, high_s)
        return (start_s, end_s) if start_s <= end_s else None


class Account:
    """What the target says of its own breaker: its status endpoint, else its log."""

    def __init__(
        self,
        history: History,
        upstream: str,
        late_s: Callable[[float], float] = lambda at_s: 0.0,
        wait: Wait | None = None,
    ) -> None:
        """`late_s`: how late a look at an instant may have come: a state then lasted for less.
        `wait`: how long it stays open, where that is known.
        """
        reported = history.reported(upstream)
        next_s = (event.since_s for event in reported[1:])
        ends = [
            event.since_s if event.once else end_s
            for event, end_s in zip(reported, (*next_s, history.end_s), strict=False)
        ]
        self.said = tuple(
            Said(
                e.state,
                e.since_s - late_s(e.since_s),
                e.at_s + late_s(e.at_s),
                end_s - late_s(end_s),
            )
            for e, end_s in zip(reported, ends, strict=False)
            if end_s >= 0
        )
        self._upstream = upstream
        self._wait = wait
        hit = {name for fault in history.faults for name in fault.upstreams}
        # A pattern that does not say whose breaker it was speaks of the only one that was hit.
        whose = {upstream, None} if hit == {upstream} else {upstream}
        self._opened_s = tuple(
            e.at_s for e in history.logged("opened") if e.at_s >= 0 and e.upstream in whose
        )

    @property
    def source(self) -> str:
        """Who says so."""
        return "the status endpoint" if self.said else "the target's log"

    def agrees(self, story: Story, slack_s: float) -> bool:
        """Whether a story fits what was reported, but for short differences."""
        return next(self.conflicts(story.changes(), slack_s), None) is None

    def narrowed(self, change: Change, slack_s: float) -> Change | None:
        """A change within what was reported of it; None where nothing was."""
        for low_s, high_s in self._instants(change.kind):
            low_s, high_s = max(change.low_s, low_s), min(change.high_s, high_s)
            if low_s <= high_s + slack_s and change.high_s - change.low_s > slack_s:
                return replace(change, low_s=min(low_s, high_s), high_s=max(low_s, high_s))
        return None

    def _instants(self, kind: str) -> Iterator[tuple[float, float]]:
        for said in self.said:
            # One that is half open may have opened long before; one look alone tells no change.
            if said.state == kind and said.since_s < said.to_s:
                yield said.since_s, said.from_s
        if not self.said and kind == "open":
            for at_s in self._opened_s:
                yield at_s - _LOGGED_LATE_S, at_s

    def conflicts(
        self, story: Sequence[Change], slack_s: float, begun_s: Sequence[float] | None = None
    ) -> Iterator[str]:
        """Where what was reported can't be what a story says, in words.

        `begun_s`: when attempts were let through; then one that is told to be open surely is closed
        only where one of these was.
        """
        for said in self.said:
            for state, low_s, high_s in self._spells(story, said.state):
                shown = said.meets(low_s + slack_s + _CONFLICT_S, high_s - slack_s)
                if shown is not None and not _alike(said.state, state):
                    start_s, end_s = shown
                    if begun_s is not None and state == "closed":
                        first = bisect_left(begun_s, start_s)
                        if first == bisect_left(begun_s, end_s):
                            continue
                    when = f"{start_s:.2f}..{end_s:.2f}" if end_s > start_s else f"{end_s:.2f}"
                    yield (
                        f"the status endpoint shows {self._upstream} {said.state} at {when} s, "
                        f"when it was {_NOT_YET.get(state, state)} on the wire"
                    )

    def _spells(self, story: Sequence[Change], said: str) -> Iterator[tuple[str, float, float]]:
        """When it surely was in each state; to who says half open, a wait surely not over is
        one of its own.
        """
        until_s = [*(change.low_s for change in story), math.inf]
        yield "closed", 0.0, until_s[0]
        for at, change in enumerate(story):
            since_s, end_s = change.high_s, until_s[at + 1]
            if change.kind == "open" and said == "half_open" and self._wait is not None:
                waits_s = min(due_s(story, at, self._wait), end_s)
                yield "waiting", since_s, waits_s
                since_s = max(since_s, waits_s)
            if change.kind != "any":
                yield change.kind, since_s, end_s


_NOT_YET = {"waiting": "open, and its wait not over,"}


def _alike(said: str, state: str) -> bool:
    """Whether a reported state may be the wire's: half open is open to some until a probe comes."""
    return said == state or {said, state} == {"open", "half_open"}
