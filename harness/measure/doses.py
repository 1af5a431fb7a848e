"""Doses of failures: how many it takes to open the breaker, whatever came before them.

The calls of a dose overlap, so that hundreds of results fall into a second or two and none is too
old to count. All are launched before the first result is in; then follows, in step with the
results, one request after each of them, and the first that is turned away tells which opened it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from harness.frozen import Frozen
from harness.measure.bench import Bench
from harness.measure.experiment import KINDS, Course, Spell
from harness.measure.reading import Reading

IDLE_S = 1500.0
"""Nothing from before this still counts in a window of seconds."""
_EVERY_S = 0.003
"""Between two healthy requests."""
_SHARE = 0.9
"""Of the time until the first result all calls of a dose are launched."""
_LEAST_APART_S = 0.002
_TICK_S = 0.0005
"""Between what the breaker is told and what a client hears, in virtual time."""
_QUICK_S = 0.2
"""Calls whose backoffs take longer than this overlap by themselves."""
_SETTLE_S = 600.0
_LATER = 2
"""So many more requests look whether it is open, each as long after the last as a call takes."""


class Dose(Frozen, kw_only=True):
    """What a dose of failures did."""

    low: int
    high: int
    """Which failure of the dose opened it: at the earliest, at the latest."""
    first_s: float
    last_s: float
    """When the first and the last result before the dose was in; `opened_s` without one."""
    closed_s: float
    """When it was last seen closed..."""
    opened_s: float
    """...and when it was seen open."""
    sends: tuple[float, ...]
    """When its calls were launched, up to when it was seen open."""

    @property
    def launched_s(self) -> float:
        """When the first of them was launched."""
        return self.sends[0]


def alike(one: Dose | None, other: Dose | None) -> bool:
    """Whether two doses may have taken the same number of failures."""
    if one is None or other is None:
        return one is other
    return one.low <= other.high and other.low <= one.high


class Contrast(Frozen, kw_only=True):
    """Two doses that differ by the successes before them."""

    alone: Dose
    """With nothing before it."""
    successes: int
    after: Dose | None
    """With so many successes before it; None where it opened nothing."""

    @property
    def most(self) -> int:
        """Enough failures to tell the two apart."""
        return max(self.alone.high, 0 if self.after is None else self.after.high) + 2


class Results(Frozen, kw_only=True):
    """What comes before a dose: healthy calls, then so long nothing."""

    successes: int = 0
    kind: str | None = None
    """What they met instead of nothing, where that may be a success or not count."""
    every_s: float = _EVERY_S
    """How far apart they are."""
    pause_s: float = 0.0
    idle: bool = True
    """Whether there is nothing for a long time before it all."""


def result_s(bench: Bench, kind: str, by: str | None) -> float:
    """How long after its launch a call that meets a kind gives its (first) result."""
    slowness_s = bench.slowness_s(kind)
    if by != "call":
        return slowness_s
    own = bench.findings.backoffs or ()
    waits_s = sum(span.low_s for span in own[: bench.tries[kind] - 1])
    return waits_s + (0.0 if is_quick(bench, kind, by) else slowness_s * bench.tries[kind])


def _jitter_s(bench: Bench, kind: str, by: str | None) -> float:
    """By how much calls may take longer than `result_s` says."""
    if by != "call":
        return 0.0
    own = bench.findings.backoffs or ()
    return 2 * sum(span.error_s for span in own[: bench.tries[kind] - 1])


def is_quick(bench: Bench, kind: str, by: str | None) -> bool:
    """Whether calls overlap by their backoffs alone."""
    own = bench.findings.backoffs or ()
    waits_s = sum(span.low_s for span in own[: bench.tries[kind] - 1])
    return by == "call" and waits_s > _QUICK_S and kind != "timeout"


async def dose(bench: Bench, kind: str, by: str | None, before: Results, most: int) -> Dose | None:
    """How many failures open it, up to `most`; None where they don't."""
    lasts_s = result_s(bench, kind, by)
    apart_s = max(_LEAST_APART_S, _SHARE * lasts_s / most)
    begin_s = IDLE_S if before.idle else 1.0
    good = [begin_s + index * before.every_s for index in range(before.successes)]
    spells = []
    if good:
        met_s = good[-1] + bench.lasts_s[before.kind] + 0.01
        if before.kind is not None:
            own = KINDS[before.kind]
            spells.append(Spell(fault=own, from_s=begin_s - 0.005, to_s=met_s))
        begin_s = met_s + 0.01 + before.pause_s
    launches = [begin_s + index * apart_s for index in range(most)]
    # Results come in over as long as the launches take, and longer where backoffs differ; a first
    # one must not meet a launch at one instant.
    test_s = apart_s + _jitter_s(bench, kind, by) / most
    tests = [begin_s + lasts_s + 0.5 * apart_s + index * test_s for index in range(most)]
    # Behind a pool of connections some calls begin only when others are over.
    tests += [tests[-1] + lasts_s * (number + 1) for number in range(_LATER)]
    failing = spells_of(bench, kind, by, begin_s - 0.005, begin_s + _SETTLE_S)
    if failing is None:
        return None
    spells += failing
    reading = await bench.play_overlapping([*good, *launches, *tests], spells, _SETTLE_S)
    return _read(reading, len(good), most, by, 0.5 * lasts_s)


def spells_of(
    bench: Bench, kind: str, by: str | None, from_s: float, to_s: float
) -> list[Spell] | None:
    """What makes calls fail, as late as `result_s` says."""
    if is_quick(bench, kind, by):
        return [Spell(fault=KINDS[kind], from_s=from_s, to_s=to_s)]
    return bench.slow(kind, from_s, to_s)


def one_dose(bench: Bench, kind: str, by: str | None, seen: Dose) -> Course:
    """A course in which a dose opens it as it was seen to; all of its calls are over at its end."""
    course = bench.course()
    own = bench.findings.backoffs or ()
    tries = bench.tries[kind]
    longest_s = tries * bench.slowness_s(kind) + sum(span.high_s for span in own[: tries - 1])
    over_s = seen.opened_s + longest_s + 0.1
    spells = spells_of(bench, kind, by, seen.launched_s - 0.005, over_s) or ()
    course.begin_with(seen.sends, kind, spells, over_s + 0.1)
    return course


def _read(
    reading: Reading, successes: int, most: int, by: str | None, quick_s: float
) -> Dose | None:
    sent = reading.sent
    launched = sent[successes : successes + most]
    if by == "call":
        ends = sorted(one.end_s for one in sent[successes:])
    else:
        ends = sorted(one.end_s for one in reading.tries if one.start_s >= launched[0].sent_s)
    good = [one.end_s for one in sent[:successes]]
    before_s = launched[0].sent_s
    for one in sent[successes:]:
        if one.latency_s < quick_s:
            low = bisect_right(ends, before_s - _TICK_S) + 1
            high = max(low, bisect_right(ends, one.sent_s + _TICK_S))
            return Dose(
                low=low,
                high=high,
                closed_s=before_s,
                sends=tuple(each.sent_s for each in sent[successes:] if each.sent_s <= one.sent_s),
                first_s=min(good, default=one.sent_s),
                last_s=max(good, default=one.sent_s),
                opened_s=one.sent_s,
            )
        before_s = one.sent_s
    return None


class Tried(Frozen, kw_only=True):
    """A dose, with the results in order that came before it: whether each failed."""

    before: Sequence[bool]
    low: int
    high: int
