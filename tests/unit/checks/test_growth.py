"""What judging costs grows as the history does: no check looks at every pair of things in it.

Counted in lines of the harness that are run, which no other process makes more of.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

from harness.judge import judge_case
from harness.verdict import Verdict
from harness.wire.attempts import SUCCESS, Attempt
from harness.wire.queueing import Need, queue

ONCE = (
    "expect: [{charges: once per charged answer, duplicates: 0}, {breaker: billing, opens: never}]"
)
STRAIGHT = 1.15
"""Times as much as the history is longer: sorting costs a little more than its length."""


def lines_run(work: Callable[[], object]) -> int:
    """How many lines of the harness a piece of work runs, turns of a loop counted each."""
    count = 0

    def count_lines(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal count
        count += event == "line"
        return count_lines

    def enter(frame: FrameType, *_: Any) -> Any:
        return count_lines if "/harness/" in frame.f_code.co_filename else None

    before = sys.gettrace()
    sys.settrace(enter)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


def charged(world, requests: int):
    """Chats that are charged, each twice; so that a charge can't be given to any of them, too."""
    shown = world().warmed_up(reaches=("auth", "billing"), charge=True)
    shown.end_s = requests + 10.0
    for number in range(requests):
        at_s = float(number)
        shown.request("chat", number + 1, at_s, 200, body={"response": "hi", "charged": True})
        shown.call("auth", at_s + 0.001)
        shown.call("billing", at_s + 0.003, "POST /charge")
        shown.charge(at_s + 0.004).charge(at_s + 0.5)
    return shown


def test_four_times_the_charged_requests_cost_four_times_as_much(case, world):
    cases = {count: case(ONCE, charged(world, count)) for count in (100, 100 * 4)}
    judge_case(case(ONCE, charged(world, 10)))  # what is remembered for good
    judged = {}
    costs = [lines_run(lambda: judged.update({n: judge_case(cases[n])})) for n in cases]  # noqa: B023
    assert all(each.verdict is Verdict.FAILED for each in judged.values()), "each charge twice"
    assert costs[1] <= costs[0] * 4 * STRAIGHT


def serialised(calls: int) -> tuple[list[list[Attempt]], list[Need]]:
    """Calls of a second each, one after the other; each request waits for the one before it."""
    made = [
        Attempt(
            id=k, start_s=k, end_s=k + 0.95, ends_from_s=k + 0.95, results=SUCCESS, source="stub"
        )
        for k in range(calls)
    ]
    needs = [Need(due_s=k - 0.9, began_s=k, end_s=k + 0.95, done_s=k + 0.96) for k in range(calls)]
    return [[attempt] for attempt in made], needs


def test_four_times_the_calls_that_wait_for_each_other_cost_four_times_as_much():
    costs, waited = [], []
    for count in (200, 200 * 4):
        calls, needs = serialised(count)

        def look() -> None:
            found = queue("auth", calls, needs, 0.05, 0.2)  # noqa: B023 - called at once
            waited.append(0 if found is None else found.waited)

        costs.append(lines_run(look))
    assert waited == [199, 799]
    assert costs[1] <= costs[0] * 4 * STRAIGHT
