"""The harness killed at instants of all kinds: nothing is left (`make kills` does it 200 times)."""

from __future__ import annotations

import random
import sys
from typing import Any

import pytest

from tests.end_to_end.kills import COMPOSE, RUNS, images_are_there, kill_once

pytestmark = [
    pytest.mark.crowding,
    pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc"),
]


@pytest.mark.parametrize("both", [False, True], ids=["harness", "harness and reaper"])
@pytest.mark.parametrize("birth", [True, False], ids=["at a birth", "at random"])
@pytest.mark.parametrize("words", RUNS, ids=["run", "up", "sim", "explore"])
def test_a_killed_harness_leaves_nothing(words: tuple[str, ...], birth: bool, both: bool) -> None:
    after = random.Random(f"{words} {birth} {both}")
    assert kill_once(words, after=after, both=both, birth=birth) == ""


@pytest.mark.compose
def test_a_killed_harness_leaves_no_containers(docker_client: Any) -> None:
    assert images_are_there()
    assert kill_once(COMPOSE, after=random.Random(3), both=True, birth=False) == ""
