"""A share in which calls count as soon as they begin (opossum's, gobreaker's `Requests`).

How many are under way when a failure comes, results don't tell: a call that was made and never
reached its upstream counts, too. So what such a share says is kept for words and aims, and nobody
is held to when it opens: any failure may, and none need.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from harness.policy.counting import Told
from harness.policy.rules import EITHER, ONLY, Around, Rival

_State = tuple[Any, bool]


@dataclass(frozen=True, slots=True)
class CountsBegun(Around):
    """A share, given as if calls counted when they end; results alone don't tell when it opens."""

    @property
    def begin(self) -> _State:
        """The share's, and that no failure has just come."""
        return self.rule.begin, False

    def after(self, state: _State, failed: Told, at_s: float) -> _State:
        """The share's, and whether that was a failure."""
        return self.rule.after(state[0], failed, at_s), bool(failed)

    def possible(self, state: _State, failed: Told, at_s: float, mixed: int) -> tuple[_State, ...]:
        """Whatever the share's may be."""
        each = self.rule.possible(state[0], failed, at_s, mixed)
        return tuple((one, bool(failed)) for one in each)

    def opens(self, state: _State) -> bool:
        """As the share does with nothing under way."""
        return self.rule.opens(state[0])

    def may_open(self, state: _State, slack_s: float) -> frozenset[bool]:
        """After a failure either."""
        return EITHER if state[1] else ONLY[False]

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
        """None: what may open it at any time explains whatever opens it otherwise."""
        yield from ()
