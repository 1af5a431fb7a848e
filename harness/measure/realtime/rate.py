"""A breaker that opens by a share of failures: over which calls or seconds, from how many on.

Each ground is asked for so many successes, pauses or not, and then fails until it opens: how many
failures that takes tells the share, the least number, and what a window has forgotten.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable

from harness.engines.tasks import together
from harness.measure.findings import Findings, Span
from harness.measure.realtime.budget import Budget
from harness.measure.realtime.doses import MOST, MOST_S, Contrast, Dose, Fresh, bounds_of, dose
from harness.measure.realtime.looks import Look
from harness.measure.realtime.windows import find_window
from harness.units import plural

_SUCCESSES = (4, 10, 30, 90, 200)
_PLAIN = 30
_VAGUE = 0.3
"""A share with wider bounds than this is none."""
_SLOW_S = 1.0
"""Calls that take longer are too slow to be counted one after another."""


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

    async def after(successes: int, pause_s: float = 0.0, every_s: float = math.inf) -> Dose:
        most_s = min(MOST_S, budget.left_s / 2)
        return await fresh(
            lambda ground: dose(
                ground,
                kind,
                successes=successes,
                pause_s=pause_s,
                every_s=every_s,
                results=results,
                most_s=most_s,
            )
        )

    counts = (0, *_SUCCESSES, *([1] if results > 1 else []))
    alone, *others = await together(*map(after, counts))
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
        await find_window(found, contrast, after, budget, doubt)
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
        own_low, own_high = bounds_of(alone, successes, one, doubt)
        if own_high <= low:
            return successes
        low = max(low, own_low)
    return None


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
    bounds = [bounds_of(alone, successes, one, doubt, window) for successes, one in tried.items()]
    return max(low for low, _ in bounds), min(high for _, high in bounds)


def _windows(alone: int, tried: dict[int, Dose], doubt: int) -> dict[int, tuple[float, float]]:
    """Windows of calls that explain all doses, each with the bounds of the share that it needs."""
    numbers = range(alone, max(tried) + MOST)
    each = {n: _share_of_all(alone, tried, doubt, n) for n in numbers}
    return {window: (low, high) for window, (low, high) in each.items() if low < high}
