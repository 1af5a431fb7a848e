"""The breaker as a state machine, on a clock of the test's own (B1-B5)."""

from __future__ import annotations

import threading

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from gateway.resilience import CircuitBreaker, State


class Clock:
    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def breaker_at(*, failures: int = 0, threshold: int = 5, wait_s: float = 60):
    clock = Clock()
    breaker = CircuitBreaker(threshold=threshold, wait_s=wait_s, clock=clock)
    for _ in range(failures):
        breaker.failed(breaker.admit())
    return breaker, clock


def test_b2_opens_at_the_nth_consecutive_failure_and_no_earlier():
    breaker, _ = breaker_at(failures=4)
    assert breaker.snapshot().state is State.CLOSED
    assert breaker.failed(breaker.admit())
    assert breaker.snapshot().state is State.OPEN
    assert breaker.snapshot().failure_count == 5


def test_b1_a_success_resets_the_run():
    breaker, _ = breaker_at(failures=4)
    breaker.succeeded(breaker.admit())
    for _ in range(4):
        breaker.failed(breaker.admit())
    assert breaker.snapshot().state is State.CLOSED


def test_b1_a_neutral_result_neither_counts_nor_resets():
    breaker, _ = breaker_at(failures=4)
    breaker.give_back(breaker.admit())
    assert breaker.snapshot().failure_count == 4
    assert breaker.failed(breaker.admit())


def test_b3_open_rejects_until_the_wait_is_over():
    breaker, clock = breaker_at(failures=5)
    assert breaker.admit() is None
    clock.now_s += 59.999
    assert breaker.admit() is None
    clock.now_s += 0.001
    assert breaker.admit().probe


def test_b4_one_probe_and_the_others_are_rejected():
    breaker, clock = breaker_at(failures=5)
    clock.now_s += 60
    probe = breaker.admit()
    assert [breaker.admit() for _ in range(3)] == [None] * 3
    assert breaker.snapshot().state is State.HALF_OPEN
    assert breaker.succeeded(probe)
    assert breaker.snapshot().state is State.CLOSED
    assert breaker.snapshot().failure_count == 0


def test_b4_a_failed_probe_opens_for_a_full_wait_from_its_failure():
    breaker, clock = breaker_at(failures=5)
    clock.now_s += 60
    probe = breaker.admit()
    clock.now_s += 5
    assert breaker.failed(probe)
    clock.now_s += 59
    assert breaker.admit() is None
    clock.now_s += 1
    assert breaker.admit().probe


def test_b4_after_closing_it_takes_n_failures_again():
    breaker, clock = breaker_at(failures=5)
    clock.now_s += 60
    breaker.succeeded(breaker.admit())
    for _ in range(4):
        breaker.failed(breaker.admit())
    assert breaker.snapshot().state is State.CLOSED


def test_b1_a_probe_answered_429_gives_its_slot_to_the_next_call():
    breaker, clock = breaker_at(failures=5)
    clock.now_s += 60
    first = breaker.admit()
    breaker.give_back(first)
    second = breaker.admit()
    assert second.probe
    assert breaker.admit() is None
    # The first one's result comes too late to count for the second.
    assert not breaker.succeeded(first)
    assert not breaker.failed(first)
    assert breaker.succeeded(second)


def test_b5_a_late_failure_does_not_extend_the_wait():
    breaker, clock = breaker_at(failures=4)
    straggler, last = breaker.admit(), breaker.admit()
    breaker.failed(last)
    clock.now_s += 30
    assert not breaker.failed(straggler)
    clock.now_s += 30
    assert breaker.admit().probe


def test_b5_a_late_success_does_not_close():
    breaker, clock = breaker_at(failures=4)
    straggler, last = breaker.admit(), breaker.admit()
    breaker.failed(last)
    assert not breaker.succeeded(straggler)
    assert breaker.snapshot().state is State.OPEN
    clock.now_s += 60
    breaker.admit()
    assert not breaker.succeeded(straggler)
    assert breaker.snapshot().state is State.HALF_OPEN


def test_b5_a_straggler_of_the_closed_state_before_does_not_count_in_the_one_after():
    breaker, clock = breaker_at(failures=4)
    stragglers = [breaker.admit() for _ in range(6)]
    breaker.failed(breaker.admit())
    clock.now_s += 60
    breaker.succeeded(breaker.admit())
    for straggler in stragglers:
        breaker.failed(straggler)
    assert breaker.snapshot().failure_count == 0


def test_b2_simultaneous_failures_are_all_counted():
    breaker, _ = breaker_at(threshold=10_000)
    permits = [breaker.admit() for _ in range(8 * 500)]

    def fail(mine) -> None:
        for permit in mine:
            breaker.failed(permit)

    threads = [threading.Thread(target=fail, args=(permits[i::8],)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert breaker.snapshot().failure_count == 8 * 500


class AgainstAModel(RuleBasedStateMachine):
    """The contract's section 2 once more, as plainly as can be."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.breaker = CircuitBreaker(threshold=3, wait_s=10, clock=self.clock)
        self.state, self.count, self.opened_s = "closed", 0, 0.0
        self.era = 0
        self.flying: list[tuple[object, int]] = []

    @rule(after_s=st.sampled_from([0, 1, 4, 9.75, 10, 25]))
    def time_passes(self, after_s: float) -> None:
        self.clock.now_s += after_s

    @rule()
    def call(self) -> None:
        permit = self.breaker.admit()
        if self.state == "open" and self.clock.now_s - self.opened_s >= 10:
            self._move("half_open")
            self.probing = False
        allowed = self.state == "closed" or (self.state == "half_open" and not self.probing)
        assert (permit is not None) == allowed
        if permit is not None:
            assert permit.probe == (self.state == "half_open")
            self.probing = self.state == "half_open"
            self.flying.append((permit, self.era))

    @precondition(lambda self: self.flying)
    @rule(which=st.integers(0, 50), result=st.sampled_from(["ok", "failed", "neutral"]))
    def result(self, which: int, result: str) -> None:
        permit, era = self.flying.pop(which % len(self.flying))
        if result == "ok":
            self.breaker.succeeded(permit)
        elif result == "failed":
            self.breaker.failed(permit)
        else:
            self.breaker.give_back(permit)
        if era == self.era:
            self._apply(result)

    def _apply(self, result: str) -> None:
        if result == "neutral":
            if self.state == "half_open":
                self._move("half_open")
                self.probing = False
        elif result == "ok":
            self.count = 0
            if self.state == "half_open":
                self._move("closed")
        else:
            self.count += 1
            if self.state == "half_open" or self.count >= 3:
                self._move("open")
                self.opened_s = self.clock.now_s

    def _move(self, state: str) -> None:
        self.state = state
        self.era += 1

    @invariant()
    def agrees(self) -> None:
        assert self.breaker.snapshot().state.value == self.state
        assert self.breaker.snapshot().failure_count == self.count


AgainstAModel.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestAgainstAModel = AgainstAModel.TestCase
