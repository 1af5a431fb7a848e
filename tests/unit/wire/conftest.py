"""Attempts by hand, for whatever is held against them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from harness.policy.counting import Result
from harness.policy.settings import ServiceSettings, in_a_row
from harness.wire.attempts import Attempt

SETTINGS = in_a_row(attempts=1, timeout_s=5, threshold=3, wait_s=10)

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
                ends_from_s=end_s,
                source="proxy",
                results=frozenset(letters[letter] for letter in what),
            )
            for index, (start_s, end_s, what) in enumerate(sorted(given))
        )

    return make
