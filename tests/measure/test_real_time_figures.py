"""What experiments in real time make of breakers whose rules are known."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, cast

import pytest
from msgspec.structs import replace

from harness.checks.noise import Noise
from harness.history.events import Waited
from harness.history.view import History
from harness.measure.calls import note_covers
from harness.measure.findings import Findings, Span
from harness.measure.policies import breaker_of
from harness.measure.reading import Seen, Try
from harness.measure.realtime import rule
from harness.measure.realtime.budget import Budget
from harness.measure.realtime.connects import Connects
from harness.measure.realtime.crowds import one_at_a_time
from harness.measure.realtime.figures import (
    _again,
    _silent,
    note_attempts,
    note_backoffs,
    note_connects,
    note_timeout,
)
from harness.measure.realtime.ground import Ground
from harness.measure.realtime.kept import find_forgotten, find_kept
from harness.measure.realtime.late import late_s, put_off_s
from harness.measure.realtime.looks import Look, look_at
from harness.measure.realtime.rate import Contrast, Dose, find_rate
from harness.measure.realtime.recovery import Failing, note_waits
from harness.policy.among import Among
from harness.policy.breaker import Breaker, Rules
from harness.policy.counting import Result
from harness.policy.rules import Rule
from harness.policy.shares import ShareOfAll, ShareOfCalls, ShareOfSeconds
from harness.policy.thresholds import InARow, InARowLately, InTotal, InTotalLately
from harness.policy.waits import Constant


class Bench:
    """A ground on a clock of its own, whose gateway asks a breaker before each of its attempts."""

    def __init__(self, opens: Rule, attempts: int = 1, call_s: float = 0.001) -> None:
        self._breaker = Breaker(Rules(opens=opens, wait=Constant(1000.0)))
        self._attempts = attempts
        self._call_s = call_s
        self._failing = False
        self.now_s = 0.0

    async def hold_kind(self, kind: str) -> None:
        self._failing = True

    async def lift(self) -> None:
        self._failing = False

    async def rest(self, seconds: float) -> None:
        self.now_s += seconds

    async def call(self, within_s: float) -> Seen:
        sent_s, tries = self.now_s, []
        for _ in range(self._attempts if self._failing else 1):
            leave = self._breaker.ask(self.now_s)
            if leave is None:
                break
            tries.append(Try(start_s=self.now_s, end_s=self.now_s + 0.001, how="answered"))
            self.now_s += self._call_s
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
    monkeypatch.setattr(rule, "PAUSE_S", 0.0)
    found = Findings(upstream="rates")
    bench = cast(Ground, Bench(opens))
    assert asyncio.run(rule.what_resets(bench, found, looked(opens))) == expected


def test_one_call_that_opens_it_is_not_said_to_have_been_broken_by_successes() -> None:
    """It was said of 0 lots of failures, and of a pause that was none."""
    found = Findings(upstream="rates")
    opens = InARow(3)
    opening = looked(opens, attempts=3)
    bench = cast(Ground, Bench(opens, attempts=3))
    assert asyncio.run(rule.what_resets(bench, found, opening)) == "in a row"
    (said,) = found.evidence
    assert said == "one call opens it, which 12 successes before it do not put off"


def test_a_call_that_is_cut_short_tells_that_attempts_are_counted() -> None:
    found = Findings(upstream="rates")
    opening = looked(InARow(5), attempts=2)
    assert opening.cut_short
    asyncio.run(rule.find_by(cast(Ground, Bench(InARow(5), 2)), found, opening, queues=False))
    assert (found.by, found.breaker.threshold) == ("attempt", 5)


def rate_of(
    opens: Rule, *, in_all: bool = False, call_s: float = 0.001, attempts: int = 1, by: str = "call"
) -> Findings:
    async def fresh(use: Callable[[Ground], Awaitable[Dose]]) -> Dose:
        return await use(cast(Ground, Bench(opens, attempts, call_s=call_s)))

    async def measured() -> Contrast | None:
        budget = Budget(longest_s=60.0, began_s=time.monotonic())
        look = await look_at(cast(Ground, Bench(opens, attempts, call_s)), "503", patience_s=1.0)
        return await find_rate(fresh, found, look, budget, in_all=in_all)

    found = Findings(upstream="rates", by=cast(Any, by))
    asyncio.run(measured())
    return found


def test_a_call_that_makes_one_attempt_waits_for_no_other() -> None:
    """Told by doses only, its backoffs were "not known, as its attempts are not"."""
    found = rate_of(ShareOfCalls(0.5, 20, 6))
    assert (found.attempts, found.backoffs) == (1, ())


def kept_of(opens: Rule, attempts: int = 1) -> Findings:
    async def fresh(use: Callable[[Ground], Awaitable[Any]]) -> Any:
        return await use(cast(Ground, Bench(opens, attempts)))

    async def measured() -> None:
        budget = Budget(longest_s=60.0, began_s=time.monotonic())
        known = await find_kept(fresh, found, opening, budget)
        assert known == (found.breaker.rule is not None)

    opening = looked(opens, attempts)
    found = Findings(upstream="rates", by="attempt")
    found.breaker.threshold = cast(int, cast(Any, opens).failures)
    asyncio.run(measured())
    return found


@pytest.mark.parametrize("attempts", [1, 2])
@pytest.mark.parametrize(
    ("opens", "rule", "seconds", "calls"),
    [
        (Among(7, math.inf, 11.0), "among", 11.0, None),
        (Among(4, 9, math.inf), "among", None, 9),
        (InARowLately(3, 8.0), "in a row", 8.0, None),
        (InTotal(5), "in all", None, None),
        (InTotalLately(5, 10.0), "in all", 10.0, None),
    ],
)
def test_failures_that_a_success_does_not_make_good(
    opens: Rule, rule: str, seconds: float | None, calls: int | None, attempts: int
) -> None:
    own = kept_of(opens, attempts).breaker
    assert (own.rule, own.threshold) == (rule, cast(Any, opens).failures)
    for span, known in ((own.window_s, seconds), (own.window_calls, calls)):
        assert (span is None) == (known is None)
        if span is not None and known is not None:
            assert span.low_s <= known <= span.high_s < 1.4 * known


@pytest.mark.parametrize("attempts", [1, 2])
@pytest.mark.parametrize("within_s", [20.0, 45.0, None])
def test_failures_in_a_row_that_are_forgotten_after_long(
    within_s: float | None, attempts: int
) -> None:
    opens = InARow(4) if within_s is None else InARowLately(4, within_s)
    found = Findings(upstream="rates", by="attempt")
    found.breaker.rule, found.breaker.threshold = "in a row", 4

    async def fresh(use: Callable[[Ground], Awaitable[Any]]) -> Any:
        return await use(cast(Ground, Bench(opens, attempts)))

    budget = Budget(longest_s=60.0, began_s=time.monotonic())
    asyncio.run(find_forgotten(fresh, found, looked(opens, attempts), budget, after_s=15.0))
    own = found.breaker.window_s
    if within_s is None:
        assert own is None
        assert "failures of 60 s before still count; longer was not tried" in found.evidence
    else:
        assert own is not None
        assert own.low_s <= within_s <= own.high_s < 1.4 * within_s


def test_a_window_for_which_no_time_is_left_is_not_found() -> None:
    """Everything before it may have taken all there was: then no pause is short enough."""
    opens = InARowLately(3, 8.0)
    opening = looked(opens)
    found = Findings(upstream="rates", by="attempt")
    found.breaker.threshold = 3

    async def fresh(use: Callable[[Ground], Awaitable[Any]]) -> Any:
        return await use(cast(Ground, Bench(opens)))

    async def measured() -> bool:
        budget = Budget(longest_s=0.0, began_s=time.monotonic() - 1000.0)
        return await find_kept(fresh, found, opening, budget)

    assert not asyncio.run(measured())
    assert found.breaker.window_s is None


@pytest.mark.parametrize("opens", [ShareOfCalls(0.5, 20, 10), ShareOfSeconds(0.5, 30.0, 6)])
def test_a_share_that_needs_as_many_failures_is_no_number_of_them(opens: Rule) -> None:
    """After as many successes as its window holds it takes as many failures as alone."""
    found = Findings(upstream="rates", by="attempt")
    opening = looked(opens)
    found.breaker.threshold = 10 if isinstance(opens, ShareOfCalls) else 6

    async def fresh(use: Callable[[Ground], Awaitable[Any]]) -> Any:
        return await use(cast(Ground, Bench(opens)))

    async def measured() -> bool:
        budget = Budget(longest_s=60.0, began_s=time.monotonic())
        return await find_kept(fresh, found, opening, budget)

    assert not asyncio.run(measured())


@pytest.mark.parametrize(("share", "calls", "least"), [(0.5, 20, 10), (0.4, 15, 6), (0.3, 40, 5)])
def test_a_window_of_calls_is_found_where_few_successes_are_worth_failures(
    share: float, calls: int, least: int
) -> None:
    """resilience4j: alone it takes as many failures as after any number of successes but a few."""
    own = rate_of(ShareOfCalls(share, calls, least)).breaker
    assert own.rule == "rate"
    assert own.window_calls is not None
    assert own.window_calls.low_s <= calls <= own.window_calls.high_s
    assert own.share is not None
    assert own.share.low_s <= share <= own.share.high_s
    assert own.least is not None
    assert own.least.middle_s == least


def test_a_share_of_all_results_since_it_closed_has_no_window() -> None:
    """gobreaker's, where its `Interval` is 0: "what came 60 s before still counted", and null."""
    own = rate_of(ShareOfAll(0.6, 6)).breaker
    assert own.counts_all
    assert breaker_of(replace(own, begun_count=True, wait=Span(low_s=6.0, high_s=6.0))) == {
        "rule": "rate", "share": "60%", "calls": "all", "least": 6, "under_way": True, "wait": "6s",
    }  # fmt: skip


