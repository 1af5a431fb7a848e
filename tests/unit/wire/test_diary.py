"""A log is held against what a breaker was; late, loose and doubled lines are no lies."""

from __future__ import annotations

import math

import pytest

from harness.history.events import Logged
from harness.policy.waits import Constant
from harness.wire.diary import Diary
from harness.wire.stories import Change

OUTAGE = (
    Change("open", 2.0, 2.0, 5),
    Change("half_open", 63.0, 63.0, 6),
    Change("closed", 63.0, 63.1, 6),
)
TOLD = ((2.0, "opened"), (3.0, "rejected"), (63.0, "half_open"), (63.1, "closed"))


def line(at_s, *marks, upstream="auth", text="x"):
    return Logged(
        at_s=at_s, by="target", source="target", line=text, marks=marks, upstream=upstream
    )


def lie(*lines, story=OUTAGE, **more):
    found = Diary([line(*each) for each in lines], "auth", Constant(60.0)).lie(
        story, lambda at_s: 0.1, **more
    )
    return None if found is None else found.says


def late(by_s):
    return [(at_s + by_s, mark) for at_s, mark in TOLD]


@pytest.mark.parametrize(
    "lines",
    [
        TOLD,
        late(30.0),
        [each for one in TOLD for each in (one, one)],
        [(1.0, "closed"), *TOLD, (70.0, "closed")],
        [(2.0, "opened"), (3.0, "rejected", "opened"), (4.0, "opened"), *TOLD[2:]],
        [(2.0, "opened"), (2.0, "closed"), *TOLD[1:]],
        [(3.0, "rejected"), (3.4, "opened"), *TOLD[2:]],
        [TOLD[0], (62.0, "half_open"), (62.1, "rejected"), TOLD[3]],
        [(-5.0, "closed"), (63.0, "half_open")],
        [(3.0, "rejected"), (63.1, "closed")],
    ],
    ids=["told", "late", "doubled", "closed again", "loose", "of one instant", "in two threads",
         "half open when due", "no opening told", "no opening is ever told"],
)  # fmt: skip
def test_what_may_be_true_is_no_lie(lines):
    assert lie(*lines) is None


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ([(1.5, "opened")], "says opened at 1.50 s, when it was closed on the wire, until 2.00 s"),
        ([(1.5, "rejected")], "says rejected at 1.50 s, when it was closed"),
        ([TOLD[0], (3.0, "closed")], "says closed at 3.00 s, when it was open on the wire, until"),
        ([TOLD[0], (30.0, "half_open")], "says half_open at 30.00 s, when it was open on the wire"),
        ([*TOLD, (64.0, "opened")], "says opened at 64.00 s, when it was closed on the wire, to"),
        (
            [(3.0, "rejected"), (4.0, "opened")],
            "tells of a call that was turned away at 3.00 s, and only at 4.00 s that it opened",
        ),
    ],
)
def test_what_was_not_so_is_a_lie(lines, says):
    found = lie(*lines)
    assert found is not None
    assert found.startswith(says)


def test_a_second_opening_that_is_not_told_is_missed():
    again = (*OUTAGE, Change("open", 80.0, 80.0, 9))
    says = "tells of a call that was turned away at 81.00 s, and not that it had opened"
    assert lie(*TOLD, (81.0, "rejected"), story=again) == says
    assert lie(*TOLD, (81.0, "rejected"), story=again, whole=False) is None


def test_a_time_in_which_nothing_could_be_read_allows_everything():
    story = (Change("any", 1.0, 1.0, None),)
    assert lie((1.5, "opened"), (1.6, "half_open"), (1.7, "closed"), story=story) is None


def test_lines_that_name_nobody_say_nothing():
    lines = [line(1.0, "opened"), line(1.0, "opened", upstream=None)]
    assert Diary(lines, "auth", Constant(math.inf)).lie((), lambda at_s: 0.1) is None


def test_a_log_that_comes_in_blocks_keeps_no_order():
    """Rejections in a stream that is written at once, the opening in one that is when full."""
    block = [line(9.0, text="y" * 400) for _ in range(10)]
    told = [line(3.0, "rejected"), *block, line(9.0, "opened")]
    slack = Diary(told, "auth", Constant(60.0)).lie(OUTAGE, lambda at_s: 0.1)
    assert slack is None
    assert Diary([told[0], told[-1]], "auth", Constant(60.0)).lie(OUTAGE, lambda at_s: 0.1)
