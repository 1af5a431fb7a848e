"""What a target's log says of one breaker, held against how it changed on the wire (B11).

A line is read when it is written or later, as logs are flushed late. So it is false only where what
it says was not so at any time before it was read, nor since what the lines before it say: the lines
of one log keep their order, but for what threads exchange of an instant. What a line may mean is
taken widely, as patterns are loose: one of `closed` may stand for a call that a closed breaker lets
through, one of `opened` for a rejection.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

from harness.frozen import Frozen
from harness.history.events import Logged
from harness.policy.waits import Wait
from harness.wire.stories import Change, due_s

MARKS = ("opened", "rejected", "half_open", "closed")
"""The marks of lines that say in which state a breaker is."""
_ORDER_S = 0.5
"""Lines that are read farther apart than this stand in the order of what they tell of."""
_BLOCK, _AT_ONCE_S = 4000, 0.01
"""So many characters of output within so short a time are a full buffer's."""
_STATES = {
    "opened": ("open", "half_open"),
    "rejected": ("open", "half_open"),
    "half_open": ("half_open", "due"),
    "closed": ("closed",),
}
"""The states in which a line of each mark may be written; `due`: open, and its wait is over."""


class Lie(Frozen):
    """The first line that can't be true, and why, in words that go on after `its log`."""

    line: Logged
    says: str


class _Spell(Frozen):
    """One state of a story: when it may have been in it, at the widest."""

    state: str
    low_s: float
    high_s: float
    due_s: float = math.inf
    """When an open one may be half open to some, as its wait is over."""

    def from_s(self, line: Logged) -> float:
        """From when on, at the earliest, a line is true of it; infinite for never."""
        states = {state for mark in line.marks for state in _STATES.get(mark, ())}
        if self.state in states or self.state == "any":
            return self.low_s
        return self.due_s if "due" in states else math.inf


class Diary:
    """The lines of a log that say in which state one breaker is."""

    def __init__(self, logs: Sequence[Logged], upstream: str, wait: Wait) -> None:
        """`logs`: all lines of the target's output, as they were read. `wait`: how long the breaker
        stays open.
        """
        told = [line for line in logs if not set(MARKS).isdisjoint(line.marks)]
        unclear = any(line.upstream is None for line in told) or _in_blocks(logs)
        self._lines = [line for line in told if line.upstream == upstream and not unclear]
        self._wait = wait

    def lie(
        self, story: Sequence[Change], slack_s: Callable[[float], float], *, whole: bool = True
    ) -> Lie | None:
        """The first line that can't be true if the breaker changed like this.

        `slack_s`: how far off its instants may be. `whole`: whether no line was left out.
        """
        spells = tuple(self._spells(story))
        places: list[int] = []
        for line, floor in self._with_floors(places):
            later = [(spell.from_s(line), at) for at, spell in enumerate(spells) if at >= floor]
            so_s, place = next((e for e in later if e[0] < math.inf), (math.inf, len(spells)))
            if so_s > line.at_s + slack_s(line.at_s):
                return Lie(line, _untrue(line, so_s, spells))
            places.append(place)
        return self._unsaid(places, slack_s, whole)

    def _with_floors(self, places: Sequence[int]) -> Iterator[tuple[Logged, int]]:
        """Each line, and the first state of a story that it may be about.

        `places`: those that the lines before it are about.
        """
        floor, surely = 0, 0
        for line in self._lines:
            while self._lines[surely].at_s < line.at_s - _ORDER_S:
                floor = max(floor, places[surely])
                surely += 1
            yield line, floor

    def _unsaid(
        self, places: Sequence[int], slack_s: Callable[[float], float], whole: bool
    ) -> Lie | None:
        """The first opening that is told late, or not at all, by a log that tells of openings."""
        opened: int | None = None
        away: Logged | None = None
        for line, place in zip(self._lines, places, strict=True):
            if "opened" in line.marks:
                if away is not None and line.at_s > away.at_s + _ORDER_S + slack_s(line.at_s):
                    return Lie(line, f"{_away(away)}, and only at {line.at_s:.2f} s that it opened")
                opened, away = place, None
            elif "closed" in line.marks and (opened is None or place > opened):
                opened = away = None
            elif "rejected" in line.marks and opened is None:
                away = away or line
        if away is None or not whole or not any("opened" in line.marks for line in self._lines):
            return None
        return Lie(away, f"{_away(away)}, and not that it had opened")

    def _spells(self, story: Sequence[Change]) -> Iterator[_Spell]:
        nexts = [*story, Change("end", math.inf, math.inf, None)]
        yield _Spell("closed", -math.inf, nexts[0].high_s)
        for at, change in enumerate(story):
            after, tried_s = nexts[at + 1], math.inf
            if change.kind == "open":
                tried_s = min(due_s(story, at, self._wait), after.low_s)
            yield _Spell(change.kind, change.low_s, after.high_s, tried_s)


def _in_blocks(logs: Sequence[Logged]) -> bool:
    """Whether lines seem to come from a buffer that is written when it is full: two streams of a
    process, of which one has such a buffer, keep no order among each other.
    """
    size, at_s = 0, -math.inf
    for line in logs:
        size = len(line.line) + (size if line.at_s - at_s < _AT_ONCE_S else 0)
        at_s = line.at_s
        if size >= _BLOCK:
            return True
    return False


def _untrue(line: Logged, so_s: float, spells: Sequence[_Spell]) -> str:
    mark = next(mark for mark in MARKS if mark in line.marks)
    now = [spell.state for spell in spells if spell.low_s <= line.at_s <= spell.high_s]
    was = " or ".join(dict.fromkeys(state.replace("_", " ") for state in now))
    later = "to the end" if math.isinf(so_s) else f"until {so_s:.2f} s at the earliest"
    return f"says {mark} at {line.at_s:.2f} s, when it was {was} on the wire, {later}"


def _away(line: Logged) -> str:
    return f"tells of a call that was turned away at {line.at_s:.2f} s"
