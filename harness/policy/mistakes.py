"""Rules that nobody declares: how windows of results are got wrong.

They stand among the rivals of the rules that they are taken for.
"""

from __future__ import annotations

from typing import Any

from harness.policy.counting import Told
from harness.policy.rules import Around, Rule
from harness.units import format_duration


class Deaf(Around):
    """A rule that is told of failures only, so that it takes them for all that there is."""

    @property
    def begin(self) -> Any:
        """As the rule's."""
        return self.rule.begin

    def after(self, state: Any, failed: Told, at_s: float) -> Any:
        """A success changes nothing."""
        return self.rule.after(state, failed, at_s) if failed else state

    def opens(self, state: Any) -> bool:
        """As the rule does."""
        return self.rule.opens(state)

    def possible(self, state: Any, failed: Told, at_s: float, mixed: int) -> tuple[Any, ...]:
        """A success changes nothing, and no order."""
        return self.rule.possible(state, failed, at_s, 0) if failed else (state,)

    def may_open(self, state: Any, slack_s: float) -> frozenset[bool]:
        """As the rule may."""
        return self.rule.may_open(state, slack_s)

    def rests(self, state: Any) -> bool:
        """Always: it hears of no success."""
        return True

    @property
    def says(self) -> str:
        """`50% failures of the last 20 results, of which successes are none`."""
        return f"{self.rule.says}, of which successes are none"


class Tumbling(Rule):
    """A share of failures in a window that is emptied as a whole, when it is full or over."""

    share: float
    """Over 0, up to 1: failures by results, at which it opens."""
    least: int
    """How many there must be before the share counts."""
    calls: int | None = None
    """How many results fill it; None where it is over by time."""
    seconds: float | None = None
    """How long it lasts from its first result on, in seconds."""

    @property
    def begin(self) -> tuple[float, int, int, bool]:
        """When it began, results, failures among them, and whether the newest is one."""
        return 0.0, 0, 0, False

    def after(
        self, state: tuple[float, int, int, bool], failed: Told, at_s: float
    ) -> tuple[float, int, int, bool]:
        """One result more, of this window or the next."""
        began_s, count, failures, _ = state
        full = self.calls is not None and count >= self.calls
        over = self.seconds is not None and at_s - began_s >= self.seconds
        if full or over or not count:
            return at_s, 1, int(bool(failed)), bool(failed)
        return began_s, count + 1, failures + bool(failed), bool(failed)

    def opens(self, state: tuple[float, int, int, bool]) -> bool:
        """Whether the newest result is a failure, and there are enough with it."""
        _, count, failures, failed = state
        return failed and count >= self.least and failures >= self.share * count - 1e-9

    def rests(self, state: tuple[float, int, int, bool]) -> bool:
        """Never: they fill its window."""
        return False

    @property
    def failures(self) -> int:
        """As many as there must be results."""
        return max(1, self.least)

    @property
    def reach(self) -> tuple[int | None, float | None]:
        """One window."""
        return self.calls, self.seconds

    @property
    def says(self) -> str:
        """`50% failures in a window of 10s that is emptied as a whole`."""
        span = f"{self.calls} results" if self.seconds is None else format_duration(self.seconds)
        return f"{self.share:.0%} failures in a window of {span} that is emptied as a whole"
