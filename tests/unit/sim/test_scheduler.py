"""The baton's rules, in this process: nothing is patched here."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from harness.engines.sim.scheduler import BOOT_S, Deadlock, Scheduler


def run(kernel: Scheduler, *works: Callable[[], object]) -> None:
    """Run tasks until all have ended."""
    for work in works:
        kernel.spawn("task", work)
    while len(kernel.tasks) > 1:
        kernel.sleep(1.0)


def test_time_jumps_to_the_next_event_and_never_past_it() -> None:
    kernel = Scheduler()
    seen: list[float] = []
    for delay_s in (3.0, 1.0, 2.0):
        kernel.call_later(delay_s, lambda: seen.append(kernel.now_s - BOOT_S))
    kernel.sleep(10.0)
    assert seen == [1.0, 2.0, 3.0]
    assert kernel.now_s == BOOT_S + 10.0


def test_equal_times_run_in_the_order_asked_for() -> None:
    kernel = Scheduler()
    seen: list[int] = []
    for number in range(5):
        kernel.call_later(1.0, seen.append, number)
    kernel.sleep(2.0)
    assert seen == [0, 1, 2, 3, 4]


def test_tasks_take_turns_at_their_waits() -> None:
    kernel = Scheduler()
    seen: list[str] = []

    def work(name: str, nap_s: float) -> None:
        for _ in range(3):
            kernel.sleep(nap_s)
            seen.append(name)

    run(kernel, lambda: work("a", 1.0), lambda: work("b", 1.5))
    # At 3 s both are due; b asked first.
    assert seen == ["a", "b", "a", "b", "a", "b"]


def test_a_wait_ends_early_when_woken_and_in_time_when_not() -> None:
    kernel = Scheduler()
    ends: list[tuple[bool, float]] = []

    def wait() -> None:
        task = kernel.here()
        kernel.call_later(2.0, kernel.wake, task)
        ends.append((kernel.park("it", kernel.now_s + 5.0), kernel.now_s - BOOT_S))
        ends.append((kernel.park("it", kernel.now_s + 5.0), kernel.now_s - BOOT_S))

    run(kernel, wait)
    assert ends == [(True, 2.0), (False, 7.0)]


def test_a_task_is_woken_once() -> None:
    kernel = Scheduler()
    told: list[bool] = []

    def wait() -> None:
        task = kernel.here()
        kernel.call_later(1.0, lambda: told.extend((kernel.wake(task), kernel.wake(task))))
        kernel.park("it", kernel.now_s + 1.0)
        kernel.sleep(1.0)

    run(kernel, wait)
    # Its time was up at the very instant at which it was woken: one of them ended the wait.
    assert told.count(True) <= 1


def test_everything_waiting_names_who_waits_for_what() -> None:
    kernel = Scheduler()
    with pytest.raises(Deadlock, match="main for a miracle"):
        kernel.park("a miracle")


def test_seed_0_is_first_come_first_served_and_others_are_not() -> None:
    def order(seed: int) -> list[int]:
        kernel = Scheduler(seed)
        seen: list[int] = []

        def work(number: int) -> None:
            kernel.sleep(1.0)
            seen.append(number)

        run(kernel, *(lambda number=number: work(number) for number in range(6)))  # type: ignore[misc]
        return seen

    assert order(0) == [0, 1, 2, 3, 4, 5]
    assert order(1) == order(1)
    assert len({tuple(order(seed)) for seed in range(6)}) > 2


def test_os_threads_are_used_again() -> None:
    kernel = Scheduler()
    workers = set()

    def work() -> None:
        workers.add(kernel.here().worker.real_ident)

    for _ in range(5):
        run(kernel, work)
    assert len(workers) == 1


def test_a_clock_that_is_only_read_moves() -> None:
    kernel = Scheduler()
    nudges: list[int] = []
    kernel.on_nudge = lambda: nudges.append(1)
    task = kernel.here()
    for _ in range(1100):
        kernel.count_read(task)
    assert 0 < kernel.now_s - BOOT_S < 2.0
    assert nudges == [1]
