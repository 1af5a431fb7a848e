"""The rule of a breaker that nobody knows: it may open after any failure, and need never."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from harness.policy.counting import Told
from harness.policy.rules import EITHER, ONLY, Rival


class Undeclared:
    """What rules have in common that nobody declares, so that nothing is told from them."""

    __slots__ = ()

    @property
    def heavy(self) -> bool:
        """Its states are few and small."""
        return False

    def rivals(self, attempts: int) -> Iterator[Rival]:
        """Nothing is ruled out."""
        yield from ()

    def variants(self) -> Iterator[tuple[Rival, ...]]:
        """Nothing is ruled out."""
        yield from ()


@dataclass(frozen=True, slots=True)
class Anytime(Undeclared):
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

    def possible(self, state: bool, failed: Told, at_s: float, mixed: int) -> tuple[bool, ...]:
        """Whether that was a failure."""
        return (bool(failed),)

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
    def reach(self) -> tuple[int | None, float | None]:
        """It looks at nothing."""
        return None, None

    @property
    def says(self) -> str:
        """`any failure`."""
        return "any failure"
