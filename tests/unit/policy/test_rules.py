"""Each rule against a brute-force model, and against a library that has it."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable
from fractions import Fraction
from importlib import import_module
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.policy.among import Among
from harness.policy.backoffs import Exponential
from harness.policy.breaker import Breaker, Rules
from harness.policy.counting import FAILED, SLOW, Result
from harness.policy.rules import Rule
from harness.policy.shares import KEPT_S, ShareOfAll, ShareOfCalls, ShareOfSeconds, in_buckets
from harness.policy.slow import BySlowShare, OrSlow
from harness.policy.thresholds import InARow, InARowLately, InTotal, InTotalLately, Never
from harness.policy.trials import ByShare, EachAlone, Nobody
from harness.policy.waits import Constant, Growing, Multiplied, Ticking, Wait

Results = list[tuple[float, bool]]


@st.composite
def results(draw: st.DrawFn) -> Results:
    apart = draw(st.lists(st.sampled_from([0.125, 0.5, 1.0, 4.0]), max_size=40))
    at_s, found = 0.0, []
    for gap_s in apart:
        at_s += gap_s
        found.append((at_s, draw(st.booleans())))
    return found


def openings(rule: Rule, told: Results) -> list[bool]:
    state, found = rule.begin, []
    for at_s, failed in told:
        state = rule.after(state, failed, at_s)
        found.append(rule.opens(state))
        assert rule.may_open(state, 0.0) >= {found[-1]}
    return found


def result_of(failed: bool) -> Result:
    return Result.FAILURE if failed else Result.SUCCESS


def by_force(told: Results, opens: Callable[[Results], bool]) -> list[bool]:
    return [opens(told[: index + 1]) for index in range(len(told))]


heard = st.lists(
    st.tuples(st.sampled_from([-1.5, -0.25, 0.0, 0.25, 1.0, 3.0]), st.booleans()), max_size=40
)
"""How much later than the one before each result was, and whether it failed: what may be heard of
early is not told in the order of its instants.
"""


@given(heard, st.sampled_from([0.3, 0.5, 1.0]), st.integers(1, 5), st.sampled_from([0.0, 1.0, 2.0]))
def test_what_counts_of_the_last_seconds_is_found_as_by_looking_at_each(heard, share, least, slack):
    rule = ShareOfSeconds(share, 4.0, least, bucket_s=0.5)
    state, every, at_s = rule.begin, [], 0.0
    for later_s, failed in heard:
        at_s += later_s
        state = rule.after(state, failed, at_s)
        every = [one for one in every if one[0] > at_s - 4.0 - 0.5 - KEPT_S] + [(at_s, failed)]
        ages = [(at_s - one_s, one) for one_s, one in every]
        sure = [one for age_s, one in ages if age_s < 4.0 - slack - 0.5]
        doubtful = [one for age_s, one in ages if abs(age_s - 4.0) <= slack + 0.5]
        ways = [doubtful[k:] + sure for k in range(len(doubtful) + 1)]
        may = {len(w) >= least and sum(w) >= share * len(w) - 1e-9 for w in ways}
        assert rule.may_open(state, slack) == (may if failed else {False, True in may})
        counted = [one for one_s, one in every if in_buckets(one_s, at_s, 4.0, 0.5)]
        reached = len(counted) >= least and sum(counted) >= share * len(counted) - 1e-9
        assert rule.opens(state) == (failed and reached)


@given(told=results(), threshold=st.integers(1, 6))
def test_in_a_row(told: Results, threshold: int) -> None:
    def opens(so_far: Results) -> bool:
        last = so_far[-threshold:]
        return len(last) == threshold and all(failed for _, failed in last)

    assert openings(InARow(threshold), told) == by_force(told, opens)


@given(told=results(), threshold=st.integers(1, 4), within_s=st.sampled_from([0.5, 2.0, 6.0]))
def test_in_a_row_of_late(told: Results, threshold: int, within_s: float) -> None:
    def opens(so_far: Results) -> bool:
        last = so_far[-threshold:]
        together = len(last) == threshold and so_far[-1][0] - last[0][0] <= within_s
        return together and all(failed for _, failed in last)

    assert openings(InARowLately(threshold, within_s), told) == by_force(told, opens)


@given(told=results(), threshold=st.integers(1, 6))
def test_in_all(told: Results, threshold: int) -> None:
    def opens(so_far: Results) -> bool:
        return sum(failed for _, failed in so_far) >= threshold

    assert openings(InTotal(threshold), told) == by_force(told, opens)


@given(told=results(), threshold=st.integers(1, 4), within_s=st.sampled_from([0.5, 2.0, 6.0]))
def test_in_all_until_a_success_comes_late(told: Results, threshold: int, within_s: float) -> None:
    def opens(so_far: Results) -> bool:
        count, last_s = 0, 0.0
        for at_s, failed in so_far:  # as nginx keeps it: `fails`, `accessed` and `checked`
            if failed:
                count, last_s = count + 1, at_s
            elif at_s > last_s + within_s:
                count = 0
        return count >= threshold

    assert openings(InTotalLately(threshold, within_s), told) == by_force(told, opens)


@given(told=results(), threshold=st.integers(1, 4))
def test_in_whichever_order_near_results_came_the_rule_allows_it(
    told: Results, threshold: int
) -> None:
    """Two neighbours of opposite kind exchanged: what is possible holds what truly was."""
    rule = InARow(threshold)
    true, seen = {rule.begin}, {rule.begin}
    for (at_s, failed), (_, other) in pairwise(told):
        mixed = int(failed is not other)
        true = {rule.after(state, failed, at_s) for state in true}
        seen = {one for state in seen for one in rule.possible(state, failed, at_s, mixed)}
        assert true <= seen


shares = st.sampled_from([Fraction(n, 20) for n in range(1, 21)])


def reached(counted: Results, share: Fraction, least: int) -> bool:
    failures = sum(failed for _, failed in counted)
    return counted[-1][1] and len(counted) >= least and failures >= share * len(counted)


@given(told=results(), share=shares, window=st.integers(1, 12), least=st.integers(1, 12))
def test_share_of_calls(told: Results, share: Fraction, window: int, least: int) -> None:
    rule = ShareOfCalls(float(share), window, least)
    expected = by_force(told, lambda so_far: reached(so_far[-window:], share, least))
    assert openings(rule, told) == expected


@given(told=results(), share=shares, least=st.integers(1, 12))
def test_share_of_all(told: Results, share: Fraction, least: int) -> None:
    expected = by_force(told, lambda so_far: reached(so_far, share, least))
    assert openings(ShareOfAll(float(share), least), told) == expected


@given(told=results(), share=shares, window_s=st.sampled_from([1.0, 3.0, 10.0]),
       least=st.integers(1, 8))  # fmt: skip
def test_share_of_seconds(told: Results, share: Fraction, window_s: float, least: int) -> None:
    def opens(so_far: Results) -> bool:
        now_s = so_far[-1][0]
        return reached([one for one in so_far if one[0] > now_s - window_s], share, least)

    rule = ShareOfSeconds(float(share), window_s, least)
    assert openings(rule, told) == by_force(told, opens)


@given(told=results(), threshold=st.integers(1, 5), calls=st.sampled_from([3, 8, math.inf]),
       within_s=st.sampled_from([2.0, 6.0, math.inf]))  # fmt: skip
def test_so_many_among_the_last(
    told: Results, threshold: int, calls: float, within_s: float
) -> None:
    def opens(so_far: Results) -> bool:
        now_s, by_failure = so_far[-1]
        last = so_far if math.isinf(calls) else so_far[-int(calls) :]
        counted = [at_s for at_s, failed in last if failed and now_s - at_s <= within_s]
        return by_failure and len(counted) >= threshold

    assert openings(Among(threshold, calls, within_s), told) == by_force(told, opens)


@given(told=results(), nudges=st.lists(st.floats(-0.05, 0.05), min_size=40, max_size=40))
def test_what_may_open_within_a_slack_holds_what_opens(told: Results, nudges: list[float]) -> None:
    for rule in (ShareOfSeconds(0.5, 4.0, 3), Among(2, 5, 4.0), Among(3, math.inf, 4.0)):
        _slack_is_allowed_for(rule, told, nudges)


def _slack_is_allowed_for(rule: Rule, told: Results, nudges: list[float]) -> None:
    true, seen = rule.begin, rule.begin
    for (at_s, failed), nudge_s in zip(told, nudges, strict=False):
        true = rule.after(true, failed, at_s)
        seen = rule.after(seen, failed, at_s + nudge_s)
        assert rule.opens(true) in rule.may_open(seen, 0.1)


@given(told=results(), slow=st.lists(st.booleans(), min_size=40, max_size=40))
def test_a_share_of_slow_ones_opens_it_too(told: Results, slow: list[bool]) -> None:
    """As resilience4j counts: a slow failure is one of both."""
    rule = OrSlow(ShareOfCalls(0.5, 8, 3), ShareOfCalls(0.8, 8, 3))
    state, so_far = rule.begin, []
    for (at_s, failed), late in zip(told, slow, strict=False):
        state = rule.after(state, failed * FAILED | late * SLOW, at_s)
        so_far = [*so_far, (failed, late)][-8:]
        counted = len(so_far)
        failures, late_ones = (sum(one[which] for one in so_far) for which in (0, 1))
        by_failure = failed and failures >= 0.5 * counted
        by_slow = late and late_ones >= 0.8 * counted
        assert rule.opens(state) is (counted >= 3 and (by_failure or by_slow))


def test_trials_may_be_judged_by_slow_ones_too() -> None:
    trials = BySlowShare(trials=2, share=1.0, slow_share=0.5)
    assert [trials.verdict(r) for r in ((FAILED, 0), (SLOW, 0), (0, 0), (SLOW,))] == [
        "closes", "opens", "closes", None,
    ]  # fmt: skip


def test_buckets_leave_together() -> None:
    rule = ShareOfSeconds(0.5, 10.0, 1, bucket_s=1.0)
    state = rule.after(rule.after(rule.begin, True, 0.9), False, 0.95)
    assert rule.opens(rule.after(state, True, 9.99))
    alone = rule.after(rule.after(rule.after(rule.begin, False, 0.1), False, 0.2), True, 10.05)
    assert rule.opens(alone)  # both successes left with their bucket, though not 10 s old


@pytest.mark.parametrize("rule", [Among(2, math.inf, 10.0, 2.0), InARowLately(2, 10.0, 2.0)])
def test_a_failure_may_be_forgotten_with_others_of_its_bucket(rule: Rule) -> None:
    def may_open(age_s: float) -> set[bool]:
        return set(rule.may_open(rule.after(rule.after(rule.begin, True, 0.0), True, age_s), 0.1))

    assert may_open(7.8) == {True}
    assert may_open(8.5) == may_open(11.5) == {True, False}
    assert may_open(12.2) == {False}


def test_nothing_opens_never() -> None:
    assert not any(openings(Never(), [(float(at), True) for at in range(50)]))


@pytest.mark.parametrize(
    ("wait", "waits_s"),
    [
        (Constant(5.0), [5, 5, 5, 5]),
        (Growing(2.0, factor=3.0, most_s=20.0), [2, 6, 18, 20]),
        (Multiplied(30.0, most_s=100.0), [30, 60, 90, 100]),
        (Ticking(Multiplied(8.0, most_s=8.0), 1.0), [8, 8, 8, 8]),
    ],
)
def test_waits(wait: Wait, waits_s: list[float]) -> None:
    assert [wait.wait_s(times) for times in (1, 2, 3, 4)] == waits_s


def test_without_trials_it_counts_anew_when_its_wait_is_over() -> None:
    breaker = Breaker(Rules(opens=InARow(2), wait=Multiplied(4.0), trials=Nobody()))
    let = []
    for at_s in (0.0, 1.0, 4.9, 5.0, 5.5, 9.0, 13.4, 13.5):
        leave = breaker.ask(at_s)
        let.append(leave is not None)
        if leave is not None:
            breaker.tell(leave, Result.FAILURE, at_s)
    assert let == [True, True, False, True, True, False, False, True]
    assert breaker.trips == [1.0, 5.5]


def test_trials_judged_by_their_share() -> None:
    rules = Rules(opens=InARow(1), wait=Constant(1.0), trials=ByShare(trials=4, share=0.5))
    breaker = Breaker(rules)
    first = breaker.ask(0.0)
    assert first is not None
    breaker.tell(first, Result.FAILURE, 0.0)
    passes = [breaker.ask(1.0) for _ in range(6)]
    assert [one is not None for one in passes] == [True] * 4 + [False] * 2
    for one, failed in zip(passes, (True, False, False, False), strict=False):
        assert one is not None
        breaker.tell(one, result_of(failed), 1.5)
    assert breaker.reopens_s is None


@given(calls=st.lists(st.tuples(st.sampled_from([0.01, 0.05]), st.booleans()), max_size=30),
       threshold=st.integers(1, 4), successes=st.integers(1, 3))  # fmt: skip
def test_in_a_row_is_what_pybreaker_does(
    calls: list[tuple[float, bool]], threshold: int, successes: int
) -> None:
    pybreaker = import_module("pybreaker")
    theirs = pybreaker.CircuitBreaker(
        fail_max=threshold, reset_timeout=1000, success_threshold=successes
    )
    trials = EachAlone(successes=successes)
    ours = Breaker(Rules(opens=InARow(threshold), wait=Constant(1000.0), trials=trials))
    now_s = 0.0
    for gap_s, failed in calls:
        now_s += gap_s
        if failed is False and theirs.current_state == "open":
            theirs.half_open()  # its wait is over: a clock of its own has no say here
            now_s = max(now_s, ours.reopens_s or 0.0)
        leave = ours.ask(now_s)
        try:
            theirs.call(_act, failed)
            admitted = True
        except pybreaker.CircuitBreakerError:
            admitted = leave is not None  # the call that trips it raises the same
            assert theirs.current_state == "open"
        except ZeroDivisionError:
            admitted = True
        assert (leave is not None) is admitted
        if leave is not None:
            ours.tell(leave, result_of(failed), now_s)
        assert (ours.reopens_s is not None) is (theirs.current_state != "closed")


def _act(failed: bool) -> None:
    if failed:
        raise ZeroDivisionError


def test_in_a_row_is_what_circuitbreaker_does(monkeypatch: pytest.MonkeyPatch) -> None:
    circuitbreaker = import_module("circuitbreaker")
    clock = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(circuitbreaker, "monotonic", lambda: clock[0])
    theirs = circuitbreaker.CircuitBreaker(failure_threshold=2, recovery_timeout=5)
    guarded = theirs(_act)
    ours = Breaker(Rules(opens=InARow(2), wait=Constant(5.0)))
    for failed in (True, False, True, True):
        leave = ours.ask(clock[0])
        assert leave is not None
        ours.tell(leave, result_of(failed), clock[0])
        with contextlib.suppress(ZeroDivisionError):
            guarded(failed)
        assert theirs.opened is (ours.reopens_s is not None)
        clock[0] += 1.0
    assert ours.ask(clock[0]) is None
    with pytest.raises(circuitbreaker.CircuitBreakerError):
        guarded(False)


@given(
    attempt=st.integers(1, 12),
    first_s=st.sampled_from([0.1, 1.0]),
    factor=st.sampled_from([1.0, 2.0, 3.0]),
    shorter=st.sampled_from([0.0, 0.5, 1.0]),
)
def test_a_backoff_that_grows(attempt: int, first_s: float, factor: float, shorter: float) -> None:
    wait_s = first_s
    for _ in range(attempt - 1):
        wait_s *= factor
    wait_s = min(5.0, wait_s)
    own = Exponential(first_s, factor, 5.0, shorter, 0.25)
    assert own.between_s(attempt) == pytest.approx((wait_s * (1 - shorter), wait_s + 0.25))


@pytest.mark.parametrize("wait", [Growing(2.0, 3.0, 20.0), Multiplied(30.0, 100.0)])
def test_waits_tell_openings_apart_until_the_longest(wait: Wait) -> None:
    for times in range(1, 20):
        assert wait.wait_s(wait.told_apart(times)) == wait.wait_s(times)
    assert wait.told_apart(19) == wait.told_apart(20)


@given(failing=st.lists(st.booleans(), max_size=20), threshold=st.integers(1, 4))
def test_in_a_row_is_what_purgatory_does(failing: list[bool], threshold: int) -> None:
    purgatory = import_module("purgatory")
    opened = import_module("purgatory.domain.model").OpenedState
    factory = purgatory.SyncCircuitBreakerFactory(default_threshold=threshold, default_ttl=1000)
    ours = Breaker(Rules(opens=InARow(threshold), wait=Constant(1000.0)))
    for failed in failing:
        leave, admitted = ours.ask(0.0), True
        try:
            with factory.get_breaker("mail"):
                _act(failed)
        except ZeroDivisionError:
            pass
        except opened:
            admitted = False
        assert (leave is not None) is admitted
        if leave is not None:
            ours.tell(leave, result_of(failed), 0.0)
