"""Breakers by a share in which calls count as they begin, held against a model that counts so."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from harness.policy.begun import CountsBegun
from harness.policy.breaker import Rules
from harness.policy.rules import UnderWay
from harness.policy.settings import ServiceSettings
from harness.policy.shares import ShareOfAll, ShareOfSeconds
from harness.policy.waits import Constant
from harness.wire.beside import Beside
from harness.wire.breaker import read
from harness.wire.outcomes import Outcomes
from harness.wire.policy import declared
from harness.wire.states import Reading
from tests.unit.wire.driving import Calls, driven, spans

WAIT_S, TIE_S = 4.0, 0.002
CALLS = st.lists(
    st.tuples(st.sampled_from([0.1, 0.7, 2.1]), st.sampled_from([0.05, 0.5, 3.1]), st.booleans()),
    min_size=5,
    max_size=40,
)


class Counting:
    """gobreaker (no `window_s`) or opossum: requests count as they begin, in their window."""

    def __init__(
        self, share: float, least: int, window_s: float = math.inf, *, keeps: bool
    ) -> None:
        self.share, self.least, self.window_s, self.keeps = share, least, window_s, keeps
        self.begun_s: list[float] = []
        self.failed_s: list[float] = []
        self.until_s: float | None = None
        self.trial = False
        self.era = 0

    def ask(self, now_s: float) -> int | None:
        if self.keeps:
            self.begun_s.append(now_s)  # opossum's `fires`, rejected or not
        if self.until_s is not None and (now_s < self.until_s or self.trial):
            return None
        self.trial = self.until_s is not None
        if not self.keeps:
            self.begun_s.append(now_s)
        return self.era

    def tell(self, era: int, failed: bool, now_s: float) -> None:
        if failed:
            self.failed_s.append(now_s)
        if era != self.era:
            return
        begun, failures = (
            sum(now_s - one_s < self.window_s for one_s in each)
            for each in (self.begun_s, self.failed_s)
        )
        if self.trial and not failed:
            self._change(None)
        elif self.trial or (failed and begun >= self.least and failures >= self.share * begun):
            self._change(now_s + WAIT_S)

    def _change(self, until_s: float | None) -> None:
        self.until_s, self.trial, self.era = until_s, False, self.era + 1
        if not self.keeps:
            self.begun_s, self.failed_s = [], []


def played(breaker: Any, calls: Calls, declares: CountsBegun) -> Reading:
    made, asked = driven(calls, breaker.ask, breaker.tell)
    requests: list[Any] = [
        SimpleNamespace(at_s=at_s, end_s=end_s, status=200) for at_s, end_s in spans(calls)
    ]
    demands: list[Any] = [
        SimpleNamespace(request=requests[one.id], attempts=(one,)) for one in made
    ]
    beside = Beside(requests, demands, [(one,) for one in made], lambda at_s: TIE_S)
    rules = Rules(opens=declares, wait=Constant(WAIT_S))
    own = ServiceSettings(attempts=1, timeout_s=5.0, breaker=rules)
    outcomes = Outcomes(declared(own), 5.0, beside=beside)
    return read(made, asked, outcomes, tie_s=lambda at_s: TIE_S)


class Never:
    """It lets everybody through."""

    def ask(self, now_s: float) -> int:
        return 0

    def tell(self, era: int, failed: bool, now_s: float) -> None:
        """Nothing."""


@given(calls=CALLS, share=st.sampled_from([0.3, 0.6, 1.0]), least=st.integers(1, 6))
@example(calls=[(0.1, 3.1, True)] * 3 + [(0.1, 0.05, True)] * 3, share=0.6, least=6)
def test_a_sound_one_is_explained_whatever_is_under_way(calls, share, least) -> None:
    declares = CountsBegun(ShareOfAll(share, least))
    assert played(Counting(share, least, keeps=False), calls, declares).refutation is None


@given(calls=CALLS, share=st.sampled_from([0.3, 0.6, 1.0]), least=st.integers(1, 6))
def test_a_sound_one_with_a_window_is_explained_though_it_counts_whom_it_turned_away(
    calls, share, least
) -> None:
    declares = CountsBegun(ShareOfSeconds(share, 6.0, least))
    assert played(Counting(share, least, 6.0, keeps=True), calls, declares).refutation is None


@pytest.mark.parametrize("share", [ShareOfAll(0.6, 6), ShareOfSeconds(0.6, 10.0, 6)])
def test_one_that_never_opens_or_late_is_refuted(share) -> None:
    """Nobody was held to when such a share opens: one that never did passed."""
    declares = CountsBegun(share)
    failing = [(0.7, 0.05, True)] * 14
    assert played(Never(), failing, declares).refutation is not None
    late = [*[(0.1, 0.05, False)] * 4, *[(0.4, 0.05, True)] * 20]
    for own, refuted in ((0.6, False), (0.75, True)):
        breaker = Counting(own, 6, share.reach[1] or math.inf, keeps=False)
        assert (played(breaker, late, declares).refutation is not None) is refuted


def test_calls_that_hang_may_put_it_off() -> None:
    """Six failures of thirteen begun: seven more are under way."""
    share = ShareOfAll(0.6, 6)
    state = share.begin
    for _ in range(6):
        state = share.after(state, True, 0.0)
    assert share.surely_reached(state, 0.1, UnderWay(4, 1.0))
    assert not share.surely_reached(state, 0.1, UnderWay(7, 1.0))


def test_what_it_is_instead_is_said() -> None:
    (first, never), *others = CountsBegun(ShareOfAll(0.6, 6)).rivals(1)
    assert (first, never.says) == ("never opens", "nothing")
    assert any(words.startswith("opens at 80% failures of all") for words, _ in others)