class MovedOnByCalls(ShareOfAll):
    """cockatiel's window of 12 buckets: each call takes it on by one at the most, however late."""

    @property
    def begin(self) -> Any:
        return (), -1000.0

    def after(self, state: Any, failed: Any, at_s: float) -> Any:
        buckets, began_s = state
        if at_s - began_s >= 1.0:
            buckets, began_s = (*buckets, ())[-12:], at_s
        return (*buckets[:-1], (*buckets[-1], bool(failed))), began_s

    def opens(self, state: Any) -> bool:
        counted = [one for bucket in state[0] for one in bucket]
        failures = sum(counted)
        return counted[-1] and len(counted) >= self.least and failures >= self.share * len(counted)


def test_a_window_that_only_calls_move_on_is_none_that_a_file_can_say() -> None:
    """After a pause it counts all: it would be taken for a share without a window."""
    found = rate_of(MovedOnByCalls(0.5, 6))
    assert not found.breaker.counts_all
    assert "not where calls succeeded in between" in found.unknown["breaker.window_s"]


@pytest.mark.parametrize("call_s", [0.001, 0.06])
def test_successes_that_took_longer_than_a_window_of_seconds_make_it_none_of_calls(
    call_s: float,
) -> None:
    """A busy machine: 200 calls take 13 s, and some of them are forgotten by then."""
    own = rate_of(ShareOfSeconds(0.4, 9.0, 9), call_s=call_s).breaker
    assert own.rule == "rate"
    assert own.window_calls is None
    assert own.share is not None
    assert own.share.low_s <= 0.4 <= own.share.high_s


