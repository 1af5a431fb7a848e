"""A breaker that opens by a share of failures: over which calls or seconds, from how many on.

Each ground is asked for so many successes, pauses or not, and then fails until it opens: how many
failures that takes tells the share, the least number, and what a window has forgotten.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from harness.engines.tasks import call_off, together
from harness.measure.findings import Findings, Span
from harness.measure.realtime.budget import Budget
from harness.measure.realtime.ground import Ground
from harness.measure.realtime.looks import Look
from harness.units import plural

_MOST = 130
"""So many calls fail at the most..."""
_MOST_S = 45.0
"""...and no longer than this, or than half of the time that is left."""
_SUCCESSES = (4, 10, 30, 90, 200)
PAUSES_S = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0)
_PLAIN = 30
_BETWEEN = 6
"""So many pauses share out what is left between two of them."""
BUCKETS = 10
"""A window of so many buckets forgets what is nine tenths of it old."""
_VAGUE = 0.3
"""A share with wider bounds than this is none."""
_SLOW_S = 1.0
"""Calls that take longer are too slow to be counted one after another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dose:
    """What it took to open a fresh breaker."""

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


_Shown = TypeVar("_Shown")

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
    most_s: float = _MOST_S,
) -> Dose:
    """Successes (or what they meet instead), a pause, and failures until it is open.

    `results`: how many a failing call gives, where attempts count; `most_s`: how long it may fail.
    """
    if met is not None:
        await ground.hold_kind(met)
    first_s = last_s = ground.now_s
    for number in range(successes):
        one = await ground.call(30.0)
        first_s = first_s if number else one.sent_s
        last_s = one.end_s
    await ground.rest(pause_s)
    await ground.hold_kind(kind)
    from_s = begun_s = ended_s = ground.now_s
    attempts, made, opened, cut_short = 0, 0, False, False
    while not opened and made < _MOST * results and ground.now_s - from_s < most_s:
        one = await ground.call(30.0)
        if one.tries:
            attempts = attempts or len(one.tries)
            begun_s = begun_s if made else one.end_s
            ended_s = one.end_s
            made += min(len(one.tries), results)
        cut_short = 0 < len(one.tries) < results
        opened = len(one.tries) < results
    return Dose(
        failures=made if opened else None,
        made=made,
        cut_short=cut_short,
        attempts=attempts,
        since_first_s=ended_s - first_s,
        last_to_first_s=begun_s - last_s,
        last_to_end_s=ended_s - last_s,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrast:
    """How many failures open it alone, and after how many successes how many more."""

    alone: int
    successes: int
    after: int | None
    results: int
    """How many a failing call gives."""


async def find_rate(
    fresh: Fresh, found: Findings, opening: Look, budget: Budget, *, in_all: bool = False
) -> Contrast | None:
    """Share, least number and window, as far as they explain when it opens.

    `in_all`: so do as many failures, whatever succeeds between them.
    """
    kind, call_s = opening.kind, max(one.latency_s for one in opening.calls)
    if call_s > _SLOW_S:
        found.cannot_tell(
            "breaker.rule",
            f"not in a row, and its calls take {call_s:.1f} s: too long to count a share of them; "
            "one that fails sooner, with a shorter backoff or timeout, would show it",
        )
        return None
    if found.by is None and opening.tries > 1:
        found.cannot_tell(
            "breaker.rule", "not in a row, and whether attempts or calls count is not known"
        )
        return None
    results = 1 if found.by == "call" else opening.tries

    def after(successes: int, pause_s: float = 0.0) -> Awaitable[Dose]:
        most_s = min(_MOST_S, budget.left_s / 2)
        return fresh(
            lambda ground: dose(
                ground, kind, successes=successes, pause_s=pause_s, results=results, most_s=most_s
            )
        )

    counts = (0, *_SUCCESSES, *([1] if results > 1 else []))
    alone, *others = await together(*(_await(after(count)) for count in counts))
    if alone.failures is None:
        found.cannot_tell(
            "breaker.rule", f"not in a row: {alone.made} failures in a row did not open it"
        )
        return None
    tried = dict(zip(_SUCCESSES, others, strict=False))
    # Who asks its breaker before each attempt is cut short by it in one dose or another: alone, or
    # where one success takes the place of a failure.
    doubt = 0 if any(one.cut_short for one in (alone, *others)) else results - 1
    tried = await _of_one_time(after, alone.failures, tried, doubt)
    telling = [n for n, one in tried.items() if one.failures != alone.failures]
    if not telling:
        between = (
            "or between them: so many in all"
            if in_all
            else "but not where successes or a pause come between them"
        )
        found.cannot_tell(
            "breaker.rule",
            f"{alone.failures} failures open it however many successes come before, {between}",
        )
        return None
    chosen = _PLAIN if _PLAIN in telling else telling[0]
    contrast = Contrast(
        alone=alone.failures, successes=chosen, after=tried[chosen].failures, results=results
    )
    found.breaker.rule = "rate"
    note_share(found, alone.failures, tried, doubt)
    _attempts(found, tried)
    if found.breaker.window_calls is None:
        await _window(found, contrast, after, budget)
    return contrast


async def _of_one_time(
    after: Callable[[int, float], Awaitable[Dose]], alone: int, tried: dict[int, Dose], doubt: int
) -> dict[int, Dose]:
    """Those doses before which no time had passed that made a breaker forget.

    After many successes fewer failures open it than after few: its window holds no more calls, or
    so many took longer than it. Then few of them and a pause as long are forgotten, too.
    """
    odd = _odd(alone, tried, doubt)
    if odd is None:
        return tried
    before = max(n for n in tried if n < odd)
    long_s = tried[odd].since_first_s
    if long_s <= tried[before].since_first_s:
        return tried
    again = await after(before, long_s)
    kept = again.failures == tried[before].failures
    return tried if kept else {n: one for n, one in tried.items() if n < odd}


def _odd(alone: int, tried: dict[int, Dose], doubt: int) -> int | None:
    """The first number of successes after which it took fewer failures than any share explains."""
    low = 0.0
    for successes, one in tried.items():
        own_low, own_high = _bounds(alone, successes, one, doubt)
        if own_high <= low:
            return successes
        low = max(low, own_low)
    return None


def _bounds(
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


def _more(one: Dose, alone: int) -> bool:
    """Whether it took more failures than alone: what came before still counted."""
    return one.failures is None or one.failures > alone


async def _await(one: Awaitable[_Shown]) -> _Shown:
    return await one


def _attempts(found: Findings, tried: dict[int, Dose]) -> None:
    """A failure after many successes opens nothing, so its call makes all of its attempts."""
    counts = {one.attempts for one in tried.values()}
    if found.attempts is None and len(counts) == 1:
        found.attempts = counts.pop()
        found.unknown.pop("attempts", None)
        if found.attempts == 1:
            found.backoffs = ()
            found.unknown.pop("backoff_s", None)
        found.saw(f"{plural(found.attempts, 'attempt')} of a call where successes came before it")


def note_share(found: Findings, alone: int, tried: dict[int, Dose], doubt: int = 0) -> None:
    """From how many failures opened it after how many successes; a window of calls forgets some.

    `doubt`: by so many fewer it may have been open already.
    """
    low, high = _share_of_all(alone, tried, doubt)
    if low >= high:
        windows = _windows(alone, tried, doubt)
        if windows:
            found.breaker.window_calls = Span(low_s=min(windows), high_s=max(windows))
            low = min(low for low, _ in windows.values())
            high = max(high for _, high in windows.values())
    shown = ", ".join(f"{n}: {one.failures or 'never'}" for n, one in tried.items())
    found.saw(f"failures that opened it by successes before: 0: {alone}, {shown}")
    if low >= high:
        found.cannot_tell("breaker.share", "none explains all of what opened it, nor does a window")
    elif high - low > _VAGUE:
        found.cannot_tell("breaker.share", f"{low:.0%} to {high:.0%}: too vague")
    else:
        found.breaker.share = Span(low_s=low, high_s=high)
    # Alone, all of them fail: their number alone is what opens it.
    found.breaker.least = Span(low_s=alone - doubt, high_s=alone)


def _share_of_all(
    alone: int, tried: dict[int, Dose], doubt: int, window: float = math.inf
) -> tuple[float, float]:
    """The bounds of the share that all doses allow; none does where the lower is not below."""
    bounds = [_bounds(alone, successes, one, doubt, window) for successes, one in tried.items()]
    return max(low for low, _ in bounds), min(high for _, high in bounds)


def _windows(alone: int, tried: dict[int, Dose], doubt: int) -> dict[int, tuple[float, float]]:
    """Windows of calls that explain all doses, each with the bounds of the share that it needs."""
    numbers = range(alone, max(tried) + _MOST)
    each = {n: _share_of_all(alone, tried, doubt, n) for n in numbers}
    return {window: (low, high) for window, (low, high) in each.items() if low < high}


async def by_pause(
    after: Callable[[float], Awaitable[_Shown]], pauses: Sequence[float]
) -> AsyncGenerator[_Shown, None]:
    """What each pause shows, the shortest first; all of them begin at once."""
    tasks = [asyncio.create_task(_await(after(pause))) for pause in pauses]
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


async def _window(
    found: Findings,
    contrast: Contrast,
    after: Callable[[int, float], Awaitable[Dose]],
    budget: Budget,
) -> None:
    """Pauses after which successes are forgotten, and those after which they are not."""
    low, high = 0.0, float("inf")
    pauses: list[float] = [p for p in PAUSES_S if p + 8 < budget.left_s]
    for _ in range(2):
        if not pauses:
            break
        async with aclosing(by_pause(partial(after, contrast.successes), pauses)) as doses:
            async for one in doses:
                if one.failures == contrast.after:
                    low = max(low, one.since_first_s)
                elif _more(one, contrast.alone):
                    low = max(low, one.last_to_first_s)
                else:
                    high = min(high, one.last_to_end_s)
                    break  # longer ones say the same
        if high == float("inf") or high - low < 0.3:
            break
        if low > high:  # it forgets by buckets, or in steps of a second
            break
        pauses = room_between(low, high, budget)
    if high == float("inf"):
        found.cannot_tell(
            "breaker.window_s", f"what came {low:.0f} s before still counted; longer was not tried"
        )
    else:
        widest_s = max(low, high) * BUCKETS / (BUCKETS - 1)
        found.breaker.window_s = Span(low_s=min(low, high), high_s=widest_s)
        found.saw(f"successes of {low:.2f} s before still count, of {high:.2f} s before no more")
