"""A share in which calls count as soon as they begin (opossum's, gobreaker's `Requests`).

How many are under way when a failure comes, results don't tell: a call that was made and never
reached its upstream counts, too. There are never more than requests that were not answered yet. So
a failure must open it with which the share is reached however many of these there were; any other
may. Once it has opened, any may, and none need: opossum goes on counting what it turned away.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from harness.policy.counting import Told
from harness.policy.rules import EITHER, ONLY, Around, Rival, UnderWay
from harness.policy.thresholds import Never

_State = tuple[Any, bool, bool]


class CountsBegun(Around):
    """A share, given as if calls counted when they end; results alone don't tell when it opens."""

    @property
    def begin(self) -> _State:
        """The share's, that no failure has just come, and that it has not been open."""
        return self.rule.begin, False, True

    @property
    def anew(self) -> _State:
        """As in the beginning, but that it has been open."""
        return self.rule.begin, False, False

    def after(self, state: _State, failed: Told, at_s: float) -> _State:
        """The share's, and whether that was a failure."""
        return self.rule.after(state[0], failed, at_s), bool(failed), state[2]

    def possible(self, state: _State, failed: Told, at_s: float, mixed: int) -> tuple[_State, ...]:
        """Whatever the share's may be."""
        each = self.rule.possible(state[0], failed, at_s, mixed)
        return tuple((one, bool(failed), state[2]) for one in each)

    def opens(self, state: _State) -> bool:
        """As the share does with nothing under way."""
        return self.rule.opens(state[0])

    def may_open(self, state: _State, slack_s: float) -> frozenset[bool]:
        """After a failure either."""
        return EITHER if state[1] else ONLY[False]

    @property
    def heeds_begun(self) -> bool:
        """What has begun counts."""
        return True

    def may_open_beside(
        self, state: _State, slack_s: float, others: UnderWay | None
    ) -> frozenset[bool]:
        """It must where the share is reached whatever was under way."""
        share, failed, first = state
        known = others if failed and first else None
        must = known is not None and self.rule.surely_reached(share, slack_s, known)
        return ONLY[True] if must else self.may_open(state, slack_s)

    def rests(self, state: _State) -> bool:
        """Where the share does."""
        return self.rule.rests(state[0])

    @property
    def untold(self) -> str:
        """What they don't tell."""
        return "calls under way count in its share, and how many these are isn't played"

    @property
    def says(self) -> str:
        """`50% failures of the last 10s, calls under way counted`."""
        return f"{self.rule.says}, calls under way counted"

    def rivals(self, attempts: int) -> Iterator[Rival]:
        """None that opens it earlier, as it may open at any failure: a larger share, none."""
        yield "never opens", Never()
        for words, other in self.rule.rivals(attempts):
            if isinstance(other, type(self.rule)):
                yield words, CountsBegun(other)
