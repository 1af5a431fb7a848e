"""How a breaker may have changed: a chain of changes, each with the earliest and latest instant.

Chains share their beginnings, so that a long history costs what its changes cost.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from harness.frozen import Frozen
from harness.policy.waits import EITHER_S, Wait

_MOST = 6
"""More stories than that of one state are told as the first of them, which say so."""


ONE_OF_SEVERAL = -1


class Change(Frozen):
    """One change of state. `any` stands for a time in which nothing could be seen."""

    kind: str
    low_s: float
    high_s: float
    attempt: int | None
    """The attempt that brought it about; None where it was not seen, `ONE_OF_SEVERAL` where it was
    one of several that were."""


def due_s(story: Sequence[Change], at: int, wait: Wait) -> float:
    """When an opening, the change `at` of a story, may be followed by a trial at the earliest; at
    once after another trial, which may have said nothing and given its place back.
    """
    opening = story[at]
    if at > 0 and story[at - 1].kind == "half_open":
        return opening.low_s
    return opening.low_s + wait.wait_s(1) - EITHER_S


@dataclass(frozen=True, slots=True)
class Story:
    """One way in which it may have changed, by its last change."""

    last: Change | None
    before: Story | None
    length: int
    among: bool = False
    """Whether it stands for others, too, that lead to the same state and are not told."""
    _met: tuple[Story, Story] | None = field(default=None, init=False, repr=False, compare=False)
    """The last story that it was made one with, and that one: two that go on side by side meet at
    each event, and what was before their last changes has met already."""

    def then(self, change: Change) -> Story:
        """The same, and one more change."""
        return Story(change, self, self.length + 1, self.among)

    @property
    def at_s(self) -> float:
        """When it last changed, at the earliest; 0 for never."""
        return 0.0 if self.last is None else self.last.low_s

    def changes(self) -> tuple[Change, ...]:
        """All changes, the first one first."""
        found: list[Change] = []
        story: Story | None = self
        while story is not None and story.last is not None:
            found.append(story.last)
            story = story.before
        return tuple(reversed(found))


START = Story(None, None, 0)
"""Closed since before 0s."""


Stories = tuple[Story, ...]
"""Ways that lead to one state."""


def merged(stories: Iterable[Story]) -> tuple[Story, ...]:
    """The same stories, those of the same changes as one whose instants cover them all."""
    found: list[Story] = []
    for story in stories:
        for index, known in enumerate(found):
            both = _both(known, story)
            if both is not None:
                found[index] = both
                break
        else:
            found.append(story)
    if len(found) > _MOST:
        found[_MOST - 1] = replace(found[_MOST - 1], among=True)
    return tuple(found[:_MOST])


def _both(one: Story, other: Story) -> Story | None:
    """One story for two of the same kinds of change in the same order; None for others."""
    if one is other:
        return one
    if one.length != other.length:
        return None
    apart: list[tuple[Story, Story]] = []
    a, b = one, other
    while a is not b and (a._met is None or a._met[0] is not b):
        if a.last is None or b.last is None or a.before is None or b.before is None:
            return None
        if a.last.kind != b.last.kind:
            return None
        apart.append((a, b))
        a, b = a.before, b.before
    both = a if a._met is None or a is b else a._met[1]
    for a, b in reversed(apart):
        both = _covering(a, b, both)
        object.__setattr__(a, "_met", (b, both))
    among = one.among or other.among
    return both if both.among is among else replace(both, among=among)


def _covering(one: Story, other: Story, before: Story) -> Story:
    """One story whose last change covers those of both."""
    mine, theirs = one.last, other.last
    assert mine is not None
    assert theirs is not None
    attempt = mine.attempt
    if attempt != theirs.attempt:
        attempt = None if None in (attempt, theirs.attempt) else ONE_OF_SEVERAL
    low_s, high_s = min(mine.low_s, theirs.low_s), max(mine.high_s, theirs.high_s)
    same = (low_s, high_s, attempt) == (mine.low_s, mine.high_s, mine.attempt)
    if same and before is one.before:
        return one
    return before.then(mine if same else Change(mine.kind, low_s, high_s, attempt))


def with_change(stories: Stories, change: Change | None) -> Stories:
    """The same stories, and one more change of each where there is one."""
    return stories if change is None else tuple(story.then(change) for story in stories)
