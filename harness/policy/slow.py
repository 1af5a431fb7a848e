"""Breakers that open by a share of slow results, too, be these failures or not (resilience4j's).

Slow results are told to a rule and to trials by `counting.Told`.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

from harness.policy.counting import FAILED, SLOW, Told
from harness.policy.rules import Rival, Rule
from harness.policy.thresholds import Never
from harness.policy.trials import ByShare, Verdict

_State = tuple[Any, Any]


class OrSlow(Rule):
    """Opens where failures open it by one rule, or slow results by another."""

    plain: Rule
    """Of failures."""
    slow: Rule
    """Of slow results, in place of failures."""

    @property
    def begin(self) -> _State:
        """Of each."""
        return self.plain.begin, self.slow.begin

    def after(self, state: _State, failed: Told, at_s: float) -> _State:
        """Each hears what it counts."""
        plain, slow = state
        return (
            self.plain.after(plain, failed & FAILED, at_s),
            self.slow.after(slow, (failed & SLOW) // SLOW, at_s),
        )

    def opens(self, state: _State) -> bool:
        """Whether either does."""
        return self.plain.opens(state[0]) or self.slow.opens(state[1])

    def possible(self, state: _State, failed: Told, at_s: float, mixed: int) -> tuple[_State, ...]:
        """Whatever each may be."""
        return tuple(
            product(
                self.plain.possible(state[0], failed & FAILED, at_s, mixed),
                self.slow.possible(state[1], (failed & SLOW) // SLOW, at_s, mixed),
            )
        )

    def may_open(self, state: _State, slack_s: float) -> frozenset[bool]:
        """Whether either may."""
        both = product(
            self.plain.may_open(state[0], slack_s), self.slow.may_open(state[1], slack_s)
        )
        return frozenset(one or other for one, other in both)

    def rests(self, state: _State) -> bool:
        """Where both do."""
        return self.plain.rests(state[0]) and self.slow.rests(state[1])

    @property
    def failures(self) -> int:
        """As without slow results."""
        return self.plain.failures

    @property
    def reach(self) -> tuple[int | None, float | None]:
        """As far as the rule of failures."""
        return self.plain.reach

    @property
    def says(self) -> str:
        """`50% failures of the last 20 results, or 80% slow ones`."""
        return f"{self.plain.says}, or at {self.slow.says.replace('failures', 'slow ones')}"

    @property
    def heavy(self) -> bool:
        """It keeps all results of a window twice."""
        return True

    def rivals(self, attempts: int) -> Iterator[Rival]:
        """No share of slow ones, and whatever else may be in place of the rule of failures."""
        yield "doesn't open by slow answers", OrSlow(self.plain, Never())
        for words, other in self.plain.rivals(attempts):
            yield words, OrSlow(other, self.slow)

    def variants(self) -> Iterator[tuple[Rival, ...]]:
        """Those of the rule of failures."""
        for alike in self.plain.variants():
            yield tuple((words, OrSlow(other, self.slow)) for words, other in alike)


class BySlowShare(ByShare):
    """So many trials judged together, by the share of failures and by that of slow ones."""

    slow_share: float
    """Over 0, up to 1: slow ones by trials, at which it opens again."""

    def verdict(self, results: tuple[Told, ...]) -> Verdict:
        """Nothing before all of them are in; then either share opens it."""
        verdicts = (
            ByShare.verdict(self, tuple(one & FAILED for one in results)),
            ByShare(self.trials, self.slow_share).verdict(
                tuple((one & SLOW) // SLOW for one in results)
            ),
        )
        return "opens" if "opens" in verdicts else verdicts[0]

    @property
    def says(self) -> str:
        """`2 trials at once, judged together: 50% failures or 80% slow ones open it again`."""
        plainly = ByShare(self.trials, self.share).says
        return plainly.replace("failures open", f"failures or {self.slow_share:.0%} slow ones open")