@pytest.mark.parametrize("call_s", [0.001, 0.3])
@pytest.mark.parametrize(("share", "least"), [(0.3, 8), (0.5, 9), (0.66, 12)])
def test_where_attempts_count_it_is_attempts_that_are_counted(
    share: float, least: int, call_s: float
) -> None:
    """Two of a call: one dose or another ends with the first of them, as the breaker opens then."""
    opens = ShareOfSeconds(share, 16.0, least)
    own = rate_of(opens, attempts=2, by="attempt", call_s=call_s).breaker
    assert own.rule == "rate"
    assert own.share is not None
    assert own.share.low_s <= share <= own.share.high_s
    assert own.least is not None
    assert (own.least.low_s, own.least.high_s) == (least, least)
    assert own.window_s is not None
    assert own.window_s.low_s <= 16.0 <= own.window_s.high_s


def test_a_share_of_calls_that_are_slow_is_told_to_be_unknown_and_why() -> None:
    why = rate_of(ShareOfSeconds(0.5, 16.0, 8), call_s=1.2).unknown["breaker.rule"]
    assert why == (
        "not in a row, and its calls take 1.2 s: too long to count a share of them; one that fails "
        "sooner, with a shorter backoff or timeout, would show it"
    )


def test_a_share_of_nobody_knows_what_is_not_guessed() -> None:
    opens = ShareOfSeconds(0.5, 16.0, 8)
    why = rate_of(opens, attempts=2, by=cast(Any, None)).unknown["breaker.rule"]
    assert "whether attempts or calls count" in why


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
    later_s = [wait.middle_s for wait in found.breaker.later_waits]
    assert later_s == pytest.approx(list(later))
    assert why in found.unknown.get(f"breaker.{key}", "")


