"""Histories by hand for the acceptor, and one player on a target for those that need a play."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.explore.player import Player
from harness.explore.wire import Attempt, Result
from harness.settings import ServiceSettings
from harness.target_file import load_target

ROOT = Path(__file__).resolve().parents[3]
SETTINGS = ServiceSettings(attempts=1, timeout_s=5, threshold=3, wait_s=10)

MakeAttempts = Callable[..., tuple[Attempt, ...]]


@pytest.fixture
def settings() -> ServiceSettings:
    return SETTINGS


@pytest.fixture
def attempts() -> MakeAttempts:
    """Attempts from (start, end, result) triples; the result is one letter: s, f or n."""

    def make(*given: tuple[float, float, str]) -> tuple[Attempt, ...]:
        letters = {"s": Result.SUCCESS, "f": Result.FAILURE, "n": Result.NEUTRAL}
        return tuple(
            Attempt(
                id=index,
                start_s=start_s,
                end_s=end_s,
                results=frozenset(letters[letter] for letter in what),
            )
            for index, (start_s, end_s, what) in enumerate(sorted(given))
        )

    return make


@pytest.fixture(scope="session")
def reference() -> Iterator[Player]:
    with Player(load_target("reference")) as player:
        yield player


@pytest.fixture(scope="session")
def second() -> Iterator[Player]:
    with Player(load_target(ROOT / "tests/second_gateway/target.yaml")) as player:
        yield player
