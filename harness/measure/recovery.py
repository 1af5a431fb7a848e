"""How long the breaker stays open, who may try while it is half open, and what closes it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from copy import deepcopy

from harness.engines.tasks import together
from harness.measure.bench import Bench
from harness.measure.closing import (
    MOST_TRIALS,
    Tried,
    first_wanted,
    judged_together,
    note_closing,
    then_wanted,
)
from harness.measure.experiment import Course
from harness.measure.findings import RESOLUTION_S, Span
from harness.measure.growth import MOST_WAITS, is_longest
from harness.measure.late import find_late
from harness.measure.reading import Reading, Seen
from harness.measure.signs import Opened, turned_away

_SHORTEST_S, _LONGEST_S = 0.05, 2000.0
_STEP = 1.12
"""Each look comes so much later than the one before, at first..."""
_LOOKS = 40
"""...then so many share out what is left between two of them."""
_APART_S = 0.005
"""Never closer together than this."""
_FINE_S, _FINE = 0.01, 0.001
"""Good enough: this, or this share of the wait."""
_TRIALS = 24
"""More than anybody lets through at once while half open."""
_AFTER_S = 2 * RESOLUTION_S
_MOST_SUCCESSES = 5
_SHARES = (0.5, 0.9, 0.97, 1.03, 1.1, 1.3, 1.7, 1.97, 2.03, 2.5, 3.03, 4.03, 8.03)
"""Of the first wait: when it is looked at after a failed trial."""


async def find_recovery(bench: Bench, opened: Opened) -> None:
    """Wait, trials, what closes it, and whether the wait grows."""
    found = bench.findings
    wait = await _wait(bench, opened)
    if wait is None:
        for key in ("trials", "successes"):
            found.cannot_tell(f"breaker.{key}", "it was never seen half open")
        return
    found.breaker.wait = wait
    await _trials(bench, opened, wait)
    await _closing(bench, opened, wait)
    await _growth(bench, opened, wait)
    await find_late(bench, opened, wait)


def opening_course(opened: Opened) -> Course:
    """What opens it, again."""
    return deepcopy(opened.again)


async def _wait(bench: Bench, opened: Opened) -> Span | None:
    """By requests ever later after the trip, then closer together around the first let through."""
    found = bench.findings
    count = math.ceil(math.log(_LONGEST_S / _SHORTEST_S) / math.log(_STEP))
    looks = [_SHORTEST_S * _STEP**index for index in range(count + 1)]
    low, high = 0.0, math.inf
    while math.isinf(high) or high - low > max(_FINE_S, _FINE * high):
        between = await _look(bench, opened, looks)
        if between is None:
            await _never(bench, opened)
            return None
        before = high - low
        low, high = max(low, between[0]), min(high, between[1])
        if high < low:
            found.cannot_tell(
                "breaker.wait_s",
                f"it let a request through after {between[1]:.3f} s, but turned others away "
                f"after {low:.3f} s",
            )
            return None
        if high - low >= before:
            break
        more = max(2, min(_LOOKS, int((high - low) / _APART_S)))
        looks = [low + (high - low) * index / more for index in range(1, more + 1)]
    found.saw(f"open for {high:.3f} s: {low:.3f} s after the trip a request was turned away")
    high += opened.unsure_s
    return Span(low_s=max(0.0, low - RESOLUTION_S), high_s=high + RESOLUTION_S)


async def _look(bench: Bench, opened: Opened, looks: list[float]) -> tuple[float, float] | None:
    """Between which times after the trip it first let a request through."""
    course = opening_course(opened)
    trip_s, over_s = opened.trip_s, course.now_s
    for after_s in looks:
        if trip_s + after_s >= over_s or opened.last_tries:
            course.look(trip_s + after_s)
    return _first_let((await bench.play(course)).seen[opened.calls :], trip_s)


async def _never(bench: Bench, opened: Opened) -> None:
    """Why no request was let through."""
    course = opening_course(opened).pause(_LONGEST_S).call(None)
    reading = await bench.play(course)
    late = reading.seen[-1]
    bench.findings.cannot_tell(
        "breaker.wait_s",
        f"still open {_LONGEST_S:g} s after the trip"
        if turned_away(late)
        else f"a request {_LONGEST_S:g} s after the trip is let through, but not where others were "
        "turned away before: each of them begins the wait anew",
    )


async def _trials(bench: Bench, opened: Opened, wait: Span) -> None:
    """How many requests are let through before the first one's result is in, and what closes it."""
    found = bench.findings
    course = opening_course(opened)
    base = course.experiment()
    begin_s = opened.trip_s + wait.high_s + _AFTER_S
    every_s = 4 * bench.slow_s
    volleys = [
        [begin_s + round_ * every_s + 0.001 * index for index in range(_TRIALS)]
        for round_ in range(_MOST_SUCCESSES)
    ]
    slow = bench.slow(None, begin_s - _AFTER_S / 2, begin_s + _MOST_SUCCESSES * every_s)
    assert slow is not None
    sends = [*base.sends, *(at_s for each in volleys for at_s in each)]
    reading = await bench.play_overlapping(sends, [*base.spells, *slow], 600.0)
    let = [_started(reading, each[0], each[0] + bench.slow_s * 0.9) for each in volleys]
    if let[0] == 0:
        found.cannot_tell("breaker.trials", "nothing was let through after its wait")
        found.cannot_tell("breaker.successes", "nothing was let through after its wait")
    elif let[0] == _TRIALS:
        found.breaker.everybody = True
        found.cannot_tell(
            "breaker.trials", f"all of {_TRIALS} requests at once are let through while half open"
        )
        found.cannot_tell("breaker.successes", "it can't be told when it is closed")
    else:
        found.breaker.trials = let[0]
        found.saw(f"{let[0]} of {_TRIALS} requests at once let through after the wait")
        if bench.queues:
            found.cannot_tell("breaker.successes", "its calls wait for each other in any state")
            return
        closed = next((n for n, count in enumerate(let) if count == _TRIALS), None)
        if closed is None or len(set(let[:closed])) > 1:
            found.cannot_tell("breaker.successes", f"let through in turn: {let}")
        elif let[0] == 1:
            found.breaker.successes = closed


