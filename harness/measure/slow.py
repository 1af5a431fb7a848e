"""Good answers that come late: whether they open the breaker, from when on, and how they count.

Many at once first, as late as the timeout lets them be; then ever less late. A share of their own
is told as one of failures is, and apart from it by failures and slow answers together.
"""

from __future__ import annotations

import math

from harness.measure.bench import GAP_S, Bench
from harness.measure.experiment import KINDS, Spell
from harness.measure.findings import Findings, Span
from harness.measure.rate import share_after
from harness.measure.recovery import trial_course
from harness.measure.signs import Opened
from harness.units import plural

SLOW = "slow"
_AT_ONCE = 60
_APART_S = 0.002
_OF_TIMEOUT = 0.9
_MOST_S = 20.0
_ROUNDS = 10
_NEAR_S = 0.02
_NEAR = 0.01
_SETTLE_S = 60.0


async def find_slow(bench: Bench, opened: Opened) -> None:
    """How late an answer is slow, and what slow ones do; what was found is noted."""
    found = bench.findings
    if bench.queues or bench.goes_on or found.timeout is None:
        return
    latest_s = min(_OF_TIMEOUT * found.timeout.low_s, _MOST_S)
    if not await _many_open(bench, latest_s):
        found.saw(f"{_AT_ONCE} good answers {latest_s:.3g} s late open nothing")
        return
    low, high = 0.0, latest_s
    for _ in range(_ROUNDS):
        if high - low <= max(_NEAR_S, _NEAR * high):
            break
        middle = (low + high) / 2
        low, high = (low, middle) if await _many_open(bench, middle) else (middle, high)
    # What the gateway times has begun before, and ends after, what is late.
    found.slow = Span(low_s=low, high_s=high + bench.lasts_s[None])
    bench.late_s, bench.tries[SLOW] = latest_s, 1
    if found.breaker.rule == "rate":
        await _share(bench, opened)
    elif found.breaker.threshold is not None:
        await _one_more(bench, opened)
    if found.slow_is is None:
        found.cannot_tell(
            "breaker.slow_share", "slow answers open it, but neither as failures nor by a share"
        )


async def _many_open(bench: Bench, late_s: float) -> bool:
    """Whether many good answers at once, so late, open it."""
    begin_s, over_s = 1.0, 1.0 + _AT_ONCE * _APART_S + late_s + 0.5
    sends = [begin_s + index * _APART_S for index in range(_AT_ONCE)]
    spells = [_late(late_s, begin_s - 0.005, over_s)]
    return await _shut_after(bench, sends, spells, over_s + 0.1)


def _late(late_s: float, from_s: float, to_s: float) -> Spell:
    return Spell(fault={"fault": "delay", "delay": f"{late_s:.6f}s"}, from_s=from_s, to_s=to_s)


async def _shut_after(bench: Bench, sends: list[float], spells: list[Spell], at_s: float) -> bool:
    """Whether a request after all of these is turned away."""
    reading = await bench.play_overlapping([*sends, at_s], spells, _SETTLE_S)
    return not reading.seen[-1].tries


async def _one_more(bench: Bench, opened: Opened) -> None:
    """Whether a slow answer is the last failure that it takes to open it."""
    if await _mixed(bench, opened.kind, opened.calls - 1, 1):
        bench.findings.slow_is = "failure"
        bench.findings.saw("a slow answer counts as a failure")


async def _mixed(bench: Bench, kind: str, failing: int, slow: int, good: int = 0) -> bool:
    """Whether calls that meet a kind, one after another, then good and slow ones open it."""
    at_s, sends = 1.0, []
    for _ in range(failing):
        sends.append(at_s)
        at_s += bench.lasts_s[kind] + GAP_S
    spells = []
    if failing:
        spells.append(Spell(fault=KINDS[kind], from_s=0.995, to_s=at_s - GAP_S / 2))
    for _ in range(good):
        sends.append(at_s)
        at_s += bench.lasts_s[None] + GAP_S
    over_s = at_s + slow * _APART_S + bench.late_s + 0.5
    sends += [at_s + index * _APART_S for index in range(slow)]
    spells.append(_late(bench.late_s, at_s - GAP_S / 4, over_s))
    return await _shut_after(bench, sends, spells, over_s + 0.1)


async def _share(bench: Bench, opened: Opened) -> None:
    """Their share, and whether failures make it up with them."""
    found, own = bench.findings, bench.findings.breaker
    if own.share is None or own.least is None:
        return
    share = await share_after(bench, SLOW)
    if share is None:
        return
    number = int(own.least.high_s)
    failing = max(0, math.ceil(own.share.low_s * number) - 1)
    slow = min(number - failing, max(0, math.ceil(share.low_s * number) - 1))
    good = number - failing - slow
    if not slow or (failing + slow) / number < own.share.high_s:
        return
    if await _mixed(bench, opened.kind, failing, slow, good):
        found.slow_is = "failure"
        found.saw("failures and slow answers make up one share")
        return
    found.slow_is, own.slow_share = "share", share
    found.saw(f"of {number} results {failing} failures and {slow} slow ones do not open it")
    await _slow_trials(bench, opened, found)


async def _slow_trials(bench: Bench, opened: Opened, found: Findings) -> None:
    """Which share of slow ones among good trials opens it again: of one that is let through alone,
    or of all that are judged together.
    """
    own = found.breaker
    trials = own.trials or 0
    if own.wait is None or (trials != 1 and own.trials_share is None):
        return
    for slow in range(1, trials + 1):
        if await _opens_again(bench, opened, slow, trials - slow):
            own.trials_slow_share = Span(low_s=(slow - 1) / trials, high_s=slow / trials)
            found.saw(
                f"{slow} slow ones of {plural(trials, 'trial')} open it again, {slow - 1} don't"
            )
            return


async def _opens_again(bench: Bench, opened: Opened, slow: int, good: int) -> bool:
    """Whether so many slow trials, then so many good ones, leave a request turned away."""
    course = trial_course(bench, opened, [])
    base, begin_s = course.experiment(), course.now_s
    over_s = begin_s + slow * (bench.late_s + GAP_S)
    late = [begin_s + index * (bench.late_s + GAP_S) for index in range(slow)]
    in_time = [over_s + 0.5 + index * (bench.lasts_s[None] + GAP_S) for index in range(good)]
    spells = [*base.spells, _late(bench.late_s, begin_s - 0.005, over_s + 0.25)]
    at_s = max([over_s + 0.5, *in_time]) + bench.lasts_s[None] + GAP_S
    return await _shut_after(bench, [*base.sends, *late, *in_time], spells, at_s)
