"""The rule of a breaker that nobody knows: it may open after any failure, and need never."""

from __future__ import annotations

from harness.policy.counting import Told
from harness.policy.rules import EITHER, ONLY, Rule


class Anytime(Rule):
    """Any failure may open it, and none need: for who doesn't know the rule."""

    @property
    def begin(self) -> bool:
        """Its state says whether a failure has just come."""
        return False

    def after(self, state: bool, failed: Told, at_s: float) -> bool:
        """Whether that was a failure."""
        return bool(failed)

    def opens(self, state: bool) -> bool:
        """As soon as it may."""
        return state

    def may_open(self, state: bool, slack_s: float) -> frozenset[bool]:
        """After a failure either."""
        return EITHER if state else ONLY[False]

    def rests(self, state: bool) -> bool:
        """Where no failure has just come."""
        return not state

    @property
    def failures(self) -> int:
        """The first may."""
        return 1

    @property
    def says(self) -> str:
        """`any failure`."""
        return "any failure"