async def _closing(bench: Bench, opened: Opened, wait: Span) -> None:
    """What closes it, where several trials may be under way at once."""
    found = bench.findings
    trials = found.breaker.trials
    if trials is None or trials < 2 or "breaker.successes" in found.unknown:
        return
    if trials > MOST_TRIALS:
        why = f"{trials} trials at once closed it, or some of them"
        found.cannot_tell("breaker.successes", why)
        return

    async def all_of(wanted: Iterator[tuple[int, int]]) -> list[Tried]:
        tried = (_tried(bench, opened, wait, failed, good) for failed, good in wanted)
        return [one for one in await together(*tried) if one is not None]

    seen = await all_of(first_wanted(trials))
    if judged_together(trials, seen):
        seen += await all_of(then_wanted(trials))
    note_closing(found, seen)


async def _tried(bench: Bench, opened: Opened, wait: Span, failed: int, good: int) -> Tried | None:
    """Trials in turn, then many at once; None where not each of the trials was let through."""
    begin_s = opened.trip_s + wait.high_s + _AFTER_S
    course = trial_course(bench, opened, [*[opened.kind] * failed, *[None] * good])
    after_s = course.now_s
    base = course.experiment()
    slow = bench.slow(None, after_s - _AFTER_S / 2, after_s + 4 * bench.slow_s)
    assert slow is not None
    volley = [after_s + 0.001 * index for index in range(_TRIALS)]
    reading = await bench.play_overlapping([*base.sends, *volley], [*base.spells, *slow], 600.0)
    if _started(reading, begin_s, after_s) < failed + good:
        return None
    let = _started(reading, after_s, after_s + bench.slow_s * 0.9)
    return Tried(failed=failed, good=good, let=let, asked=_TRIALS)


