"""What an exploration aims at: everything once in its plainest form, then all of it varied."""

from __future__ import annotations

from itertools import islice

import pytest

from harness.contracts import document
from harness.explore.deck import Aim, aims
from harness.explore.stories import stories_of

UPSTREAMS = ("auth", "billing", "git")
PAIRS = {(upstream, story) for upstream in UPSTREAMS for story in stories_of(document(), upstream)}


def pairs(drawn: list[Aim]) -> list[tuple[str, object]]:
    return [(aim.upstream, aim.story) for aim in drawn]


def test_every_story_strikes_every_upstream_once_before_any_is_varied() -> None:
    plainest = list(islice(aims(document(), UPSTREAMS, seed=7), len(PAIRS)))
    assert {aim.examples for aim in plainest} == {1}
    assert len(plainest) == len(set(pairs(plainest)))
    assert set(pairs(plainest)) == PAIRS


def test_then_all_of_them_come_again_with_more_examples() -> None:
    turn = sum(len(stories_of(document(), upstream)) for upstream in UPSTREAMS)
    varied = list(islice(aims(document(), UPSTREAMS, seed=7), len(PAIRS), len(PAIRS) + turn))
    assert all(aim.examples > 1 for aim in varied)
    assert set(pairs(varied)) == PAIRS


@pytest.mark.parametrize("parts", [2, 3])
def test_hunts_side_by_side_share_the_plainest_outages_whatever_their_seeds(parts: int) -> None:
    shares: list[list[tuple[str, object]]] = []
    for part in range(parts):
        stream = aims(document(), UPSTREAMS, seed=part * 11, part=part, parts=parts)
        share: list[Aim] = []
        while (aim := next(stream)).examples == 1:
            share.append(aim)
        shares.append(pairs(share))
    together = [pair for share in shares for pair in share]
    assert len(together) == len(PAIRS)
    assert set(together) == PAIRS


def test_the_seed_alone_decides_the_order() -> None:
    first, again, other = (
        pairs(list(islice(aims(document(), UPSTREAMS, seed=s), 200))) for s in (1, 1, 2)
    )
    assert first == again
    assert first != other
