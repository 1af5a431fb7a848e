"""Figures of a scenario in two runs: charges, breakers' instants, latencies; what moved.

They tell only what no noise explains: instants by the bounds that their evidence leaves,
percentiles by those in which another night's may lie (`harness/checks/streams.py`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from harness.compare.difference import Sort
from harness.compare.night import Change, Percentile, Scenario
from harness.frozen import Frozen
from harness.units import format_duration

WORTH_MS = 20.0
WORTH_SHARE = 0.1
"""A percentile changes where it moves by both: less is nothing that a user would notice, and what
one machine differs from the next by."""


OPENING_INTERVALS, CLOSING_INTERVALS = 1.5, 2.5
"""By so many intervals between requests an instant must move, beyond its bounds: which request
meets a change is a matter of milliseconds, so an opening may come with the next one, and a closing,
which hangs on it, with the one after that; half a one is for how late either of them was."""


class Figure(Frozen, kw_only=True):
    """One figure that moved, as it would be told of a scenario that had passed before."""

    sort: Sort
    name: str
    before: str
    after: str
    weight: int


def figures(old: Scenario, new: Scenario, *, exact: bool) -> Iterator[Figure]:
    """All that moved; `exact` where both were played on virtual time."""
    yield from _charges(old, new)
    yield from _unanswered(old, new)
    yield from _breakers(old, new, exact=exact)
    yield from _latencies(old, new, exact=exact)


def _charges(old: Scenario, new: Scenario) -> Iterator[Figure]:
    if old.charges is None or new.charges is None:
        return
    before, after = old.charges.duplicates, new.charges.duplicates
    if before != after:
        yield Figure(
            sort=Sort.WORSE if after > before else Sort.BETTER,
            name="charges doubled",
            before=str(before),
            after=str(after),
            weight=1,
        )


def _unanswered(old: Scenario, new: Scenario) -> Iterator[Figure]:
    """Where nobody went without an answer, somebody does now, or the other way round.

    No more is told of counts: how many requests a change of the world catches is a matter of
    milliseconds.
    """
    for stream in old.streams.keys() & new.streams.keys():
        before = old.streams[stream].answers.get("none", 0)
        after = new.streams[stream].answers.get("none", 0)
        if (before == 0) is not (after == 0):
            yield Figure(
                sort=Sort.WORSE if after else Sort.BETTER,
                name=f"{stream}: requests without an answer",
                before=str(before),
                after=str(after),
                weight=2,
            )


def _breakers(old: Scenario, new: Scenario, *, exact: bool) -> Iterator[Figure]:
    known = [each for each in (old.interval_s, new.interval_s) if each is not None]
    interval_s = 0.0 if exact else max(known, default=math.inf)
    for upstream in old.breakers:
        if upstream not in new.breakers or upstream in old.perhaps_open | new.perhaps_open:
            continue  # what nobody knows is no change
        before, after = old.breakers[upstream], new.breakers[upstream]
        opened, opens = _states("open", before), _states("open", after)
        if len(opened) != len(opens):
            less = 0 < len(opens) < len(opened)
            yield Figure(
                sort=Sort.CHANGED if less else Sort.WORSE,
                name=f"{upstream} breaker: openings",
                before=str(len(opened)),
                after=str(len(opens)),
                weight=3,
            )
        if opened and opens:
            name = f"{upstream} breaker: first opening"
            apart_s = OPENING_INTERVALS * interval_s
            yield from _instant(name, opened[0], opens[0], apart_s, earlier=Sort.CHANGED)
        closed, closes = _states("closed", before), _states("closed", after)
        if closed and closes and len(opened) == len(opens):
            name = f"{upstream} breaker: last closing"
            apart_s = CLOSING_INTERVALS * interval_s
            yield from _instant(name, closed[-1], closes[-1], apart_s, earlier=Sort.BETTER)
        elif closed and not closes and opens:
            yield Figure(
                sort=Sort.WORSE,
                name=f"{upstream} breaker: last closing",
                before=_at(closed[-1]),
                after="never",
                weight=3,
            )


def _states(state: str, changes: tuple[Change, ...]) -> list[Change]:
    return [each for each in changes if each.state == state]


def _instant(
    name: str, before: Change, after: Change, apart_s: float, *, earlier: Sort
) -> Iterator[Figure]:
    apart_s += before.error_s + after.error_s
    later = after.at_s - before.at_s > apart_s
    if later or before.at_s - after.at_s > apart_s:
        yield Figure(
            sort=Sort.WORSE if later else earlier,
            name=name,
            before=_at(before),
            after=_at(after),
            weight=3,
        )


def _at(change: Change) -> str:
    """`9.01s`, with how far it may be off where that is worth a word."""
    off = f" ± {format_duration(round(change.error_s, 2))}" if change.error_s >= 0.01 else ""
    return f"{format_duration(round(change.at_s, 2))}{off}"


def _latencies(old: Scenario, new: Scenario, *, exact: bool) -> Iterator[Figure]:
    for stream in old.streams:
        if stream not in new.streams:
            continue
        before, after = old.streams[stream].latency_ms, new.streams[stream].latency_ms
        moves = {
            name: _moved(before[name], after[name], exact=exact)
            for name in sorted(before.keys() & after.keys())
        }
        # One line a stream: percentiles move together, and the highest says most.
        for way, sort in ((1, Sort.WORSE), (-1, Sort.BETTER)):
            if found := [name for name, moved in moves.items() if moved == way]:
                yield Figure(
                    sort=sort,
                    name=f"{stream} latency {found[-1]}",
                    before=_ms(before[found[-1]].ms),
                    after=_ms(after[found[-1]].ms),
                    weight=4,
                )


def _moved(before: Percentile, after: Percentile, *, exact: bool) -> int:
    """1 for slower, -1 for faster, 0 where the two nights' bounds don't exclude that it is one."""
    if exact:
        slower, faster = after.ms - before.ms, before.ms - after.ms
    else:
        slower = after.low_ms - _high(before)
        faster = before.low_ms - _high(after)
    if abs(after.ms - before.ms) <= WORTH_SHARE * max(before.ms, after.ms):
        return 0
    return 1 if slower > WORTH_MS else -1 if faster > WORTH_MS else 0


def _high(found: Percentile) -> float:
    return math.inf if found.high_ms is None else found.high_ms


def _ms(value_ms: float) -> str:
    return format_duration(round(value_ms / 1000, 3))
