"""What trials one after another, and many at once after them, tell of what closes a breaker."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from harness.measure.closing import (
    Tried,
    first_wanted,
    judged_together,
    note_closing,
    then_wanted,
)
from harness.measure.findings import Findings
from harness.policy.breaker import Breaker, Rules
from harness.policy.counting import Result
from harness.policy.thresholds import InARow
from harness.policy.trials import ByShare, EachAlone, Trials
from harness.policy.waits import Constant

_ASKED = 12


def tried(trials: Trials, wanted: Iterable[tuple[int, int]]) -> list[Tried]:
    """What a breaker makes of trials in turn, each over before the next one."""
    found = []
    for failed, good in wanted:
        breaker = Breaker(Rules(opens=InARow(1), wait=Constant(5.0), trials=trials))
        leave = breaker.ask(0.0)
        assert leave is not None
        breaker.tell(leave, Result.FAILURE, 0.0)
        outcomes = [Result.FAILURE] * failed + [Result.SUCCESS] * good
        leaves = []
        for result in outcomes:
            leaves.append(breaker.ask(6.0))
            if leaves[-1] is not None:
                breaker.tell(leaves[-1], result, 6.0)
        if None not in leaves:
            let = sum(breaker.ask(7.0) is not None for _ in range(_ASKED))
            found.append(Tried(failed=failed, good=good, let=let, asked=_ASKED))
    return found


@pytest.mark.parametrize(
    ("trials", "successes", "share"),
    [
        (EachAlone(2), 1, None),
        (EachAlone(3, 2), 2, None),
        (EachAlone(3, 3), 3, None),
        (ByShare(4, 0.35), None, (0.25, 0.5)),
        (ByShare(3, 0.2), None, (0.0, 1 / 3)),
        (ByShare(3, 1.0), None, (2 / 3, 1.0)),
    ],
)
def test_what_closes_it(
    trials: EachAlone | ByShare, successes: int | None, share: tuple[float, float] | None
) -> None:
    found = Findings(upstream="rates")
    at_once = trials.trials if isinstance(trials, ByShare) else int(trials.at_once)
    found.breaker.trials = at_once
    seen = tried(trials, first_wanted(at_once))
    if judged_together(at_once, seen):
        seen += tried(trials, then_wanted(at_once))
    note_closing(found, seen)
    own = found.breaker.trials_share
    assert found.breaker.successes == successes
    assert (None if own is None else (own.low_s, own.high_s)) == share


def test_what_was_not_seen_is_not_said() -> None:
    found = Findings(upstream="rates")
    found.breaker.trials = 3
    note_closing(found, [Tried(failed=0, good=2, let=12, asked=12)])
    assert found.breaker.successes is None
    assert "12 after 2" in found.unknown["breaker.successes"]