def _started(reading: Reading, from_s: float, to_s: float) -> int:
    return sum(from_s - 0.0005 <= one.start_s < to_s for one in reading.tries)


def trial_course(bench: Bench, opened: Opened, kinds: Sequence[str | None]) -> Course:
    """Trials that meet these kinds, one after another, as soon as it is half open."""
    wait = bench.findings.breaker.wait
    assert wait is not None
    course = opening_course(opened)
    return course.until(opened.trip_s + wait.high_s + _AFTER_S).call(*kinds)


async def _growth(bench: Bench, opened: Opened, wait: Span) -> None:
    """Whether it stays open for longer after each failed trial, or all judged together; how far."""
    found = bench.findings
    waits = [wait]
    for _ in range(MOST_WAITS):
        course = _failing_course(bench, opened, waits)
        looked = await _look_again(bench, course, waits[-1])
        if looked is None:
            return
        low, high = looked
        if len(waits) == 1 and low <= wait.high_s and wait.low_s <= high:
            return
        if low == 0.0 and found.breaker.everybody:
            found.breaker.begins_anew = True
            why = "when its wait is over, one failure more does not open it"
            found.cannot_tell("breaker.waits_s", why)
            return
        waits.append(Span(low_s=max(0.0, low - RESOLUTION_S), high_s=high + RESOLUTION_S))
        found.breaker.later_waits = tuple(waits[1:])
        if is_longest(waits[-2], waits[-1]) or waits[-1].low_s > _LONGEST_S:
            break
    shown = ", ".join(f"{one.middle_s:.2f}" for one in waits[1:])
    found.saw(f"after failed trials open for {shown} s")


def _failing_course(bench: Bench, opened: Opened, waits: Sequence[Span]) -> Course:
    """Trials that fail after each of these waits, as soon as it is half open."""
    several = bench.findings.breaker.trials_share is not None
    failing = [opened.kind] * ((bench.findings.breaker.trials or 1) if several else 1)
    course = trial_course(bench, opened, failing)
    for wait in waits[1:]:
        course.until(course.now_s + wait.high_s + _AFTER_S).call(*failing)
    return course


async def _look_again(bench: Bench, course: Course, before: Span) -> tuple[float, float] | None:
    """Between which times after the last trial it let a request through; None: unknown, and why is
    noted.
    """
    found = bench.findings
    trial = len(course.met) - 1
    alone = (await bench.play(deepcopy(course))).seen[trial]
    if turned_away(alone):
        found.cannot_tell("breaker.waits_s", "its trial was turned away")
        return None
    ended_s = max(alone.end_s, alone.tries[-1].end_s)
    trip_s = min(alone.end_s, alone.tries[-1].end_s)
    low, high = 0.0, math.inf
    looks = [share * before.middle_s for share in _SHARES]
    while math.isinf(high) or high - low > max(_FINE_S, _FINE * high):
        own = deepcopy(course)
        for after_s in looks:
            if trip_s + after_s > ended_s + _AFTER_S:
                own.look(trip_s + after_s)
        between = _first_let((await bench.play(own)).seen[trial + 1 :], trip_s)
        if between is None:
            why = "after a failed trial it was not seen half open again"
            found.cannot_tell("breaker.waits_s", why)
            return None
        known = high - low
        low, high = max(low, between[0]), min(high, between[1])
        if high - low >= known or (low <= before.high_s and before.low_s <= high):
            break  # as fine as it gets, or the same wait again
        more = max(2, min(_LOOKS, int((high - low) / _APART_S)))
        looks = [low + (high - low) * index / more for index in range(1, more + 1)]
    return low, high


def _first_let(seen: Sequence[Seen], trip_s: float) -> tuple[float, float] | None:
    """When a request was last turned away after a trip, and when the first was let through."""
    low = 0.0
    for one in seen:
        if not turned_away(one):
            return low, one.sent_s - trip_s
        low = one.sent_s - trip_s
    return None
