"""How long what came before counts: pauses of many lengths at once, and closer ones between two."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from functools import partial
from typing import Protocol, TypeVar

from harness.engines.tasks import call_off
from harness.measure.findings import MOVED_BY_CALLS, Findings, Span
from harness.measure.realtime.budget import Budget
from harness.measure.realtime.doses import Contrast, Dose, bounds_of, more

PAUSES_S = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0)
BUCKETS = 10
"""A window of so many buckets forgets what is nine tenths of it old."""
_BETWEEN = 6
"""So many pauses share out what is left between two of them."""
_LONG_S = 30.0
"""What still counts after so long is taken to count for good."""
_EVERY_S = 1.0
_Shown = TypeVar("_Shown")


class After(Protocol):
    """A dose on a fresh world after so many successes and a pause, in which one more succeeds
    every so often.
    """

    def __call__(
        self, successes: int, pause_s: float = 0.0, every_s: float = math.inf
    ) -> Awaitable[Dose]:
        """What it took."""
        ...


async def by_pause(
    after: Callable[[float], Awaitable[_Shown]], pauses: Sequence[float]
) -> AsyncGenerator[_Shown, None]:
    """What each pause shows, the shortest first; all of them begin at once."""
    tasks = [asyncio.ensure_future(after(pause)) for pause in pauses]
    try:
        for task in tasks:
            yield await task
    finally:
        await call_off(tasks)


def room_between(low_s: float, high_s: float, budget: Budget) -> list[float]:
    """Pauses that share out what is left between two of them, as far as there is time."""
    step = (high_s - low_s) / (_BETWEEN + 1)
    pauses = [low_s + step * (number + 1) for number in range(_BETWEEN)]
    return [pause_s for pause_s in pauses if pause_s + 8 < budget.left_s]


async def find_window(
    found: Findings,
    contrast: Contrast,
    after: After,
    budget: Budget,
    doubt: int,
) -> None:
    """Pauses after which successes are forgotten, and those after which they are not.

    `doubt`: by so many failures fewer it may have been open already.
    """
    low, high = 0.0, math.inf
    pauses: list[float] = [p for p in PAUSES_S if p + 8 < budget.left_s]
    for _ in range(2):
        if not pauses:
            break
        async with aclosing(by_pause(partial(after, contrast.successes), pauses)) as doses:
            async for one in doses:
                if one.failures == contrast.after:
                    low = max(low, one.since_first_s)
                elif more(one, contrast.alone):
                    low = max(low, one.last_to_first_s)
                else:
                    high = min(high, one.last_to_end_s)
                    break  # longer ones say the same
        if math.isinf(high) or high - low < 0.3:
            break
        if low > high:  # it forgets by buckets, or in steps of a second
            break
        pauses = room_between(low, high, budget)
    if math.isinf(high):
        await _without_end(found, contrast, after, low, doubt)
    else:
        widest_s = max(low, high) * BUCKETS / (BUCKETS - 1)
        found.breaker.window_s = Span(low_s=min(low, high), high_s=widest_s)
        found.saw(f"successes of {low:.2f} s before still count, of {high:.2f} s before no more")


async def _without_end(
    found: Findings, contrast: Contrast, after: After, kept_s: float, doubt: int
) -> None:
    """Whether all results since it closed count, as after a pause, where calls come in it, too:
    there are windows that only calls move on (cockatiel's).
    """
    share, said = found.breaker.share, f"what came {kept_s:.0f} s before still counted"
    if share is None or kept_s < _LONG_S:
        found.cannot_tell("breaker.window_s", f"{said}; longer was not tried")
        return
    busy = await after(contrast.successes, kept_s, _EVERY_S)
    low, high = bounds_of(contrast.alone, busy.successes, busy, doubt)
    if low < share.high_s and share.low_s < high:
        found.breaker.counts_all = True
        found.saw(f"{said}, {busy.successes - contrast.successes} successes in between or none")
    else:
        found.cannot_tell(
            "breaker.window_s",
            f"{said} after a pause, but not where calls succeeded in between: {MOVED_BY_CALLS}",
        )
