"""What a breaker that counts failures makes of calls, worked out from its rule."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence

from harness.policy.breaker import Breaker, Rules
from harness.policy.counting import Result
from harness.policy.rules import Rule
from harness.policy.thresholds import InARow
from harness.policy.waits import Constant


def first_short(
    met: Sequence[str | None],
    tries: Mapping[str, int],
    *,
    threshold: int,
    by_call: bool,
    rule: Callable[[int], Rule] = InARow,
) -> tuple[tuple[int, int] | None, ...]:
    """Which call is the first that is turned away or cut short, and how many attempts it makes.

    `met`: what each call meets, None for nothing; `tries`: how many attempts a call makes that
    meets a kind. For a breaker that is asked again before each retry, and for one that is not.
    """
    found = []
    for asks_again in (True, False):
        breaker = Breaker(Rules(opens=rule(threshold), wait=Constant(math.inf)))
        made = []
        for kind in met:
            usual = 1 if kind is None else tries[kind]
            results = 1 if by_call else usual
            let = _let_through(breaker, kind is not None, results, asks_again=asks_again)
            made.append((usual if by_call and let else let, usual))
        found.append(first_of(made))
    return tuple(found)


def first_of(calls: Iterable[tuple[int, int]]) -> tuple[int, int] | None:
    """The first call that made fewer attempts than calls do, and how many it made."""
    short = ((index, made) for index, (made, usual) in enumerate(calls) if made < usual)
    return next(short, None)


def _let_through(breaker: Breaker, failed: bool, attempts: int, *, asks_again: bool) -> int:
    """How many attempts of a call a breaker lets through."""
    leave = breaker.ask(0.0)
    for number in range(attempts):
        if number and asks_again:
            leave = breaker.ask(0.0)
        if leave is None:
            return number
        breaker.tell(leave, Result.FAILURE if failed else Result.SUCCESS, 0.0)
    return attempts


def seen_in_a_row(lots: int, successes: int, pause_s: float) -> str:
    """What shows that failures in a row open it; without `lots` of them one call alone did."""
    if not lots:
        return f"one call opens it, which {successes} successes before it do not put off"
    return (
        f"in a row: {lots} lots of failures broken by a success did not open it, nor did "
        f"{successes} successes before or a pause of {pause_s:g} s put it off"
    )
