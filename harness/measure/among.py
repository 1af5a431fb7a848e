"""Breakers that keep failures whatever succeeds, or forget them in time although they are in a row.

One failing call short of opening it comes something that may make these good: a success, a long
pause, both, many successes. What does so tells the rule; then what lies between is made shorter and
longer until the window is known.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable

from harness.measure.bench import GAP_S, Bench
from harness.measure.findings import Span
from harness.measure.kept import Failures, bounded, note_kept, successes_for
from harness.measure.signs import Opened

_PAUSE_S = 1200.0
_SUCCESSES = 200
_ROUNDS = 14
_NARROW = 0.01
_FEW_S = 0.05
"""A window of seconds is known well enough within this or that share of it."""
_MORE = 2
"""More failing calls than it should take."""


async def find_kept(bench: Bench, opened: Opened, threshold: int) -> bool:
    """Whether failures in all, or among the last calls or seconds, or in a row within so long
    explain when it opens; what was found is noted.
    """
    if threshold < 2 or opened.calls < 2:
        return False
    trial = _Trial(bench, opened, threshold)
    few = await trial.diluted(successes_for(threshold))
    if few is None or not few.kept(threshold):
        return False
    success = await trial.after([None])
    if success is None:
        return False
    pause = await trial.after([], _PAUSE_S)
    if success.forgot(threshold):
        if pause is None or not pause.forgot(threshold):
            return False
        return await _seconds(trial, "in a row")
    if not success.kept(threshold) or pause is None:
        return False
    if pause.forgot(threshold):
        return await _seconds(trial, "among")
    if not pause.kept(threshold):
        return False
    both = await trial.after([None], _PAUSE_S)
    if both is not None and both.forgot(threshold):
        return await _in_all(trial)
    calls = await _calls(trial, _SUCCESSES)
    note_kept(bench.findings, "in all" if calls is None else "among", threshold, calls=calls)
    return True


class _Trial:
    """Failures one call short of opening it, something between, and failures until it is open."""

    def __init__(self, bench: Bench, opened: Opened, threshold: int) -> None:
        self.bench, self.threshold = bench, threshold
        self._opened = opened

    async def after(self, between: list[None], pause_s: float = 0.0) -> Failures | None:
        """Where the failures lay that opened it, in seconds; None where it didn't open."""
        few = self._opened.calls - 1
        return await self._after(few, between, pause_s, by_results=False)

    async def diluted(self, successes: int) -> Failures | None:
        """The same with nothing but so many successes before them."""
        return await self._after(0, [None] * successes, 0.0, by_results=False)

    async def among(self, successes: int) -> Failures | None:
        """The same in results, with so many successes between them."""
        few = self._opened.calls - 1
        return await self._after(few, [None] * successes, 0.0, by_results=True)

    async def _after(
        self, few: int, between: list[None], pause_s: float, *, by_results: bool
    ) -> Failures | None:
        bench, kind = self.bench, self._opened.kind
        course = bench.course().call(*[kind] * few).pause(pause_s).call(*between)
        course.call(*[kind] * (self._opened.calls + _MORE))
        reading = await bench.play(course)
        by_call = bench.findings.by == "call" or bench.tries[kind] == 1
        at: list[float] = []
        first, before, results = 0, 0, 0
        for index, (met, one) in enumerate(zip(course.met, reading.seen, strict=True)):
            if index == few:
                before = len(at)
            if met is None:
                if not one.tries:
                    return None
                results += 1
                continue
            if not one.tries:
                return None if index < few else Failures(at=at, before=before, first=first)
            ends = [min(each.end_s, one.end_s) for each in one.tries]
            for end_s in ends[-1:] if by_call else ends:
                results += 1
                at.append(float(results) if by_results else end_s)
            first = len(at) if by_call else len(at) - len(ends) + 1
            if len(ends) < bench.tries[kind]:
                return Failures(at=at, before=before, first=len(at))
        return None


async def _seconds(trial: _Trial, rule: str) -> bool:
    """The window of seconds in which failures count, and one of results beside it."""
    window = await _narrowed(lambda pause_s: trial.after([], pause_s), trial.threshold)
    if window is None:
        return False
    each_s = trial.bench.lasts_s[None] + GAP_S
    room = int(window.low_s / each_s) - 2 * trial.threshold
    many = min(_SUCCESSES, room)
    calls = await _calls(trial, many) if rule == "among" and many > 0 else None
    note_kept(trial.bench.findings, rule, trial.threshold, seconds=window, calls=calls)
    return True


async def _narrowed(
    after: Callable[[float], Awaitable[Failures | None]], threshold: int
) -> Span | None:
    """The window, by pauses that it outlasts or not."""
    low, high, pause_s = 0.0, _PAUSE_S, 0.0
    for _ in range(_ROUNDS):
        seen = await after(pause_s)
        if seen is None:
            return None
        longest, less_than = seen.window(threshold)
        low, high = max(low, longest), min(high, less_than)
        if high - low <= max(_FEW_S, _NARROW * high):
            break
        aim_s = math.sqrt(low * high) if high > 2 * low > 0 else (low + high) / 2
        # Failures before and after the pause are apart by more than it.
        pause_s = max(0.0, aim_s - (seen.at[seen.before] - seen.at[0] - pause_s))
    return bounded(low, high)


async def _calls(trial: _Trial, most: int) -> Span | None:
    """Among how many results failures count; None where so many successes make nothing good."""
    threshold = trial.threshold
    low, high = float(threshold), math.inf
    successes = most
    for _ in range(_ROUNDS):
        seen = await trial.among(successes)
        if seen is None:
            return None
        longest, less_than = seen.window(threshold)
        low, high = max(low, longest + 1), min(high, less_than)
        if low >= high or high == math.inf:
            break
        successes = int((low + 1 + high) / 2) - threshold
    return bounded(low, high) if high < math.inf else None


async def _in_all(trial: _Trial) -> bool:
    """How long after the last failure a success makes all of them good."""
    low, high, pause_s = 0.0, _PAUSE_S, 30.0
    for _ in range(_ROUNDS):
        seen = await trial.after([None], pause_s)
        if seen is None:
            return False
        if seen.kept(trial.threshold):
            low = max(low, pause_s)
        elif seen.forgot(trial.threshold):
            high = min(high, pause_s + 2 * GAP_S + trial.bench.lasts_s[None])
        else:
            return False
        if high - low <= max(2 * _FEW_S + trial.bench.lasts_s[None], _NARROW * high):
            break
        pause_s = math.sqrt(low * high) if high > 2 * low > 0 else (low + high) / 2
    window = bounded(low, high)
    if window is not None:
        note_kept(trial.bench.findings, "in all", trial.threshold, seconds=window)
    return window is not None
