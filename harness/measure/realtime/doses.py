"""Doses of failures: how many it takes to open a breaker of a fresh world, whatever came before."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable

from harness.frozen import Frozen
from harness.measure.realtime.ground import Ground

MOST = 130
"""So many calls fail at the most..."""
MOST_S = 45.0
"""...and no longer than this, or than half of the time that is left."""


class Dose(Frozen, kw_only=True):
    """What it took to open a fresh breaker."""

    successes: int = 0
    """How many calls were good before it."""
    failures: int | None
    """How many failed, attempts or calls, whichever count; None: `made` did not open it."""
    made: int
    """How many failed in all."""
    cut_short: bool = False
    """Whether the last call made fewer attempts than others: it opened under way."""
    attempts: int
    """How many attempts the first of them made."""
    since_first_s: float
    """From the first success to the last failure."""
    last_to_first_s: float
    """From the last success to the first failure's result..."""
    last_to_end_s: float
    """...and to the last one's."""


Fresh = Callable[[Callable[[Ground], Awaitable[Dose]]], Awaitable[Dose]]
"""Does something on a ground of its own."""


async def dose(
    ground: Ground,
    kind: str,
    *,
    successes: int,
    pause_s: float = 0.0,
    met: str | None = None,
    results: int = 1,
    most_s: float = MOST_S,
    every_s: float = math.inf,
) -> Dose:
    """Successes (or what they meet instead), a pause, and failures until it is open.

    `results`: how many a failing call gives, where attempts count; `most_s`: how long it may fail;
    `every_s`: so often one more succeeds in the pause.
    """
    if met is not None:
        await ground.hold_kind(met)
    first_s = last_s = ground.now_s
    for number in range(successes):
        one = await ground.call(30.0)
        first_s = first_s if number else one.sent_s
        last_s = one.end_s
    until_s = ground.now_s + pause_s
    while (left_s := until_s - ground.now_s) > 0:
        await ground.rest(min(left_s, every_s))
        if left_s > every_s:
            last_s = (await ground.call(30.0)).end_s
            successes += 1
    await ground.hold_kind(kind)
    from_s = begun_s = ended_s = ground.now_s
    attempts, made, opened, cut_short = 0, 0, False, False
    while not opened and made < MOST * results and ground.now_s - from_s < most_s:
        one = await ground.call(30.0)
        if one.tries:
            attempts = attempts or len(one.tries)
            begun_s = begun_s if made else one.end_s
            ended_s = one.end_s
            made += min(len(one.tries), results)
        cut_short = 0 < len(one.tries) < results
        opened = len(one.tries) < results
    return Dose(
        successes=successes,
        failures=made if opened else None,
        made=made,
        cut_short=cut_short,
        attempts=attempts,
        since_first_s=ended_s - first_s,
        last_to_first_s=begun_s - last_s,
        last_to_end_s=ended_s - last_s,
    )


class Contrast(Frozen, kw_only=True):
    """How many failures open it alone, and after how many successes how many more."""

    alone: int
    successes: int
    after: int | None
    results: int
    """How many a failing call gives."""


def bounds_of(
    alone: int, successes: int, one: Dose, doubt: int, window: float = math.inf
) -> tuple[float, float]:
    """The share that failures after so many successes tell, if the last `window` results count;
    `doubt`: so many of its failures may have come when it was open.
    """

    def share(failures: int) -> float:
        return failures / min(successes + failures, window) if failures < window else 1.0

    if one.failures is None:
        return share(one.made), 1.0
    before = one.failures - doubt - 1
    return 0.0 if successes + before < alone else share(before), share(one.failures)


def more(one: Dose, alone: int) -> bool:
    """Whether it took more failures than alone: what came before still counted."""
    return one.failures is None or one.failures > alone
