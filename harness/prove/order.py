"""Which defect is tried next: the one that is likely to fail most of what is still open.

A defect is tried for an expectation if both name a claim. Best is one that has failed what demands
the same elsewhere in this run; then one that the scenario is known to fail; then one that breaks
little beyond the claims in question.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

from msgspec import Struct, field

from harness.prove.variants import Defective
from harness.scenario.expectations import ExpectationBase
from harness.scenario.model import Scenario

_NAMED, _OTHER = 0.5, 0.1
"""How likely a defect is thought to fail what it was never tried on: in a scenario that is known to
fail it, and in any other; times the share of its claims that are in question.
"""

Kind = tuple[str, str]
"""A form of expectation and what it demands, wherever."""


def kind_of(expectation: ExpectationBase) -> Kind:
    """What an expectation has in common with others that the same defects fail."""
    return type(expectation).__name__, expectation.demand


class Order(Struct):
    """All defects, and how they have fared so far."""

    defects: Sequence[Defective]
    _failed: Counter[tuple[Kind, str]] = field(default_factory=Counter)
    _tried: Counter[tuple[Kind, str]] = field(default_factory=Counter)

    def following(
        self,
        scenario: Scenario,
        questions: Mapping[int, Collection[str]],
        tried: Collection[str],
        known_only: Collection[int] = (),
    ) -> Defective | None:
        """The next one for a scenario; None where nothing is left to try.

        `questions`: the expectations that are open, by index, with their claims. For those in
        `known_only` no more are tried but such as the scenario is known to fail.
        """

        def hope(defect: Defective) -> float:
            """How many of them it is expected to fail."""
            named = scenario.name in defect.scenarios
            return sum(
                self._chance(defect, scenario, index, claims)
                for index, claims in questions.items()
                if named or index not in known_only
            )

        left = [each for each in self.defects if each.id not in tried]
        best = max(left, key=hope, default=None)
        return best if best is not None and hope(best) > 0 else None

    def _chance(
        self, defect: Defective, scenario: Scenario, index: int, claims: Collection[str]
    ) -> float:
        if not may_break(defect, claims):
            return 0.0
        share = len(defect.claims & set(claims)) / len(defect.claims) if defect.claims else 0.5
        chance = (_NAMED if scenario.name in defect.scenarios else _OTHER) * share
        alike = kind_of(scenario.expect[index]), defect.id
        # As if what it was thought of had been seen once.
        return (self._failed[alike] + chance) / (self._tried[alike] + 1)

    def learn(
        self, defect: Defective, scenario: Scenario, tried: Iterable[int], failed: Collection[int]
    ) -> None:
        """Which of a scenario's expectations it was tried on, and which of them it failed."""
        for index in tried:
            alike = kind_of(scenario.expect[index]), defect.id
            self._tried[alike] += 1
            self._failed[alike] += index in failed


def may_break(defect: Defective, claims: Collection[str]) -> bool:
    """Whether it breaks one of these claims, or may: of some nobody says what they break."""
    return not defect.claims or not defect.claims.isdisjoint(claims)
