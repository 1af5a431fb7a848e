"""What trials in turn show in real time, on a clock of their own, of breakers that are known."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest

from harness.measure.closing import first_wanted, judged_together, note_closing, then_wanted
from harness.measure.findings import Findings, Span
from harness.measure.reading import Seen, Try
from harness.measure.realtime.closing import try_in_turn
from harness.measure.realtime.ground import Asked, Ground
from harness.measure.realtime.looks import Look
from harness.policy.breaker import Breaker, Pass, Rules
from harness.policy.counting import Result
from harness.policy.thresholds import InARow
from harness.policy.trials import ByShare, EachAlone, Trials
from harness.policy.waits import Constant

_SLOW_S = 0.4


class HalfOpen:
    """A ground whose gateway's breaker has been opened at 0s; calls take a millisecond."""

    def __init__(self, trials: Trials, attempts: int = 1) -> None:
        self.now_s = 0.0
        self._breaker = Breaker(Rules(opens=InARow(1), wait=Constant(5.0), trials=trials))
        self._attempts = attempts
        self._failing = True
        self._tries: list[Try] = []
        self._slow: list[tuple[float, Pass]] = []
        first = self._breaker.ask(0.0)
        assert first is not None
        self._breaker.tell(first, Result.FAILURE, 0.0)

    async def rest(self, seconds: float) -> None:
        self.now_s += seconds

    async def hold_kind(self, kind: str) -> None:
        self._failing = True

    async def lift(self) -> None:
        self._failing = False

    async def slow(self, seconds: float) -> None:
        self._failing = False

    async def call(self, within_s: float) -> Seen:
        sent_s, tries = self.now_s, []
        for _ in range(self._attempts if self._failing else 1):
            leave = self._breaker.ask(self.now_s)
            if leave is None:
                break
            tries.append(Try(start_s=self.now_s, end_s=self.now_s + 0.001, how="answered"))
            self.now_s += 0.001
            result = Result.FAILURE if self._failing else Result.SUCCESS
            self._breaker.tell(leave, result, self.now_s)
        return Seen(sent_s=sent_s, end_s=self.now_s, status=200, tries=tuple(tries))

    def mark(self) -> int:
        return len(self._tries)

    def ask(self, within_s: float) -> Asked:
        leave, sent_s = self._breaker.ask(self.now_s), self.now_s
        self.now_s += 0.001
        ends_s = self.now_s if leave is None else sent_s + _SLOW_S
        if leave is not None:
            self._slow.append((ends_s, leave))
            self._tries.append(Try(start_s=sent_s, end_s=ends_s, how="answered"))

        async def answered() -> tuple[float, int | None]:
            return ends_s, 503 if leave is None else 200

        return Asked(sent_s=sent_s, answer=asyncio.create_task(answered()))

    async def answered(self) -> None:
        for ends_s, leave in self._slow:
            self._breaker.tell(leave, Result.SUCCESS, ends_s)
            self.now_s = max(self.now_s, ends_s)
        await asyncio.sleep(0)

    async def tries(self, mark: int) -> tuple[Try, ...]:
        return tuple(self._tries[mark:])


def found_of(trials: Trials, at_once: int, attempts: int = 1) -> Findings:
    look = Look(kind="503", calls=[], opened=True, trip=Span(low_s=0.0, high_s=0.01))

    async def seen(wanted: object) -> list[object]:
        tried = [
            await try_in_turn(
                cast(Ground, HalfOpen(trials, attempts)), look, Span(low_s=5.0, high_s=5.05),
                failed=failed, good=good, slow_s=_SLOW_S, by_call=False,
            )
            for failed, good in wanted  # type: ignore[attr-defined]
        ]  # fmt: skip
        return [one for one in tried if one is not None]

    found = Findings(upstream="rates")
    found.breaker.trials = at_once
    told: list = asyncio.run(seen(first_wanted(at_once)))  # type: ignore[type-arg]
    if judged_together(at_once, told):
        told += asyncio.run(seen(then_wanted(at_once)))
    note_closing(found, told)
    return found


@pytest.mark.parametrize("successes", [1, 2, 3])
def test_so_many_good_trials_close_it(successes: int) -> None:
    assert found_of(EachAlone(3, successes), 3).breaker.successes == successes


def test_trials_judged_together_by_their_share() -> None:
    share = found_of(ByShare(4, 0.4), 4).breaker.trials_share
    assert share is not None
    assert (share.low_s, share.high_s) == (0.25, 0.5)


def test_a_call_that_makes_several_trials_tells_nothing_of_one() -> None:
    found = found_of(ByShare(4, 0.4), 4, attempts=2)
    assert found.breaker.trials_share is None
    assert "breaker.successes" in found.unknown
