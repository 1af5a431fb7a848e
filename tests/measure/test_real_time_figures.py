"""What experiments in real time make of breakers whose rules are known."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, cast

import pytest

from harness.measure.calls import note_covers
from harness.measure.findings import Findings, Span
from harness.measure.reading import Seen, Try
from harness.measure.realtime import rule
from harness.measure.realtime.budget import Budget
from harness.measure.realtime.connects import Connects
from harness.measure.realtime.ground import Ground
from harness.measure.realtime.looks import Look, look_at
from harness.measure.realtime.rate import Contrast, Dose, find_rate
from harness.measure.realtime.recovery import Failing, note_waits
from harness.policy.breaker import Breaker, Rules
from harness.policy.counting import Result
from harness.policy.rules import InARow, InTotal, Rule
from harness.policy.shares import ShareOfCalls
from harness.policy.waits import Constant


class Bench:
    """A ground on a clock of its own, whose gateway asks a breaker before each of its attempts."""

    def __init__(self, opens: Rule, attempts: int = 1) -> None:
        self._breaker = Breaker(Rules(opens=opens, wait=Constant(1000.0)))
        self._attempts = attempts
        self._failing = False
        self.now_s = 0.0

    async def hold_kind(self, kind: str) -> None:
        self._failing = True

    async def lift(self) -> None:
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
        self.now_s += 0.001
        return Seen(sent_s=sent_s, end_s=self.now_s, status=503, tries=tuple(tries))


def looked(opens: Rule, attempts: int = 1) -> Look:
    return asyncio.run(look_at(cast(Ground, Bench(opens, attempts)), "503", patience_s=1.0))


@pytest.mark.parametrize(
    ("opens", "expected"),
    [(InARow(3), "in a row"), (InTotal(3), "in all"), (ShareOfCalls(0.9, 10, 5), None)],
)
def test_what_resets_a_count(
    opens: Rule, expected: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rule, "_PAUSE_S", 0.0)
    found = Findings(upstream="rates")
    bench = cast(Ground, Bench(opens))
    assert asyncio.run(rule.what_resets(bench, found, looked(opens))) == expected


def test_a_call_that_is_cut_short_tells_that_attempts_are_counted() -> None:
    found = Findings(upstream="rates")
    opening = looked(InARow(5), attempts=2)
    assert opening.cut_short
    asyncio.run(rule.find_by(cast(Ground, Bench(InARow(5), 2)), found, opening, queues=False))
    assert (found.by, found.breaker.threshold) == ("attempt", 5)


def rate_of(opens: Rule, *, in_all: bool = False) -> Findings:
    async def fresh(use: Callable[[Ground], Awaitable[Dose]]) -> Dose:
        return await use(cast(Ground, Bench(opens)))

    async def measured() -> Contrast | None:
        budget = Budget(longest_s=0.0, began_s=time.monotonic() - 1000)  # no time for pauses
        return await find_rate(fresh, found, "503", 0.01, budget, in_all=in_all)

    found = Findings(upstream="rates")
    asyncio.run(measured())
    return found


def test_a_window_of_calls_is_found_where_few_successes_are_worth_failures() -> None:
    """resilience4j: alone it takes as many failures as after any number of successes but a few."""
    own = rate_of(ShareOfCalls(0.5, 20, 10)).breaker
    assert own.rule == "rate"
    assert own.window_calls is not None
    assert own.window_calls.low_s <= 20 <= own.window_calls.high_s
    assert own.share is not None
    assert own.share.low_s <= 0.5 <= own.share.high_s
    assert own.least is not None
    assert own.least.middle_s == 10


def test_what_counts_all_failures_is_no_share() -> None:
    why = rate_of(InTotal(3), in_all=True).unknown["breaker.rule"]
    assert "or between them: so many in all" in why


def spans(*bounds: tuple[float, float]) -> tuple[Span, ...]:
    return tuple(Span(low_s=low, high_s=high) for low, high in bounds)


@pytest.mark.parametrize(
    ("first", "failing", "looked_s", "wait", "later", "key", "why"),
    [
        ((5.0, 5.1), ((5.02, 5.1), (5.0, 5.1)), 0.0, (5.0, 5.1), (), "", ""),
        ((5.0, 5.1), ((5.02, 5.1), (10.0, 10.2)), 0.0, (5.0, 5.1), (10.1,), "", ""),
        # nginx: 10 to 11 s, by a clock of whole seconds
        ((10.4, 10.5), ((10.8, 10.9), (10.9, 11.0)), 0.0, (10.0, 11.0), (), "", ""),
        ((10.4, 10.5), ((10.4, 10.5), (10.9, 11.0)), 0.0, (10.0, 11.0), (), "", ""),
        # Envoy: none is tried, all come back
        ((8.1, 8.2), ((8.1, 8.2), (0.0, 0.01)), 0.0, (8.1, 8.2), (), "waits_s", "one failure more"),
        # haproxy: its own checks bring it back
        ((5.2, 5.3), (), 17.0, None, (), "wait_s", "no request of a user's"),
        ((5.2, 5.3), (), 6.0, (5.2, 5.3), (), "waits_s", "nobody was let through"),
        ((5.2, 5.3), ((7.5, 7.6),), 0.0, None, (), "wait_s", "not always the same"),
    ],
)  # fmt: skip
def test_how_long_it_stays_open(
    first: Any, failing: Any, looked_s: float, wait: Any, later: Any, key: str, why: str
) -> None:
    found = Findings(upstream="rates")
    note_waits(found, *spans(first), Failing(waits=spans(*failing), looked_s=looked_s))
    own = found.breaker.wait
    assert (None if own is None else (own.low_s, own.high_s)) == pytest.approx(wait)
    assert found.breaker.later_waits == pytest.approx(later)
    assert why in found.unknown.get(f"breaker.{key}", "")


def test_each_unanswered_connect_is_a_socket_that_waits() -> None:
    connects = Connects(0x3E81)
    head = "  sl  local_address rem_address   st tx_queue rx_queue"
    waiting = "   0: 0100007F:{local} 0100007F:{remote} 02 00000001:00000000 01:00000063"
    filling = waiting.format(local="D001", remote="3E81")  # the harness's own
    connects.ignore([head, filling])
    for tick in range(101):
        at_s = tick / 50
        lines = [head, waiting.format(local="A001" if at_s < 1 else "A002", remote="3E81")]
        lines.append(filling)
        lines.append(waiting.format(local="B001", remote="3E82"))  # somebody else's
        lines.append(lines[1].replace(" 02 ", " 01 ").replace("A00", "C00"))  # it was accepted
        connects.note(lines, at_s)
    lasted = connects.lasted(0.01)
    assert connects.count == 2
    assert lasted is not None
    assert lasted.low_s <= 1.0 <= lasted.high_s


@pytest.mark.parametrize(
    ("lasted_s", "covers"), [(0.01, None), (0.9, "attempt"), (1.25, "attempt"), (2.4, "silence")]
)
def test_an_answer_that_is_over_at_once_does_not_tell_what_a_timeout_covers(
    lasted_s: float, covers: str | None
) -> None:
    found = Findings(upstream="mail")
    note_covers(found, lasted_s, 1.0, 1.3)
    assert found.covers == covers
    assert ("timeout_covers" in found.unknown) == (covers is None)
