"""Spans: counting says what looking at each would."""

import math

from hypothesis import given
from hypothesis import strategies as st

from harness.history.spans import Spans

INSTANTS = st.integers(-5, 20).map(float) | st.just(math.inf)
SPAN = st.tuples(INSTANTS, INSTANTS).map(lambda pair: (min(pair), max(pair)))


@given(st.lists(SPAN), SPAN)
def test_those_that_share_an_instant_are_counted(
    spans: list[tuple[float, float]], asked: tuple[float, float]
) -> None:
    found = sum(start <= asked[1] and end >= asked[0] for start, end in spans)
    assert Spans(spans).touching(*asked) == found
