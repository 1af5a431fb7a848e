"""A model of a breaker driven by calls, and what the wire sees of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from harness.policy.counting import Result
from harness.wire.attempts import Attempt
from harness.wire.demand import Asked

Leave = TypeVar("Leave")
Calls = list[tuple[float, float, bool]]
"""How much later than the one before each comes, how long it takes, whether it fails."""


def spans(calls: Calls) -> Iterator[tuple[float, float]]:
    """When each call begins, and when it would be over."""
    now_s = 0.0
    for pause_s, takes_s, _ in calls:
        now_s = round(now_s + pause_s, 3)
        yield now_s, round(now_s + takes_s, 3)


def driven(
    calls: Calls, ask: Callable[[float], Leave | None], tell: Callable[[Leave, bool, float], None]
) -> tuple[Sequence[Attempt], Sequence[Asked]]:
    """The attempts of those that it lets through, and who was turned away."""
    under_way: list[tuple[float, Leave, bool]] = []
    made: list[Attempt] = []
    asked: list[Asked] = []
    for number, (now_s, end_s) in enumerate(spans(calls)):
        failed = calls[number][2]
        over = sorted((one for one in under_way if one[0] <= now_s), key=lambda one: one[0])
        for at_s, leave, was in over:
            tell(leave, was, at_s)
        under_way = [one for one in under_way if one[0] > now_s]
        given = ask(now_s)
        if given is None:
            asked.append(Asked(asked_s=now_s, by_s=now_s + 0.01, request=number))
            continue
        under_way.append((end_s, given, failed))
        result = Result.FAILURE if failed else Result.SUCCESS
        made.append(
            Attempt(id=number, start_s=now_s, end_s=end_s, ends_from_s=end_s,
                    results=frozenset({result}), source="proxy")
        )  # fmt: skip
    return made, asked