def waited(*found: tuple[str, float, float, float]) -> Noise:
    return Noise(
        History(
            tuple(
                Waited(
                    at_s=at_s, by="engine", who=who, how="for a CPU", since_s=from_s, wait_s=wait_s
                )
                for who, from_s, at_s, wait_s in found
            )
        )
    )


def test_what_waits_again_and_again_is_late_by_all_of_it() -> None:
    noise = waited(
        ("target", 1.0, 1.25, 0.2), ("proxy", 1.0, 1.25, 0.05), ("target", 1.25, 1.5, 0.25),
        ("target", 1.5, 1.75, 0.1), ("target", 3.0, 3.25, 0.2),
    )  # fmt: skip
    assert late_s(noise, 1.6) == pytest.approx(0.6)  # since 1.0
    assert late_s(noise, 1.1) == pytest.approx(0.25)
    assert put_off_s(noise, 1.1) == pytest.approx(0.6)  # until 1.7
    assert late_s(noise, 2.0) == 0.0
    assert late_s(noise, 2.0, 3.1) == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("starts_s", "waits", "one_by_one"),
    [
        ((1.0, 1.31), (), True),
        ((1.0, 1.02), (), False),
        ((1.0,), (), False),
        ((1.0, 1.31), (("target", 1.0, 1.3, 0.25),), False),  # it had no CPU for the second
    ],
)
def test_calls_that_wait_for_each_other_and_a_machine_that_was_late(
    starts_s: tuple[float, ...], waits: Any, one_by_one: bool
) -> None:
    assert one_at_a_time(starts_s, waited(*waits)) is one_by_one


_HEAD = "  sl  local_address rem_address   st tx_queue rx_queue"
_WAITING = "   0: 0100007F:{local} 0100007F:{remote} 02 00000001:00000000 01:00000063"


def connects_seen(looks_s: Sequence[float], *sockets: tuple[float, float]) -> Connects:
    """What looks, each 5 ms long, show of sockets that waited from one instant to another."""
    connects = Connects(0x3E81, lambda: 0.0)
    filling = _WAITING.format(local="D001", remote="3E81")  # the harness's own
    connects.ignore([_HEAD, filling])
    for from_s in looks_s:
        lines = [_HEAD, filling, _WAITING.format(local="B001", remote="3E82")]  # somebody else's
        for number, (begin_s, end_s) in enumerate(sockets):
            line = _WAITING.format(local=f"A00{number}", remote="3E81")
            if begin_s <= from_s + 0.003 <= end_s:
                lines.append(line)
            elif from_s > end_s:
                lines.append(line.replace(" 02 ", " 01 "))  # it was accepted
        connects.note(lines, from_s, from_s + 0.005)
    return connects


