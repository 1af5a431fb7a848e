"""What many calls at once show in real time of breakers that are known, on a clock of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from harness.contracts import document
from harness.measure.downs import Downs
from harness.measure.findings import Breaker, Findings, Span
from harness.measure.measuring import Measured
from harness.measure.policies import policy_of
from harness.measure.reading import Seen, Try
from harness.measure.realtime.crowds import counts_at_once, find_slow
from harness.measure.realtime.ground import Asked, Ground
from harness.measure.routes import Known
from harness.measure.writing import comments

_CALL_S = 0.004
_AT_ONCE = 60


@dataclass(slots=True)
class Crowd:
    """A ground whose gateway opens when sixty answers at once are slow, or at so many results."""

    slow_s: float = 1e9
    patience_s: float = 2.5
    least: int = 10**6
    begun: bool = False
    """Whether calls count as they begin."""
    call_s: float = _CALL_S
    now_s: float = 0.0
    open: bool = False
    late_s: float = 0.0
    failing: bool = False
    made: int = 0
    failed: int = 0
    good_end_s: list[float] = field(default_factory=list)

    async def slow(self, seconds: float) -> None:
        self.late_s, self.failing = seconds, False

    async def lift(self) -> None:
        self.late_s, self.failing = 0.0, False

    async def hold_kind(self, kind: str) -> None:
        self.late_s, self.failing = 0.0, True

    async def rest(self, seconds: float) -> None:
        self.now_s += seconds

    def mark(self) -> int:
        return self.made

    def called_since(self, mark: int) -> bool:
        return self.made > mark

    async def tries(self, mark: int) -> tuple[Try, ...]:
        one = Try(start_s=self.now_s, end_s=self.now_s, how="answered")
        return (one,) * (self.made - mark)

    def ask(self, within_s: float) -> Asked:
        """Who is answered well moves no clock: others go on meanwhile."""
        sent_s, failing = self.now_s, self.failing
        took_s = min(self.late_s + self.call_s, self.patience_s)
        end_s = sent_s + took_s
        if not self.open:
            self.made += 1
            self._count(failing, took_s, end_s)
        well = not failing and took_s < self.patience_s

        async def answered() -> tuple[float, int | None]:
            if failing:
                self.now_s = end_s
            return end_s, 200 if well else 503

        return Asked(sent_s=sent_s, answer=asyncio.create_task(answered()))

    def _count(self, failing: bool, took_s: float, end_s: float) -> None:
        if failing:
            self.failed += 1
            self.open = self.failed + self._good_by(end_s) >= self.least
        else:
            self.good_end_s.append(end_s)
            self.open |= took_s > self.slow_s and len(self.good_end_s) == _AT_ONCE + 1

    def _good_by(self, at_s: float) -> int:
        return sum(self.begun or end_s <= at_s for end_s in self.good_end_s)

    async def answered(self) -> None:
        self.now_s = max(self.good_end_s)
        await asyncio.sleep(0)  # each of them tells

    async def call(self, within_s: float) -> Seen:
        mark, sent_s = self.mark(), self.now_s
        end_s, status = await self.ask(within_s).answer
        self.now_s = max(self.now_s, end_s)
        tries = await self.tries(mark)
        return Seen(sent_s=sent_s, end_s=end_s, status=status, tries=tries)


def found_of(**crowd: float) -> Findings:
    found = Findings(upstream="roster", timeout=Span(low_s=2.45, high_s=2.55))

    async def fresh(use: Callable[[Ground], Awaitable[Any]]) -> Any:
        return await use(cast(Ground, Crowd(**crowd)))  # type: ignore[arg-type]

    asyncio.run(find_slow(fresh, found))
    return found


def test_when_an_answer_is_slow_lies_within_the_bounds_that_are_told() -> None:
    found = found_of(slow_s=0.9)
    assert found.slow is not None
    assert found.slow.low_s <= 0.9 <= found.slow.high_s
    assert found.slow.error_s < 0.03
    assert found.slow_is is None
    assert "only the simulation" in found.unknown["breaker.slow_share"]


def test_answers_that_open_nothing_are_said_to() -> None:
    found = found_of()
    assert (found.slow, found.unknown) == (None, {})
    assert "60 good answers 1.96 s late open nothing" in found.evidence


def test_nothing_is_told_by_answers_that_were_not_all_good() -> None:
    found = found_of(slow_s=0.9, patience_s=1.5)
    assert found.slow is None
    assert "not all answered well" in found.unknown["slow_s"]


@pytest.mark.parametrize(
    ("begun", "call_s", "told"), [(True, _CALL_S, True), (False, _CALL_S, False), (True, 0.3, None)]
)
def test_a_call_that_is_under_way_counts_or_does_not(
    begun: bool, call_s: float, told: bool | None
) -> None:
    async def counted() -> bool | None:
        ground = Crowd(least=7, begun=begun, call_s=call_s)
        return await counts_at_once(cast(Ground, ground), "503", 7, 0.8)

    assert asyncio.run(counted()) is told


def test_nobody_is_held_to_a_share_in_which_calls_under_way_count() -> None:
    """Opossum's: with some that hang it opens before as many results are in."""
    own = Breaker(
        rule="rate", share=Span(low_s=0.34, high_s=0.36), window_s=Span(low_s=11.9, high_s=12.1),
        least=Span(low_s=7, high_s=7), wait=Span(low_s=6.9, high_s=7.1), trials=1, begun_count=True,
    )  # fmt: skip
    timeout = Span(low_s=1.6, high_s=1.8)
    found = Findings(upstream="weather", attempts=1, backoffs=(), timeout=timeout, breaker=own)
    measured = Measured(
        target="vineyard", engine="local", upstreams={"weather": found}, known=Known(routes=()),
        downs=Downs(),
    )  # fmt: skip
    assert not any("isn't known well enough" in line for line in comments(measured, document()))
    assert policy_of(found)["rate"]["under_way"] is True
