"""The acceptor explains whatever a breaker with any declared policy does, and no odd one's."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.policy.among import Among
from harness.policy.begun import CountsBegun
from harness.policy.breaker import Breaker, Pass, Rules
from harness.policy.counting import Counting, Result
from harness.policy.rules import Rule
from harness.policy.settings import ServiceSettings
from harness.policy.shares import ShareOfAll, ShareOfCalls, ShareOfSeconds
from harness.policy.slow import BySlowShare, OrSlow
from harness.policy.thresholds import InARow, InARowLately, InTotal, InTotalLately, Never
from harness.policy.trials import EVERYBODY, ByShare, EachAlone, Nobody
from harness.policy.waits import Constant, Growing, Multiplied, Ticking
from harness.wire.attempts import Attempt
from harness.wire.breaker import read
from harness.wire.demand import Asked
from harness.wire.outcomes import Outcomes
from harness.wire.policy import declared
from harness.wire.states import Reading
from tests.unit.wire.driving import Calls, driven

RULES = st.builds(
    Rules,
    opens=st.sampled_from(
        [InARow(1), InARow(3), InARowLately(2, 5.0), InTotal(3), InTotalLately(3, 6.0), Never(),
         ShareOfCalls(0.5, 6, 3), ShareOfSeconds(0.5, 10.0, 3), ShareOfSeconds(0.3, 8.0, 2, 2.0),
         ShareOfAll(0.5, 3), ShareOfAll(0.8, 2),
         Among(3, 6, math.inf), Among(2, 5, 6.0), Among(3, math.inf, 5.0)]
    ),
    wait=st.sampled_from([Constant(4.0), Growing(2.0, 2.0, 9.0), Multiplied(3.0, 10.0)]),
    trials=st.sampled_from(
        [EachAlone(), EachAlone(2), EachAlone(1, 2), EVERYBODY, ByShare(3, 0.5), Nobody()]
    ),
    restarted=st.booleans(),
)  # fmt: skip
CALLS = st.lists(
    st.tuples(st.sampled_from([0.7, 1.3, 3.1]), st.sampled_from([0.1, 0.5, 1.1]), st.booleans()),
    min_size=5,
    max_size=40,
)


def played(rules: Rules, calls: Calls, declares: Rules | None = None) -> Reading:
    """What the acceptor makes of calls (the pause before each, how long it takes, whether it
    fails) at a breaker with these rules.
    """
    breaker = Breaker(rules)

    def tell(leave: Pass, failed: bool, at_s: float) -> None:
        breaker.tell(leave, Result.FAILURE if failed else Result.SUCCESS, at_s)

    made, asked = driven(calls, breaker.ask, tell)
    own = ServiceSettings(attempts=1, timeout_s=5.0, breaker=declares or rules)
    return read(made, asked, Outcomes(declared(own), 5.0), tie_s=lambda at_s: 0.002)


@given(rules=RULES, calls=CALLS)
@settings(max_examples=60, deadline=None)
def test_a_sound_one_is_explained(rules: Rules, calls: Calls) -> None:
    assert played(rules, calls).refutation is None


def test_one_that_never_tries_again_is_refuted() -> None:
    declares = Rules(opens=InARow(2), wait=Constant(4.0))
    odd = Rules(opens=InARow(2), wait=Constant(math.inf))
    calls = [(1.0, 0.1, True)] * 2 + [(2.0, 0.1, False)] * 5
    found = played(odd, calls, declares).refutation
    assert found is not None
    assert found.wrong == "no probe"


def test_nobody_is_held_to_when_a_share_opens_in_which_calls_under_way_count() -> None:
    """Opossum's, with calls that hang: it opens before as many results are in, or later. How long
    it waits is held against it as ever.
    """
    wait = Constant(4.0)
    declares = Rules(opens=CountsBegun(ShareOfSeconds(0.5, 10.0, 20)), wait=wait)
    calls = [(1.0, 0.1, True)] * 4 + [(2.0, 0.1, False)] * 5
    for opens in (InARow(2), InARow(4), Never()):
        assert played(Rules(opens=opens, wait=wait), calls, declares).refutation is None
    odd = Rules(opens=InARow(2), wait=Constant(math.inf))
    found = played(odd, calls, declares).refutation
    assert found is not None
    assert found.wrong == "no probe"


def test_a_clock_that_ticks_may_make_it_wait_longer() -> None:
    declares = Rules(opens=InARow(2), wait=Ticking(Constant(4.0), 1.0))
    later = [(pause_s, 0.1, False) for pause_s in (2.0, 1.5, 1.2, 0.7, 0.7)]
    calls = [*[(1.0, 0.1, True)] * 2, *later]
    for wait_s, wrong in ((3.0, "while open"), (4.9, None), (5.9, "no probe")):
        odd = Rules(opens=InARow(2), wait=Constant(wait_s))
        found = played(odd, calls, declares).refutation
        assert (None if found is None else found.wrong) == wrong
    rigid = played(Rules(opens=InARow(2), wait=Constant(4.9)), calls,
                   Rules(opens=InARow(2), wait=Constant(4.0))).refutation  # fmt: skip
    assert rigid is not None


def test_a_late_failure_may_begin_the_wait_anew() -> None:
    """nginx: calls under way when it opens fail 2 s later."""
    declares = Rules(opens=InARow(1), wait=Constant(4.0), restarted=True)
    calls = [(0.5, 1.0, True), (0.5, 3.0, True), (5.0, 0.1, False), (2.5, 0.1, False)]
    assert played(declares, calls).refutation is None
    found = played(declares, calls, Rules(opens=InARow(1), wait=Constant(4.0))).refutation
    assert found is not None
    assert found.wrong == "no probe"


def test_whoever_needs_no_trial_comes_back_as_if_nothing_had_been() -> None:
    declares = Rules(opens=InARow(2), wait=Constant(2.0), trials=Nobody())
    calls = [(0.5, 0.1, True), (0.5, 0.1, True), (2.5, 0.9, False), (0.1, 0.9, True)] * 2
    assert played(declares, calls).refutation is None
    tries_one = Rules(opens=InARow(2), wait=Constant(2.0))
    assert played(tries_one, calls, declares).refutation is not None


def test_trials_judged_together_are_counted_out() -> None:
    declares = Rules(opens=InARow(1), wait=Constant(2.0), trials=ByShare(2, 1.0))
    odd = Rules(opens=InARow(1), wait=Constant(2.0), trials=ByShare(4, 1.0))
    calls = [(0.5, 0.1, True), (2.5, 0.9, True), (0.1, 0.9, True), (0.1, 0.9, True)]
    assert played(declares, calls).refutation is None
    found = played(odd, calls, declares).refutation
    assert found is not None
    assert found.wrong == "two probes"


class AtAnyResult(ShareOfCalls):
    """As resilience4j has it: a success may be the result with which there are enough."""

    def opens(self, state: tuple[bool, ...]) -> bool:
        return len(state) >= self.least and sum(state) >= self.share * len(state)


@pytest.mark.parametrize(
    "share", [ShareOfCalls(0.5, 10, 6), ShareOfSeconds(0.5, 60.0, 6), ShareOfAll(0.5, 6)]
)
def test_a_success_may_be_the_result_with_which_a_share_is_reached(share: Rule) -> None:
    odd = Rules(opens=AtAnyResult(0.5, 10, 6), wait=Constant(4.0))
    calls = [*[(0.5, 0.1, True)] * 5, *[(0.5, 0.1, False)] * 4]
    declares = Rules(opens=share, wait=Constant(4.0))
    assert played(odd, calls, declares).refutation is None
    # With too few failures among them it may not.
    few = [*[(0.5, 0.1, True)] * 2, *[(0.5, 0.1, False)] * 8]
    eager = Rules(opens=AtAnyResult(0.1, 10, 6), wait=Constant(4.0))
    found = played(eager, few, declares).refutation
    assert found is not None
    assert found.wrong == "turned away"


class UnderWayOnly(EachAlone):
    """Home-grown: it lets so many pass at once, however many have been before."""

    def room(self, under_way: int, results: tuple[bool, ...]) -> bool:
        return under_way < self.at_once


def test_trials_may_be_counted_by_those_under_way() -> None:
    """Two at once, two good ones close it: a third begins while the second is under way."""
    calls = [(0.5, 0.1, True), (2.5, 0.9, False), (0.5, 0.9, False), (0.5, 0.9, False)]
    declares = Rules(opens=InARow(1), wait=Constant(2.0), trials=EachAlone(2, 2))
    odd = Rules(opens=InARow(1), wait=Constant(2.0), trials=UnderWayOnly(2, 2))
    assert played(odd, calls, declares).refutation is None
    three = Rules(opens=InARow(1), wait=Constant(2.0), trials=UnderWayOnly(3, 3))
    calls = [(0.5, 0.1, True), (2.5, 0.9, False), (0.1, 0.9, False), (0.1, 0.9, False)]
    assert played(three, calls, declares).refutation is not None


SLOWLY = ServiceSettings(
    attempts=1,
    timeout_s=5.0,
    breaker=Rules(
        opens=OrSlow(ShareOfCalls(0.6, 8, 5), ShareOfCalls(0.8, 8, 5)),
        wait=Constant(4.0),
        trials=BySlowShare(2, 0.6, 0.8),
    ),
    counting=Counting(slow_s=1.5, apart=True),
)


def slowly(takes_s: list[float], away_from: int, pause_s: float = 3.0) -> Reading:
    """Calls that all succeed, and who is turned away after so many of them."""
    made = [
        Attempt(id=n, start_s=n * pause_s, end_s=n * pause_s + took_s,
                ends_from_s=n * pause_s + took_s, results=frozenset({Result.SUCCESS}),
                source="proxy")
        for n, took_s in enumerate(takes_s)
    ]  # fmt: skip
    at_s = away_from * pause_s
    asked = [Asked(asked_s=at_s, by_s=at_s + 0.01, request=99)]
    return read(made, asked, Outcomes(declared(SLOWLY), 5.0), tie_s=lambda at_s: 0.002)


def test_slow_answers_open_a_breaker_that_has_a_share_of_them() -> None:
    assert slowly([2.0, 2.0, 0.1, 2.0, 2.0], 5).refutation is None
    eager = slowly([2.0, 0.1, 0.1, 2.0, 2.0], 5).refutation
    assert eager is not None
    assert eager.wrong == "turned away"
    # Nearly as long as a slow one: it may have been one.
    assert slowly([2.0, 1.45, 0.1, 1.45, 2.0], 5).refutation is None