@pytest.mark.parametrize("late_looks", [(), (1.0,), (0.99, 1.6), (0.9, 1.3, 1.65)])
def test_each_unanswered_connect_is_a_socket_that_waits(late_looks: Sequence[float]) -> None:
    """Looks that come up to 0.3 s late widen what is found, and make nothing of it false."""
    looks_s = [tick / 50 for tick in range(100)]
    for at_s in late_looks:
        looks_s = [one_s for one_s in looks_s if not at_s < one_s < at_s + 0.3]
    # A first attempt failed with a kept connection: the call of 1.1 s says nothing of a connect.
    connects = connects_seen(looks_s, (1.01, 1.71))
    limit = connects.limit(waited(), 1.72)
    assert connects.count == 1
    assert limit is not None
    assert limit.low_s <= 0.7 <= limit.high_s
    assert limit.error_s <= (0.05 if not late_looks else 0.35)


def test_several_connects_have_one_limit_or_none() -> None:
    looks_s = [tick / 50 for tick in range(100)]
    connects = connects_seen(looks_s, (0.1, 0.6), (0.7, 1.2))
    limit = connects.limit(waited(), 1.21)
    assert connects.count == 2
    assert limit is not None
    assert limit.low_s <= 0.5 <= limit.high_s
    assert connects_seen(looks_s, (0.1, 0.6), (0.7, 1.5)).limit(waited(), 1.51) is None
    # The second one's end was heard late: the target had no CPU.
    late = connects_seen(looks_s, (0.1, 0.6), (0.7, 1.5)).limit(
        waited(("target", 1.2, 1.51, 0.3)), 1.51
    )
    assert late is not None
    assert late.low_s <= 0.5 <= late.high_s


def test_what_may_be_twice_as_long_as_it_may_be_is_no_figure() -> None:
    found = Findings(upstream="rates")
    note_timeout(
        found, waited(("target", 2.5, 2.7, 0.2), ("proxy", 2.5, 2.7, 0.2)), silent(2.0, 2.7), 40.0
    )
    assert found.timeout is None
    assert "too late to time it" in found.unknown["timeout_s"]


class Slow:
    """A ground of a machine that is late for so many calls that hear nothing."""

    def __init__(self, late: int) -> None:
        self.late = late
        self.now_s = 0.0
        self.silent = 0

    async def lift(self) -> None:
        """Well again."""

    async def hold_kind(self, kind: str) -> None:
        assert kind == "timeout"

    async def call(self, within_s: float) -> Seen:
        return silent(2.0, 2.7).first

    async def noise(self) -> Any:
        self.silent += 1
        late = (("target", 2.5, 2.7, 0.2), ("proxy", 2.5, 2.7, 0.2))
        return waited(*late if self.silent <= self.late else ())


@pytest.mark.parametrize(("late", "known"), [(0, True), (1, True), (2, False)])
def test_what_the_machine_was_too_late_to_time_is_timed_again(late: int, known: bool) -> None:
    """One look that others kept from the processors left it null, and nobody was held to it."""
    found, ground = Findings(upstream="rates"), Slow(late)
    found.cannot_tell("timeout_s", "the machine was too late to time it: up to 0.9 s")
    asyncio.run(_again(found, cast(Ground, ground), "timeout_s", _silent))
    assert (found.timeout is not None) is known
    assert ("timeout_s" in found.unknown) is not known
    assert ground.silent == min(late + 1, 2)


@pytest.mark.parametrize(
    ("sockets", "attempts", "expected"),
    [
        (((0.1, 9.0), (1.2, 9.0)), 2, 0.7),  # Node's fetch: given up at 0.8 s, tried again at 1.2 s
        (((0.5, 9.0),), 1, 1.4),
        (((1.2, 9.0),), 2, 0.7),  # the first attempt had a connection that was kept
        (((0.1, 9.0),), 2, None),  # or both waited for one connect
    ],
)
def test_a_connect_is_waited_for_until_its_call_is_over(
    sockets: Any, attempts: int, expected: float | None
) -> None:
    found = Findings(upstream="rates", attempts=attempts, backoffs=spans((0.4, 0.41)))
    connects = connects_seen([tick / 50 for tick in range(95)], *sockets)
    called = Seen(sent_s=0.09, end_s=1.9, status=503, tries=())
    note_connects(found, waited(), connects, called)
    limit = found.connect_timeout
    assert (limit is None) == (expected is None)
    if limit is not None and expected is not None:
        assert limit.low_s <= expected <= limit.high_s
        assert limit.error_s < 0.06


