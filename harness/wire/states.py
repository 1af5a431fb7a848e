"""What the acceptor works with: states that a breaker may be in, and what came of the events."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Literal, NamedTuple

from harness.frozen import Frozen
from harness.policy.counting import Told
from harness.wire.attempts import Attempt
from harness.wire.demand import Asked
from harness.wire.stories import Change, Story, merged

Kind = Literal["closed", "open", "half_open", "any"]
Wrong = Literal["while open", "two probes", "turned away", "no probe"]
NEVER = float("-inf")


class State(NamedTuple):
    """One state that the breaker may be in."""

    kind: Kind
    since_s: float
    """When it began at the latest; while half open, when it had opened."""
    from_s: float
    """The same at the earliest: whoever ended an attempt may have heard of it before its last byte
    was seen to pass."""
    seen: Hashable = None
    """The state of its rule, while closed."""
    probes: frozenset[int] = frozenset()
    """Attempts that it has let through while half open and that are still under way."""
    tried: tuple[Told, ...] = ()
    """While half open: of each trial that is over, whether it failed."""
    openings: int = 0
    """How often it has opened since it was last closed, as far as its wait tells that apart."""
    freed_s: float = NEVER
    """When its slot for a probe was last taken or given back (B1: 429): those who asked before may
    be turned away."""
    told: frozenset[int] = frozenset()
    """Attempts whose end has been taken into account ahead of its turn."""
    stuck: bool = False
    again: bool = False
    """While open: whether its wait has begun anew, so that it was open before `since_s`, too."""

    # As `_replace` has it, in a third of its time: each event asks for it, of each state.

    def having(self, attempt: int) -> State:
        """The same, with one more attempt's end taken into account ahead of its turn."""
        return self._with_told(self.told | {attempt})

    def without(self, attempt: int) -> State:
        """The same, once the turn of such an attempt has come."""
        return self._with_told(self.told - {attempt})

    def counting(self, seen: Hashable) -> State:
        """The same with another state of its rule."""
        return State(self.kind, self.since_s, self.from_s, seen, *self[4:])

    def _with_told(self, told: frozenset[int]) -> State:
        return State(*self[:8], told, *self[9:])


States = dict[State, tuple[Story, ...]]
"""All states that it may be in, each with the stories that led there."""


def add(states: States, state: State, stories: tuple[Story, ...]) -> None:
    """Add a state, or its stories to those of a state that is there."""
    known = states.get(state)
    states[state] = stories if known is None or known is stories else merged((*known, *stories))


class Refutation(Frozen):
    """The event that no breaker with these rules explains."""

    wrong: Wrong
    at_s: float
    state_s: float
    """Since when the breaker was in the state that the event contradicts."""
    until_s: float
    """When a probe would have been due; for `two probes`, when the first one ended."""
    attempt: Attempt | None = None
    asked: Asked | None = None


class Reading(Frozen, kw_only=True):
    """What the acceptor made of one upstream."""

    stories: tuple[Story, ...]
    """All ways in which it may have changed, each as its last change; up to the refutation."""
    events: int = 0
    """How many events it was held against."""
    unexplained: tuple[Refutation, ...] = ()
    """The events that no breaker with its rules explains: the first one, or all where it was
    forgiving."""
    lost_track: bool = False
    """Whether for some time any state would have done."""

    @property
    def refutation(self) -> Refutation | None:
        """The first event that it doesn't explain."""
        return self.unexplained[0] if self.unexplained else None

    @property
    def explains_all(self) -> bool:
        """Whether no event is left unexplained, nor ever any state would have done."""
        return not self.unexplained and not self.lost_track

    @property
    def changes(self) -> tuple[tuple[Change, ...], ...]:
        """The same as lists of changes, the first one first."""
        return tuple(story.changes() for story in self.stories)
