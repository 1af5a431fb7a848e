"""Failures that a success doesn't make good, or that are forgotten in time, in real time.

As `measure.among` does it in the simulation, each time on a ground of its own: failures one call
short of opening it, something between, and failures until it is open.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing

from harness.engines.tasks import together
from harness.measure.findings import Findings, Span
from harness.measure.kept import Failures, bounded, note_kept, successes_for
from harness.measure.realtime.budget import Budget
from harness.measure.realtime.ground import Ground
from harness.measure.realtime.looks import Look
from harness.measure.realtime.windows import BUCKETS, PAUSES_S, by_pause, room_between

_DILUTING = 60
_SUCCESSES = 200
_MORE = 3
"""More failing calls than it should take."""
_ROUNDS = 10
_SLACK_S = 0.1
"""By so much the gateway's clock may see two failures nearer or farther apart than the wire."""
_NEAR_S = 0.3

Fresh = Callable[[Callable[[Ground], Awaitable["Failures | None"]]], Awaitable["Failures | None"]]
"""Does something on a ground of its own."""


class _Trial:
    """What comes between failures one call short of opening it and those that do."""

    def __init__(self, fresh: Fresh, opening: Look, threshold: int, *, by_call: bool) -> None:
        self._fresh, self._opening, self.threshold = fresh, opening, threshold
        self._by_call = by_call or opening.tries == 1

    async def after(
        self, successes: int = 0, pause_s: float = 0.0, *, results: bool = False, few: int = -1
    ) -> Failures | None:
        """Where the failures lay that opened it, in seconds or `results`; None where it didn't.

        `few`: so many failing calls come before it, if not one short of opening it.
        """
        few = len(self._opening.calls) - 1 if few < 0 else few

        async def use(ground: Ground) -> Failures | None:
            return await self._play(ground, few, successes, pause_s, results=results)

        return await self._fresh(use)

    async def _play(
        self, ground: Ground, few: int, successes: int, pause_s: float, *, results: bool
    ) -> Failures | None:
        at: list[float] = []
        told = 0

        async def fail() -> bool | None:
            """Whether one more call opened it; None where it made no attempt."""
            nonlocal told
            one = await ground.call(60.0)
            ends = [each.end_s for each in one.tries]
            for end_s in ends[-1:] if self._by_call else ends:
                told += 1
                at.append(float(told) if results else end_s)
            return len(ends) < self._opening.tries if ends else None

        await ground.hold_kind(self._opening.kind)
        for _ in range(few):
            if await fail() is not False:
                return None
        before = len(at)
        await ground.lift()
        await ground.rest(pause_s)
        for _ in range(successes):
            if not (await ground.call(30.0)).tries:
                return None
            told += 1
        await ground.hold_kind(self._opening.kind)
        first = before
        for _ in range(len(self._opening.calls) + _MORE):
            known = len(at)
            opened = await fail()
            if opened is None:
                return Failures(at=at, before=before, first=first)
            first = len(at) if opened or self._by_call else known + 1
            if opened:
                return Failures(at=at, before=before, first=first)
        return None


async def find_kept(fresh: Fresh, found: Findings, opening: Look, budget: Budget) -> bool:
    """Whether failures in all, or among the last calls or seconds, or in a row within so long
    explain when it opens; what was found is noted.
    """
    threshold = found.breaker.threshold
    if threshold is None or threshold < 2 or len(opening.calls) < 2:
        return False
    trial = _Trial(fresh, opening, threshold, by_call=found.by == "call")
    few, many, success = await together(
        trial.after(successes_for(threshold), few=0), trial.after(_DILUTING, few=0), trial.after(1)
    )
    if not all(one is not None and one.kept(threshold) for one in (few, many)) or success is None:
        return False
    if not (success.kept(threshold) or success.forgot(threshold)):
        return False
    low, high = await _window(trial, budget, PAUSES_S)
    window = None if high == math.inf else _widened(low, high)
    if high < math.inf and window is None:
        return False
    if success.forgot(threshold) and not success.kept(threshold):
        if window is not None:
            note_kept(found, "in a row", threshold, seconds=window)
        return window is not None
    if window is not None:
        note_kept(found, "among", threshold, seconds=window)
        return True
    calls = await _calls(trial)
    if calls is not None:
        note_kept(found, "among", threshold, calls=calls)
        return True
    return await _in_all(trial, found, budget)


