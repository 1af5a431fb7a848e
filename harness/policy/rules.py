"""When results open a breaker: what every rule can be asked.

A rule is asked with its state, which begins as `begin` and is `after` each result that counts; a
state is a hashable value. What is neutral is never told. The rules that people run, with their
libraries, are told in docs/contracts.md: `thresholds` has those that count failures, `among` those
that count them in a window, `shares` those that look at a share.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Hashable, Iterator
from typing import Any, NamedTuple

from harness.frozen import Abstract, Frozen
from harness.policy.counting import Told

State = Hashable
Rival = tuple[str, "Rule"]
"""Another rule, and what a gateway with it does, to follow "it behaves as one that"."""
ONLY = (frozenset({False}), frozenset({True}))
EITHER = frozenset({False, True})
"""What may be, for who doesn't know: only the one, only the other, or either."""


class UnderWay(NamedTuple):
    """What is known of other calls when a result comes in."""

    most: int
    """So many of them, at the most, had begun and were not over."""
    longest_s: float
    """None took longer, in seconds."""


class Rule(Frozen, metaclass=Abstract):
    """When results open a breaker."""

    @property
    @abstractmethod
    def begin(self) -> Any:
        """The state of a breaker that has seen nothing."""

    @abstractmethod
    def after(self, state: Any, failed: Told, at_s: float) -> Any:
        """The state after a result at an instant; results come in the order of their instants."""

    @abstractmethod
    def opens(self, state: Any) -> bool:
        """Whether a breaker opens in that state, which a result has just made."""

    @abstractmethod
    def rests(self, state: Any) -> bool:
        """Whether successes change nothing of that state, whenever they come."""

    @property
    @abstractmethod
    def failures(self) -> int:
        """How many failures open it where nothing else came before."""

    @property
    @abstractmethod
    def says(self) -> str:
        """What opens it, in words: `5 failures in a row`."""

    # What most of them have in common

    def possible(self, state: Any, failed: Told, at_s: float, mixed: int) -> tuple[Any, ...]:
        """All states after a result, where `mixed` others of the opposite kind ended too near to
        it to say which was first: that after it, where their order doesn't matter, or is left to
        `may_open`.
        """
        return (self.after(state, failed, at_s),)

    def may_open(self, state: Any, slack_s: float) -> frozenset[bool]:
        """Whether it opens, for who knows instants within a slack only: all that it may do. Where
        instants don't matter, that is what it does.
        """
        return ONLY[self.opens(state)]

    @property
    def anew(self) -> Any:
        """The state of one that has just closed: nothing of before counts."""
        return self.begin

    @property
    def heeds_begun(self) -> bool:
        """Whether it matters to it what else was under way (`may_open_beside`)."""
        return False

    def may_open_beside(
        self, state: Any, slack_s: float, others: UnderWay | None
    ) -> frozenset[bool]:
        """The same where calls count as they begin; `others`: None where nobody knows of them."""
        return self.may_open(state, slack_s)

    @property
    def reach(self) -> tuple[int | None, float | None]:
        """How many results back it looks, and how many seconds; None for what doesn't bound it."""
        return None, None

    def surely_reached(self, state: Any, slack_s: float, others: UnderWay) -> bool:
        """Whether it opens however many others count that are under way; False if that isn't
        known.
        """
        return False

    @property
    def untold(self) -> str:
        """Why results alone don't tell when it opens, in words; empty where they do."""
        return ""

    @property
    def heavy(self) -> bool:
        """Whether its states are many and large, so that not every rival can be tried."""
        return False

    def rivals(self, attempts: int) -> Iterator[Rival]:
        """The same rule with other numbers, the likeliest first; `attempts` are a call's. None of
        what nobody declares, from which nothing is told.
        """
        yield from ()

    def variants(self) -> Iterator[tuple[Rival, ...]]:
        """Other rules that are taken for this one, alike ones together."""
        yield from ()


class Around(Rule):
    """Another rule, which one thing is different about; it looks as far, and costs as much."""

    rule: Rule

    @property
    def failures(self) -> int:
        """As many as the rule's."""
        return self.rule.failures

    @property
    def reach(self) -> tuple[int | None, float | None]:
        """As far as the rule's."""
        return self.rule.reach

    @property
    def heavy(self) -> bool:
        """As the rule is."""
        return self.rule.heavy


def failures_in_words(number: int) -> str:
    """`1 failure`, `5 failures`."""
    return "1 failure" if number == 1 else f"{number} failures"
