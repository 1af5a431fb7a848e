"""A breaker for each worker: however requests are shared, what is told of them holds."""

from __future__ import annotations

import heapq
import random

import pytest

from harness.policy.breaker import Breaker
from harness.policy.counting import Result
from harness.policy.settings import in_a_row
from harness.wire.attempts import FAILURE, SUCCESS, Attempt
from harness.wire.breaker import Acceptor
from harness.wire.course import Course
from harness.wire.crowd import Followed, follow
from harness.wire.demand import Asked
from harness.wire.outcomes import Outcomes
from harness.wire.policy import declared

SETTINGS = in_a_row(attempts=1, timeout_s=3, threshold=3, wait_s=6)
END_S = 40.0


class Played:
    """Requests of some seconds, shared by chance among workers that a seed prefers or not."""

    def __init__(self, seed: int, count: int, *, threshold: int = SETTINGS.failures) -> None:
        chance = random.Random(seed)
        rules = in_a_row(attempts=1, timeout_s=3, threshold=threshold, wait_s=6).breaker
        self.workers = [Breaker(rules) for _ in range(count)]
        weights = [chance.random() + 0.05 for _ in self.workers]
        share, fails_s = chance.choice((0.5, 1.0, 1.0)), chance.uniform(4, 20)
        longest_s = chance.choice((0.05, 0.4, 2.5))
        self.made: list[Attempt] = []
        self.away: list[Asked] = []
        under_way: list[tuple[float, int, tuple]] = []
        at_s, number = 0.0, 0
        while at_s < END_S:
            while under_way and under_way[0][0] <= at_s:
                end_s, _, (breaker, leave, result) = heapq.heappop(under_way)
                breaker.tell(leave, result, end_s)
            (breaker,) = chance.choices(self.workers, weights)
            leave = breaker.ask(at_s)
            if leave is None:
                self.away.append(Asked(asked_s=at_s, by_s=at_s + 0.01, request=number))
            else:
                end_s = at_s + chance.uniform(0.01, longest_s)
                failed = at_s < fails_s and chance.random() < share
                result = Result.FAILURE if failed else Result.SUCCESS
                heapq.heappush(under_way, (end_s, number, (breaker, leave, result)))
                kind = FAILURE if failed else SUCCESS
                self.made.append(
                    Attempt(
                        id=number, start_s=at_s, end_s=end_s, ends_from_s=end_s, source="proxy",
                        results=kind,
                    )
                )  # fmt: skip
            number += 1
            at_s += chance.choice((0.5, 0.5, 0.9, 0.2))

    def followed(self, count: int) -> Followed:
        outcomes = Outcomes(declared(SETTINGS), SETTINGS.timeout_s)
        acceptor = Acceptor(self.made, outcomes, lambda _: 0.02)
        events = list(Course(self.made, self.away, lambda _: 0.02))
        return follow(count, events, acceptor, lambda attempt: attempt.id, END_S)

    @property
    def first_trip_s(self) -> float | None:
        return min((at_s for one in self.workers for at_s in one.trips), default=None)

    def all_open(self, at_s: float) -> bool:
        return all(
            max((t for t in one.trips if t <= at_s), default=-1)
            > max((t for t in one.closings if t <= at_s), default=-1)
            for one in self.workers
        )


@pytest.mark.parametrize("first", range(0, 24, 6))
def test_any_sharing_is_explained_and_what_is_told_of_it_holds(first: int) -> None:
    lost = [holds(Played(seed, 2 + seed % 3), 2 + seed % 3) for seed in range(first, first + 6)]
    assert sum(lost) <= 3


def holds(played: Played, count: int) -> bool:
    """See that all that is told holds; whether there were too many ways to follow."""
    found = played.followed(count)
    assert found.reading.refutation is None
    if found.lost:
        return True
    opened = [change for change in found.changes if change.kind == "open"]
    if opened:
        assert played.first_trip_s is not None
        assert opened[0].low_s - 0.05 <= played.first_trip_s <= opened[0].high_s + 0.05
    elif played.first_trip_s is not None:
        assert found.perhaps is not None
        assert found.perhaps.low_s - 0.05 <= played.first_trip_s
    for window in found.windows:
        assert played.all_open((window.start_s + window.end_s) / 2)
    return False


def test_workers_that_open_later_than_declared_are_refuted() -> None:
    wrong = [Played(seed, 2, threshold=5).followed(2) for seed in range(8)]
    assert sum(one.reading.refutation is not None for one in wrong) >= 4


def test_one_breaker_too_many_is_refuted() -> None:
    assert any(Played(seed, 3).followed(2).reading.refutation for seed in range(20))
