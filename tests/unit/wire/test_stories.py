"""Ways in which a breaker may have changed: those of the same changes are one."""

from __future__ import annotations

from harness.wire import stories
from harness.wire.stories import ONE_OF_SEVERAL, START, Change, Story, merged


def way(*spans: tuple[float, float], attempt: int = 1) -> Story:
    story = START
    for number, (low_s, high_s) in enumerate(spans):
        story = story.then(Change("closed" if number % 2 else "open", low_s, high_s, attempt))
    return story


def test_one_that_covers_the_other_stays_as_it_is():
    wide, narrow = way((1, 4), (6, 9)), way((2, 3), (7, 8))
    assert merged((wide, narrow))[0] is wide
    (covering,) = merged((narrow, wide))
    assert covering == wide


def test_what_differs_is_widened_and_said_to_be_one_of_several():
    (one,) = merged((way((1, 3), attempt=1), way((2, 4), attempt=2)))
    assert one.changes() == (Change("open", 1, 4, ONE_OF_SEVERAL),)
    assert len(merged((way((1, 3)), way((1, 3), (5, 6))))) == 2


def test_two_that_go_on_side_by_side_cost_what_is_new(monkeypatch):
    """They meet at each event: what was before it has met already."""
    covered: list[float] = []
    covering = stories._covering

    def counted(one: Story, other: Story, before: Story) -> Story:
        covered.append(one.at_s)
        return covering(one, other, before)

    monkeypatch.setattr(stories, "_covering", counted)
    mine, theirs = way((0.0, 1.0)), way((0.5, 1.5))
    for at_s in range(2, 102):
        merged((mine, theirs))
        kind = "closed" if at_s % 2 else "open"
        mine = mine.then(Change(kind, at_s, at_s + 0.5, None))
        theirs = theirs.then(Change(kind, at_s + 0.1, at_s + 0.6, None))
    assert len(covered) == 100
    (both,) = merged((mine, theirs))
    assert [change.high_s for change in both.changes()][-1] == 101.6


def test_those_that_are_not_told_leave_word_with_one_that_is():
    """Where a breaker may have changed in eight ways, six of them are not all."""
    ways = [way(*((at_s, at_s) for at_s in range(number))) for number in range(8)]
    assert not any(story.among for story in merged(ways[:6]))
    told = merged(ways)
    assert [story.length for story in told] == [0, 1, 2, 3, 4, 5]
    (last,) = [story for story in told if story.among]
    plain = way(*((at_s, at_s) for at_s in range(5)))
    onward = [story.then(Change("closed", 9, 9, 1)) for story in (plain, last)]
    (one,) = merged(onward)
    assert one.among, "two that meet are as few as either"