@pytest.mark.parametrize(
    ("gaps_s", "low_s", "high_s"),
    [
        ([0.41, 0.41, 0.412, 0.409, 0.53, 0.47], 0.4, 0.4),  # a busy machine made two of them late
        ([0.01, 0.14, 0.08, 0.12, 0.05, 0.03], 0.0, 0.15),  # full jitter
    ],
)
def test_waits_that_differ_are_one_only_where_most_are_as_short(
    gaps_s: list[float], low_s: float, high_s: float
) -> None:
    """However late the machine was: by 0.2 s, so that a wait of 0.01 s might explain them all."""
    looks = {}
    for number, gap_s in enumerate(gaps_s):
        tries = [Try(start_s=0.0, end_s=0.0, how="answered")] * 2
        one = Seen(sent_s=0.0, end_s=1.0, status=503, tries=tuple(tries))
        gap = Span(low_s=max(0.0, gap_s - 0.2), high_s=gap_s)
        looks[str(number)] = Look(kind="503", calls=[one], gaps=[(gap,)])
    found = Findings(upstream="rates", attempts=2)
    note_backoffs(found, looks)
    assert found.backoffs
    assert found.backoffs[0].low_s <= low_s
    assert found.backoffs[0].high_s >= high_s


@pytest.mark.parametrize(
    ("waits", "backoffs"),
    [
        ({"cut": (0.0, 0.4, 0.0), "503": (0.4,), "500": (0.4,)}, [0.41]),
        ({"cut": (0.0,), "503": (), "500": ()}, []),
    ],
)
def test_what_its_client_sends_again_by_itself_is_no_attempt(waits: Any, backoffs: Any) -> None:
    looks = {}
    for kind, gaps_s in waits.items():
        tries = tuple([Try(start_s=0.0, end_s=0.0, how="answered")] * (len(gaps_s) + 1))
        one = Seen(sent_s=0.0, end_s=0.1, status=503, tries=tries)
        gaps = tuple(Span(low_s=gap_s, high_s=gap_s + 0.01) for gap_s in gaps_s)
        looks[kind] = Look(kind=kind, calls=[one], gaps=[gaps])
    found = Findings(upstream="rates")
    note_attempts(found, looks, at_first=False)
    note_backoffs(found, looks)
    assert found.attempts == len(backoffs) + 1
    assert [round(one.high_s, 2) for one in found.backoffs or ()] == backoffs


def silent(start_s: float, end_s: float) -> Look:
    tries = (Try(start_s=start_s, end_s=end_s, how="ended", left=True),)
    return Look(
        kind="timeout", calls=[Seen(sent_s=start_s - 0.5, end_s=end_s, status=503, tries=tries)]
    )


@pytest.mark.parametrize(
    ("lasted_s", "waits"),
    [
        (0.7, ()),
        (0.9, (("target", 2.6, 2.9, 0.2),)),  # its timer was heard late
        (0.9, (("target", 1.99, 2.3, 0.2),)),  # it began to count late
        (0.5, (("target", 1.7, 1.99, 0.2), ("target", 1.99, 2.0, 0.01))),  # it sent it late
    ],
)
def test_a_timeout_is_as_wide_as_the_machine_was_late(lasted_s: float, waits: Any) -> None:
    found = Findings(upstream="rates")
    note_timeout(found, waited(*waits), silent(2.0, 2.0 + lasted_s), 40.0)
    assert found.timeout is not None
    assert found.timeout.low_s <= 0.7 <= found.timeout.high_s
    assert found.timeout.error_s < (0.45 if waits else 0.07)


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