async def find_forgotten(
    fresh: Fresh, found: Findings, opening: Look, budget: Budget, *, after_s: float
) -> None:
    """Whether failures in a row are forgotten in a longer time than `after_s`, in which they are
    not: as long as there is time for.
    """
    threshold, key = found.breaker.threshold, "breaker.window_s"
    if threshold is None or threshold < 2 or len(opening.calls) < 2:
        return
    trial = _Trial(fresh, opening, threshold, by_call=found.by == "call")
    low, high = await _window(trial, budget, [p for p in PAUSES_S if p > after_s])
    window = None if high == math.inf else _widened(low, high)
    if window is not None:
        note_kept(found, "in a row", threshold, seconds=window)
    elif high < math.inf:
        found.cannot_tell(key, f"failures of {low:.0f} s before count, of {high:.0f} s do not")
    elif low:
        found.saw(f"failures of {low:.0f} s before still count; longer was not tried")


def _widened(low: float, high: float) -> Span | None:
    """A window of seconds, by buckets where its bounds need not meet."""
    span = bounded(max(0.0, low - _SLACK_S), high + _SLACK_S)
    widest_s = max(low, high) * BUCKETS / (BUCKETS - 1)
    return None if span is None else Span(low_s=span.low_s, high_s=max(span.high_s, widest_s))


async def _window(trial: _Trial, budget: Budget, wanted: Sequence[float]) -> tuple[float, float]:
    """Pauses after which failures still count, and those after which they are forgotten."""
    low, high = 0.0, math.inf
    pauses = [p for p in wanted if p + 8 < budget.left_s]
    for _ in range(2):
        async with aclosing(by_pause(lambda pause_s: trial.after(0, pause_s), pauses)) as seen:
            async for one in seen:
                if one is None:
                    continue
                longest, less_than = one.window(trial.threshold)
                low, high = max(low, longest), min(high, less_than)
                if less_than < math.inf:
                    break  # longer ones say the same
        if high == math.inf or high - low < _NEAR_S:
            break
        pauses = room_between(low, high, budget)
    return low, high


async def _calls(trial: _Trial) -> Span | None:
    """Among how many results failures count; None where so many successes make nothing good."""
    low, high = float(trial.threshold), math.inf
    successes = _SUCCESSES
    for _ in range(_ROUNDS):
        seen = await trial.after(successes, results=True)
        if seen is None:
            return None
        longest, less_than = seen.window(trial.threshold)
        low, high = max(low, longest + 1), min(high, less_than)
        if low >= high or high == math.inf:
            break
        successes = int((low + 1 + high) / 2) - trial.threshold
    return bounded(low, high) if high < math.inf else None


async def _in_all(trial: _Trial, found: Findings, budget: Budget) -> bool:
    """How long after the last failure a success makes all of them good, if it does in time."""
    low, high = 0.0, math.inf
    pauses = [p for p in PAUSES_S if p + 8 < budget.left_s]
    for _ in range(2):
        async with aclosing(by_pause(lambda pause_s: trial.after(1, pause_s), pauses)) as seen:
            numbers = iter(pauses)
            async for one in seen:
                pause_s = next(numbers)
                if one is not None and one.forgot(trial.threshold):
                    high = min(high, pause_s + _NEAR_S)
                    break
                if one is not None and one.kept(trial.threshold):
                    low = max(low, pause_s)
        if high == math.inf or high - low < 2 * _NEAR_S:
            break
        pauses = room_between(low, high, budget)
    window = None if high == math.inf else _widened(low, high)
    note_kept(found, "in all", trial.threshold, seconds=window)
    return True
