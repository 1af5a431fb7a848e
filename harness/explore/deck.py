"""What to aim at next: every story on every upstream, in its plainest form, before any comes again.

How soon a mistake is met must not hang on which examples a version of hypothesis likes to draw
first. So hypothesis draws the details of an outage only; where it strikes comes from this deck.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random

from harness.contracts import Contract
from harness.explore.stories import Story, stories_of
from harness.frozen import Frozen

_PLAINEST = 1
"""Hypothesis begins with the plainest example: the only one of an aim's first turn."""
_VARIED = 4
"""Later it comes first again (and isn't played twice); the others vary it. More of them would be
mutations of each other."""


class Aim(Frozen, kw_only=True):
    """One story on one upstream."""

    upstream: str
    story: Story
    examples: int = _VARIED
    """How many outages to draw before the next aim's turn; 1 or more."""


def aims(
    contract: Contract, upstreams: Sequence[str], *, seed: int, part: int = 0, parts: int = 1
) -> Iterator[Aim]:
    """Aims without end, in an order that hangs on the seed alone.

    `part` of `parts`: which share of the plainest outages falls to this hunt, counted from 0, where
    several work side by side; later turns are everybody's.
    """
    chance = Random(seed)
    pairs = [
        (upstream, story) for upstream in upstreams for story in stories_of(contract, upstream)
    ]
    first = list(dict.fromkeys(pairs))[part::parts]
    chance.shuffle(first)
    for upstream, story in first:
        yield Aim(upstream=upstream, story=story, examples=_PLAINEST)
    while True:
        chance.shuffle(pairs)
        for upstream, story in pairs:
            yield Aim(upstream=upstream, story=story)
