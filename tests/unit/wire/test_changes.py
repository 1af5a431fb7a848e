"""What stories that explain as much say of an upstream's breaker together."""

from __future__ import annotations

import math

from harness.units import Range
from harness.wire.changes import Changes
from harness.wire.stories import Change


def story(*changes: tuple[str, float]) -> tuple[Change, ...]:
    return tuple(Change(kind, at_s, at_s + 0.5, None) for kind, at_s in changes)


OPENED = story(("open", 3.0), ("half_open", 12.0), ("closed", 12.1))


def test_it_may_have_been_open_where_another_story_has_it_so() -> None:
    assert Changes(others=(OPENED,)).perhaps_open == (Range(3.0, 12.6),)
    again = story(("open", 4.0), ("closed", 14.0))
    assert Changes(others=(OPENED, again)).perhaps_open == (Range(3.0, 14.5),)
    for_ever = story(("open", 4.0))
    assert Changes(others=(for_ever,)).perhaps_open == (Range(4.0, math.inf),)


def test_an_opening_that_every_story_has_is_no_doubt() -> None:
    earlier = story(("open", 2.0), ("half_open", 12.0), ("closed", 12.1))
    assert Changes(main=OPENED, others=(earlier,)).perhaps_open == ()
    assert Changes(main=OPENED).perhaps_open == ()
