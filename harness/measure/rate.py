"""A breaker that opens by a share of failures: over which calls or seconds, from how many on.

All of it is told by how many failures open it after so many successes (`doses`). A window of
seconds has forgotten them after a pause, a window of calls has not.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from msgspec import Struct

from harness.measure.among import find_kept
from harness.measure.bench import Bench
from harness.measure.doses import IDLE_S, Contrast, Dose, Results, Tried, alike, dose
from harness.measure.findings import MOVED_BY_CALLS, Span
from harness.measure.kept import successes_for
from harness.measure.signs import Opened, turned_away
from harness.measure.windows import LARGEST, share_of, windows_of

_MOST = 130
"""At the most so many failures are tried in a row."""
_SUCCESSES = (20, 60, 200)
_FEW = (2, 3)
"""Before a window is full a share needs fewer results, which tells it more finely."""
_SLOWLY = 100
_APART_S = 10.0
"""So many successes are so far apart to see whether calls move a window on that no pause does."""
_NARROW = 0.01
"""A window of seconds is known well enough within this share of it."""
_SHORTEST_S = 1.0
_ROUNDS = 14
_VAGUE = 0.3
"""A share with wider bounds than this is none."""


class _Rate(Struct, kw_only=True):
    """What is known of the rule so far."""

    bench: Bench
    kind: str
    tried: dict[int, Dose | None]
    """By how many successes came before, after a long idle time."""
    alone: Dose
    """How many failures open it where nothing else counts."""
    in_turn: int | None = None
    """The same of calls one after another, where each is one result."""

    @property
    def plain(self) -> int:
        """The same, at the most."""
        return self.alone.high

    def share(self) -> tuple[float, float]:
        """Between which shares it is, if everything since the idle time counts."""
        low, high = 0.0, 1.0
        for successes, one in self.tried.items():
            if not successes:
                continue
            if one is None:
                low = max(low, _MOST / (successes + _MOST))
                continue
            high = min(high, one.high / (successes + one.high))
            if successes + one.low - 1 >= self.plain:
                low = max(low, (one.low - 1) / (successes + one.low - 1))
        return low, high


async def find_rate(bench: Bench, opened: Opened, threshold: int | None) -> Contrast | None:
    """What tells a success from nothing, where a share of failures explains when it opens.

    What was found of the rule is noted; so it is where `threshold` failures do it, however many
    successes come before.
    """
    found = bench.findings
    if bench.queues:
        found.cannot_tell("breaker.rule", "not in a row, and its calls wait for each other")
        return None
    idle = await dose(bench, opened.kind, found.by, Results(), _MOST)
    if idle is None:
        found.cannot_tell(
            "breaker.rule",
            f"not in a row: calls one after another opened it, {_MOST} at once did not",
        )
        return None
    rate = _Rate(bench=bench, kind=opened.kind, tried={}, alone=idle)
    if opened.last_tries and (found.by == "call" or bench.tries[opened.kind] == 1):
        rate.in_turn = opened.calls
    for successes in _SUCCESSES:
        before = Results(successes=successes)
        rate.tried[successes] = await dose(bench, opened.kind, found.by, before, _MOST)
    telling = [n for n, one in rate.tried.items() if not alike(one, idle)]
    if not telling:
        if threshold is not None and await find_kept(bench, opened, threshold):
            return None
        # A window full of successes may take as many failures as an empty one needs results.
        few = successes_for(idle.high)
        rate.tried[few] = await dose(bench, opened.kind, found.by, Results(successes=few), _MOST)
        telling = [] if alike(rate.tried[few], idle) else [few]
    if not telling:
        found.cannot_tell(
            "breaker.rule",
            f"{idle.high} failures open it however many successes come before, but not where "
            "successes or a pause come between them",
        )
        return None
    chosen = telling[0]
    contrast = Contrast(alone=idle, successes=chosen, after=rate.tried[chosen])
    before = Results(successes=chosen, pause_s=IDLE_S)
    forgets = await dose(bench, opened.kind, found.by, before, contrast.most)
    known = await (_seconds(rate, contrast) if alike(forgets, idle) else _calls(rate))
    return contrast if known else None


# Seconds


async def _seconds(rate: _Rate, contrast: Contrast) -> bool:
    """The window of seconds, by how old successes may be and still count."""
    found = rate.bench.findings
    whole = dict(rate.tried)
    low, high = rate.share()
    while low >= high and len(rate.tried) > 2:
        # So many successes may take longer than the window, and the first be forgotten by then.
        rate.tried.pop(max(rate.tried))
        low, high = rate.share()
    window = None if low >= high else await _window(rate, contrast)
    left_out = [one for n, one in whole.items() if n not in rate.tried]
    if window is None or any(_lasts_s(one) < window.low_s for one in left_out):
        rate.tried = whole
        return _unexplained(rate)
    own = found.breaker
    own.rule, own.threshold = "rate", None
    _note_share(rate, low, high)
    own.window_s = window
    own.least = await _least(rate, window)
    _say(rate, f"what is older than {window.high_s:.3g} s does not count")
    return True


async def _least(rate: _Rate, window: Span) -> Span:
    """From how many results on the share counts.

    Which failure of a dose opens it isn't known where backoffs differ by chance: then calls one
    after another tell, if they are over within the window.
    """
    bench, low, high = rate.bench, rate.alone.low, rate.alone.high
    if low < high and bench.findings.by == "call":
        course = bench.course().pause(IDLE_S).call(*[rate.kind] * (high + 1))
        calls = (await bench.play(course)).seen[-high - 1 :]
        let = next((n for n, one in enumerate(calls) if turned_away(one)), 0)
        if low <= let <= high and calls[let].sent_s - calls[0].sent_s < window.low_s:
            return Span(low_s=let, high_s=let)
    return Span(low_s=low, high_s=high)


async def share_after(bench: Bench, kind: str) -> Span | None:
    """What share of a kind opens it, where a window is known; None where that can't be told."""
    own = bench.findings.breaker
    calls = own.window_calls
    if own.least is None or (calls is not None and calls.low_s < calls.high_s):
        return None
    window = _MOST * 10 if calls is None else int(calls.low_s)
    low, high = 0.0, 1.0
    for successes in (*_FEW, *_SUCCESSES[:2]) if calls is None else (*_FEW, window):
        before = Results(successes=successes)
        one = await dose(bench, kind, bench.findings.by, before, _MOST)
        if one is None:
            return None
        others = successes + (calls is not None)  # a window of calls holds the warm-up's, too
        high = min(high, one.high / min(window, others + one.high))
        if others + one.low > own.least.high_s:
            low = max(low, (one.low - 1) / min(window, others + one.low - 1))
    return Span(low_s=low, high_s=high) if low < high <= low + _VAGUE else None


