"""Several workers, each with a breaker of its own, told from one breaker that is wrong."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence

import pytest

from harness.policy.settings import in_a_row
from harness.wire.attempts import FAILURE, SUCCESS, Attempt
from harness.wire.breaker import Acceptor
from harness.wire.course import Course
from harness.wire.demand import Asked
from harness.wire.outcomes import Outcomes
from harness.wire.policy import declared
from harness.wire.workers import SHARES, explained

SETTINGS = in_a_row(attempts=1, timeout_s=5, threshold=3, wait_s=30)
DOWN_S, END_S = 40, 90


class Breaker:
    """What each worker has: opens after 3 failures, probes after 30 s."""

    def __init__(self) -> None:
        self.failures, self.until_s = 0, 0.0

    def lets_through(self, at_s: float) -> bool:
        return self.failures < SETTINGS.failures or at_s >= self.until_s

    def ended(self, at_s: float, *, well: bool) -> None:
        self.failures = 0 if well else self.failures + 1
        self.until_s = at_s + SETTINGS.wait_s


def played(passes: Callable[[int], Breaker | bool]) -> tuple[list[Attempt], list[Asked]]:
    """One request a second; `passes` gives the breaker that each one meets, or what it does."""
    made: list[Attempt] = []
    away: list[Asked] = []
    for second in range(END_S):
        met = passes(second)
        if not (met.lets_through(second) if isinstance(met, Breaker) else met):
            away.append(Asked(asked_s=second, by_s=second + 0.01, request=second))
            continue
        well, end_s = second >= DOWN_S, second + 0.1
        if isinstance(met, Breaker):
            met.ended(end_s, well=well)
        made.append(
            Attempt(
                id=second,
                start_s=second,
                end_s=end_s,
                ends_from_s=end_s,
                source="proxy",
                results=SUCCESS if well else FAILURE,
            )
        )
    return made, away


def explains(count: int, made: list[Attempt], away: Iterable[Asked]) -> bool:
    return any(_explains(own, made, away) for own in SHARES if len(own) == count)


def _explains(shares: Sequence[float], made: list[Attempt], away: Iterable[Asked]) -> bool:
    outcomes = Outcomes(declared(SETTINGS), SETTINGS.timeout_s)
    acceptor = Acceptor(made, outcomes, lambda _: 0.05)
    events = list(Course(made, away, lambda _: 0.05))
    return explained(events, acceptor, lambda attempt: attempt.id, shares)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("count", [2, 3])
def test_as_many_workers_explain_requests_shared_at_random(count: int, seed: int) -> None:
    workers, chance = [Breaker() for _ in range(count)], random.Random(seed)
    made, away = played(lambda _: chance.choice(workers))
    assert explains(count, made, away)
    assert count == 2 or not explains(2, made, away)


@pytest.mark.parametrize("count", [2, 3])
def test_workers_that_take_turns_are_explained(count: int) -> None:
    workers = [Breaker() for _ in range(count)]
    assert explains(count, *played(lambda second: workers[second % count]))


def test_a_worker_that_is_given_most_of_the_work_is_told_from_the_other() -> None:
    workers, chance = [Breaker(), Breaker()], random.Random(1)
    shared = [workers[chance.random() < 0.12] for _ in range(END_S)]
    made, away = played(lambda second: shared[second])
    assert not _explains((1 / 2, 1 / 2), made, away)
    assert explains(2, made, away)


def test_a_worker_that_is_never_asked_explains_nothing() -> None:
    late = Breaker()
    late.failures = -1  # opens after one failure more
    assert not explains(2, *played(lambda _: late))


def test_a_breaker_that_lets_one_in_ten_through_is_not_several() -> None:
    leaky = Breaker()

    def passes(second: int) -> Breaker | bool:
        return True if second % 10 == 0 else leaky

    assert not explains(2, *played(passes))
    assert not explains(3, *played(passes))
