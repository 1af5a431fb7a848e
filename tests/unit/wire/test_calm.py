"""Calm times are left out of a reading, and nothing that it says changes for that."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from harness.policy.breaker import Rules
from harness.policy.rules import Rule
from harness.policy.settings import ServiceSettings
from harness.policy.shares import ShareOfAll, ShareOfCalls
from harness.policy.thresholds import InARow, InARowLately, InTotal, InTotalLately, Never
from harness.policy.trials import EachAlone
from harness.policy.waits import Constant
from harness.wire.attempts import EITHER, FAILURE, SUCCESS, Attempt
from harness.wire.breaker import Acceptor, read
from harness.wire.demand import Asked
from harness.wire.outcomes import Outcomes
from harness.wire.policy import any_threshold, declared
from harness.wire.states import Reading

RULES = [
    InARow(3),
    InARowLately(3, 5.0),
    InTotal(4),
    InTotalLately(3, 6.0),
    Never(),
    ShareOfCalls(0.5, 6, 3),
    ShareOfAll(0.5, 3),
]
FORGETFUL = [InARow(3), InARowLately(3, 5.0), Never(), ShareOfCalls(0.5, 6, 3)]
"""Those that think no more of one failure after some successes."""


def readings(
    opens: Rule, made: list[Attempt], away: list[Asked], lost: list[float], *, forgiving: bool
) -> list[Reading]:
    rules = Rules(opens=opens, wait=Constant(4.0), trials=EachAlone())
    own = ServiceSettings(attempts=1, timeout_s=5.0, breaker=rules)
    return [
        read(made, away, Outcomes(policy, 5.0), tie_s=lambda at_s: 0.03, lost=lost,
             forgiving=forgiving, earlier=(-1.0, -0.5))
        for policy in (declared(own), any_threshold(own))
    ]  # fmt: skip


def attempts(rng: random.Random, count: int, share: float) -> Iterator[Attempt]:
    """Mostly in calm times; at others so many fail, or may have, and several are under way."""
    at_s, rough = 0.0, False
    for number in range(count):
        rough ^= rng.random() < 0.03
        at_s = round(at_s + rng.choice([0.0, 0.02, 0.1, 0.4]), 3)
        end_s = round(at_s + rng.choice([0.0, 0.02, 0.3]), 3)
        failing = rng.choice([FAILURE, EITHER]) if rng.random() < share else SUCCESS
        from_s = rng.choice([at_s, end_s])
        yield Attempt(id=number, start_s=at_s, end_s=end_s, ends_from_s=from_s, source="proxy",
                      results=failing if rough else SUCCESS)  # fmt: skip


@pytest.mark.parametrize("opens", RULES, ids=lambda rule: type(rule).__name__)
@pytest.mark.parametrize("seed", range(3))
def test_a_reading_says_the_same_as_one_of_every_event(
    opens: Rule, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = random.Random(seed)
    made = list(attempts(rng, 200, share=rng.choice([0.1, 0.4])))
    away = [
        Asked(asked_s=a.start_s, by_s=a.start_s + 0.01, request=a.id, sure=rng.random() < 0.5)
        for a in rng.sample(made, rng.choice([0, 3]))
    ]
    lost = sorted(a.start_s for a in rng.sample(made, 2))
    given = opens, made, away, lost
    found = [readings(*given, forgiving=each) for each in (False, True)]
    monkeypatch.setattr(Acceptor, "rests", lambda self, states: False)
    assert found == [readings(*given, forgiving=each) for each in (False, True)]


@pytest.mark.parametrize("opens", FORGETFUL, ids=lambda rule: type(rule).__name__)
def test_what_is_looked_at_grows_with_what_stirs(
    opens: Rule, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = 0
    follow = Acceptor.next

    def counted(*given):
        nonlocal looks
        looks += 1
        return follow(*given)

    monkeypatch.setattr(Acceptor, "next", counted)

    def looked_at(calm: int) -> int:
        nonlocal looks
        looks = 0
        made = [
            Attempt(id=number, start_s=number, end_s=number + 0.1, ends_from_s=number + 0.1,
                    source="proxy", results=FAILURE if number == calm // 2 else SUCCESS)
            for number in range(calm)
        ]  # fmt: skip
        readings(opens, made, [], [], forgiving=False)
        return looks

    fewest = looked_at(500)
    assert looked_at(5_000) <= 1.1 * fewest
