"""The harness killed at instants of all kinds: nothing is left (`make kills` does it 200 times)."""

from __future__ import annotations

import random
import sys

import pytest

from tests.end_to_end.kills import RUNS, kill_once

pytestmark = [
    pytest.mark.real_time,
    pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc"),
]


@pytest.mark.parametrize("both", [False, True], ids=["harness", "harness and reaper"])
@pytest.mark.parametrize("birth", [True, False], ids=["at a birth", "at random"])
@pytest.mark.parametrize("words", RUNS, ids=["run", "up", "sim"])
def test_a_killed_harness_leaves_nothing(words: tuple[str, ...], birth: bool, both: bool) -> None:
    after = random.Random(f"{words} {birth} {both}")
    assert kill_once(words, after=after, both=both, birth=birth) == ""