def _lasts_s(one: Dose | None) -> float:
    return 0.0 if one is None else one.opened_s - one.first_s


async def _window(rate: _Rate, contrast: Contrast) -> Span | None:
    found = rate.bench.findings
    full, most = contrast.after, contrast.most
    low, high = 0.0, IDLE_S
    pause_s = 30.0
    for _ in range(_ROUNDS):
        before = Results(successes=contrast.successes, pause_s=pause_s)
        one = await dose(rate.bench, rate.kind, found.by, before, most)
        counted, forgotten = alike(one, full), alike(one, contrast.alone)
        if counted and forgotten:
            return None  # where waits differ from call to call, doses may not be told apart
        # As many failures may open it with some of the successes as with all, or none, of them.
        if counted:
            low = max(low, one.closed_s - one.last_s if one is not None else pause_s)
        elif one is None:
            return None
        elif forgotten:
            high = min(high, one.opened_s - one.first_s)
        else:
            low = max(low, one.closed_s - one.last_s)
            high = min(high, one.opened_s - one.first_s)
        if high - low <= max(0.05, _NARROW * high):
            break
        # A dose takes its own time: successes are older by that when it opens something.
        later_s = 0.0 if one is None else one.opened_s - one.last_s - pause_s
        aim_s = math.sqrt(max(low, _SHORTEST_S) * high) if high > 2 * low else (low + high) / 2
        pause_s = max(0.0, aim_s - later_s)
    if low <= high:
        return Span(low_s=low, high_s=high)
    # By buckets: how old a result may be depends on where in its bucket it lies.
    return Span(low_s=high, high_s=low) if low - high < 0.25 * low else None


# Calls


async def _calls(rate: _Rate) -> bool:
    """The window of calls, by how many successes may come between failures."""
    bench = rate.bench
    found = bench.findings
    warm_up = [False]
    tried = [
        Tried(before=[*warm_up, *[False] * successes], low=one.low, high=one.high)
        for successes, one in rate.tried.items()
        if one is not None
    ]
    windows = windows_of(tried, rate.plain + 1)
    for _ in range(_ROUNDS):
        if len(windows) <= 1 or max(windows) - min(windows) == 0:
            break
        more = await _between(rate, sorted(windows))
        if more is None:
            break
        tried.append(more)
        before, windows = windows, windows_of(tried, rate.plain + 1)
        if len(windows) == len(before):
            break
    if not windows:
        return _unexplained(rate)
    shares = windows.values()
    own = found.breaker
    own.rule, own.threshold = "rate", None
    _note_share(rate, min(low for low, _ in shares), max(high for _, high in shares))
    if max(windows) >= LARGEST:
        await _without_end(rate, tried, min(windows))
    else:
        own.window_calls = Span(low_s=min(windows), high_s=max(windows))
    _least_of_calls(rate, windows)
    _say(rate, "a pause forgets nothing")
    return True


async def _without_end(rate: _Rate, tried: Sequence[Tried], least: int) -> None:
    """Whether all results since it closed count, and not only where they come close together:
    there are windows that only calls move on.
    """
    bench, found = rate.bench, rate.bench.findings
    before = Results(successes=_SLOWLY, every_s=_APART_S)
    one = await dose(bench, rate.kind, found.by, before, _MOST)
    results = [False] * (1 + _SLOWLY)
    slowly = [] if one is None else [Tried(before=results, low=one.low, high=one.high)]
    if LARGEST in windows_of([*tried, *slowly], rate.plain + 1):
        found.breaker.counts_all = True
        found.saw(f"at least {least} results count, however far apart")
    else:
        found.cannot_tell(
            "breaker.window_calls",
            f"at least {least} calls count, but not where they are {_APART_S:.0f} s apart: "
            + MOVED_BY_CALLS,
        )


async def _between(rate: _Rate, windows: Sequence[int]) -> Tried | None:
    """Failures, then successes, then a dose: the failures still count in the larger windows."""
    bench, kind = rate.bench, rate.kind
    found = bench.findings
    each = bench.tries[kind] if found.by != "call" else 1
    full = rate.tried[_SUCCESSES[-1]]
    if full is None or full.low - 1 < each:
        return None
    calls = (full.low - 1) // each
    middle = windows[len(windows) // 2]
    apart = max(0, middle - full.low)
    course = bench.course()
    course.call(*[None] * _SUCCESSES[-1], *[kind] * calls, *[None] * apart)
    before = len(course.met)
    more = full.high // each + 2
    reading = await bench.play(course.call(*[kind] * more))
    away = [turned_away(one) for one in reading.seen]
    if any(away[:before]) or True not in away:
        return None
    let = away.index(True) - before
    if let == 0:
        return None
    last = len(reading.seen[before + let - 1].tries) if found.by != "call" else 1
    results = [False] * (1 + _SUCCESSES[-1]) + [True] * (calls * each) + [False] * apart
    high = (let - 1) * each + last
    # Where it is not asked again before a retry, any of the last ones may have been it.
    low = high if last < each or each == 1 else (let - 1) * each + 1
    return Tried(before=results, low=low, high=high)


def _least_of_calls(rate: _Rate, windows: dict[int, tuple[float, float]]) -> None:
    """From how many results on the share counts: what opened it where only failures came.

    One result less may have been too few, or its share too small.
    """
    most, fewest = rate.alone.high + 1, rate.alone.low
    if rate.in_turn is not None and fewest <= rate.in_turn < most:
        # Which failure of a dose opens it isn't known where backoffs differ by chance.
        most, fewest = rate.in_turn + 1, rate.in_turn
    share = max(high for _, high in windows.values())
    one_less = share_of([False], fewest - 1, LARGEST)
    least = fewest + 1 if fewest > 1 and one_less >= share else 1
    rate.bench.findings.breaker.least = Span(low_s=least, high_s=most)


def _note_share(rate: _Rate, low: float, high: float) -> None:
    found = rate.bench.findings
    if high - low > _VAGUE:
        found.cannot_tell("breaker.share", f"it lies between {low:.0%} and {high:.0%}")
    else:
        found.breaker.share = Span(low_s=low, high_s=high)


def _unexplained(rate: _Rate) -> bool:
    shown = ", ".join(
        f"{'no' if one is None else one.high} failures after {n} successes"
        for n, one in rate.tried.items()
    )
    rate.bench.findings.cannot_tell(
        "breaker.rule",
        f"no rule that is known explains what opens it: {rate.plain} failures alone, {shown}",
    )
    return False


def _say(rate: _Rate, more: str) -> None:
    shown = ", ".join(
        f"{'none of ' + str(_MOST) if one is None else one.high} after {n} successes"
        for n, one in rate.tried.items()
    )
    rate.bench.findings.saw(f"{rate.plain} failures alone open it, {shown}; {more}")
