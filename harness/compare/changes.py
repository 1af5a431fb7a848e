"""What changed from one run to another, and whether for the worse.

Verdicts come first: an expectation that held and doesn't now is worse, whatever else is said.
Figures (breakers, latencies, doubled charges) tell for better or worse only where the scenario
passed before: against a failed play they say how it differs, not which is right. And they tell only
what no noise explains: instants by the bounds that their evidence leaves, percentiles by those in
which another night's may lie (`harness/checks/streams.py`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from harness.compare.night import Change, Expectation, Night, Percentile, Scenario
from harness.units import format_duration
from harness.verdict import Verdict

WORTH_MS = 20.0
WORTH_SHARE = 0.1
"""A percentile changes where it moves by both: less is nothing that a user would notice, and what
one machine differs from the next by."""


OPENING_INTERVALS, CLOSING_INTERVALS = 1.5, 2.5
"""By so many intervals between requests an instant must move, beyond its bounds: which request
meets a change is a matter of milliseconds, so an opening may come with the next one, and a closing,
which hangs on it, with the one after that; half a one is for how late either of them was."""


class Sort(StrEnum):
    """Which way something changed."""

    WORSE = "worse"
    BETTER = "better"
    NEW = "new"
    GONE = "gone"
    CHANGED = "changed"
    """Neither better nor worse by itself."""
    UNCLEAR = "unclear"
    """It proves nothing now, for no reason of the target's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One thing that is not as it was."""

    sort: Sort
    scenario: str
    expectation: str | None
    """Its name, or that of a figure (`mail breaker: first opening`); None for the scenario."""
    before: str | None
    after: str | None
    weight: int
    """How bad it is among its sort, 0 the worst."""
    observed: str = ""
    """What was seen now, where it is an expectation."""
    file: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two runs, compared."""

    a: Night
    b: Night
    differences: tuple[Difference, ...]
    """The worst first."""
    still: tuple[tuple[str, str], ...]
    """Scenarios and expectations that failed before and do now."""
    same: int
    """Expectations that held in both."""

    def of(self, sort: Sort) -> tuple[Difference, ...]:
        """The differences of a sort."""
        return tuple(each for each in self.differences if each.sort is sort)


def compare(a: Night, b: Night) -> Comparison:
    """From `a` to `b`."""
    before, after = a.by_name, b.by_name
    found = [
        difference
        for name in dict.fromkeys((*before, *after))
        for difference in _scenario(before.get(name), after.get(name), exact=_exact(a, b))
    ]
    order = list(Sort)
    found.sort(key=lambda each: (order.index(each.sort), each.weight))  # stable: by file order else
    pairs = [
        (name, old, new)
        for name in after
        if name in before
        for old, new in _pairs(before[name], after[name])
        if old is not None and new is not None
    ]
    return Comparison(
        a=a,
        b=b,
        differences=tuple(found),
        still=tuple((name, new.name) for name, old, new in pairs if _red(old) and _red(new)),
        same=sum(old.verdict is new.verdict is Verdict.PASSED for _, old, new in pairs),
    )


def _exact(a: Night, b: Night) -> bool:
    """Whether the same requests met the same machine: nothing but the target can differ."""
    return a.engine == b.engine and a.engine in ("sim", "prediction") and a.seed == b.seed


def _scenario(old: Scenario | None, new: Scenario | None, *, exact: bool) -> Iterator[Difference]:
    if old is None or new is None:
        present = old or new
        assert present is not None
        yield Difference(
            sort=Sort.NEW if old is None else Sort.GONE,
            scenario=present.name,
            expectation=None,
            before=None if old is None else _words(old.verdict),
            after=None if new is None else _words(new.verdict),
            weight=0 if present.verdict is Verdict.FAILED else 1,
            file=present.file,
        )
        return
    if Verdict.OUT_OF_SCOPE in (old.verdict, new.verdict) and old.verdict is not new.verdict:
        yield _in_or_out_of_scope(old, new)
        if new.verdict is Verdict.OUT_OF_SCOPE:
            return
    for before, after in _pairs(old, new):
        yield from _expectation(before, after, old, new)
    if old.measured and new.measured:
        yield from _figures(old, new, exact=exact)


def _in_or_out_of_scope(old: Scenario, new: Scenario) -> Difference:
    return Difference(
        sort=Sort.GONE if new.verdict is Verdict.OUT_OF_SCOPE else Sort.NEW,
        scenario=new.name,
        expectation=None,
        before=_words(old.verdict),
        after=_words(new.verdict),
        weight=1,
        file=new.file,
    )


# Verdicts


def _pairs(old: Scenario, new: Scenario) -> Iterator[tuple[Expectation | None, Expectation | None]]:
    before, after = old.judgements, new.judgements
    for name in dict.fromkeys((*after, *before)):
        yield before.get(name), after.get(name)


def _expectation(
    before: Expectation | None, after: Expectation | None, old: Scenario, new: Scenario
) -> Iterator[Difference]:
    sort = _sort(before, after, old, new)
    either = after or before
    if sort is None or either is None:
        return
    lost = after is not None and after.verdict is Verdict.INCONCLUSIVE
    yield Difference(
        sort=sort,
        scenario=new.name,
        expectation=either.name,
        before=None if before is None else _state(before),
        after=None if after is None else _state(after),
        weight=5 if lost else 0,
        observed="" if after is None else after.observed,
        file=either.file or new.file,
        line=either.line,
    )


def _sort(
    before: Expectation | None, after: Expectation | None, old: Scenario, new: Scenario
) -> Sort | None:
    """Which way it changed; None where it didn't, or nothing can be said."""
    if after is None:
        return Sort.GONE if before and before.line and new.judged else None
    if before is None:
        if after.line:
            return Sort.NEW if old.judged else _after_nothing(after)
        return Sort.WORSE if _red(after) and old.verdict is Verdict.PASSED else _unclear(after)
    if _state(before) == _state(after):
        return None
    if _red(after):
        return Sort.WORSE
    match after.verdict:
        case Verdict.INCONCLUSIVE:
            lost = before.verdict is Verdict.PASSED and not after.noise
            return Sort.WORSE if lost else Sort.UNCLEAR
        case Verdict.OUT_OF_SCOPE:
            return Sort.GONE
        case Verdict.FAILED:  # and known
            return Sort.CHANGED
    return Sort.NEW if before.verdict is Verdict.OUT_OF_SCOPE else Sort.BETTER


def _after_nothing(after: Expectation) -> Sort | None:
    """The run before proved nothing of the scenario."""
    if _red(after):
        return Sort.WORSE
    return Sort.BETTER if after.verdict is Verdict.PASSED else None


def _unclear(after: Expectation) -> Sort | None:
    """Something of the run itself, which is named only where it is the matter."""
    if after.verdict is not Verdict.INCONCLUSIVE:
        return None
    return Sort.UNCLEAR if after.noise else Sort.WORSE


def _red(each: Expectation) -> bool:
    return each.verdict is Verdict.FAILED and each.known is None


def _state(each: Expectation) -> str:
    known = each.known is not None and each.verdict is Verdict.FAILED
    return f"{_words(each.verdict)}{' (known)' if known else ''}"


def _words(verdict: Verdict | None) -> str:
    return "predicted" if verdict is None else verdict.value.replace("_", " ")


# Figures


def _figures(old: Scenario, new: Scenario, *, exact: bool) -> Iterator[Difference]:
    told = old.verdict is not Verdict.FAILED
    for found in (
        *_charges(old, new),
        *_unanswered(old, new),
        *_breakers(old, new, exact=exact),
        *_latencies(old, new, exact=exact),
    ):
        worth = Sort.CHANGED if found.sort in (Sort.WORSE, Sort.BETTER) and not told else found.sort
        yield Difference(
            sort=worth,
            scenario=new.name,
            expectation=found.name,
            before=found.before,
            after=found.after,
            weight=found.weight,
            file=new.file,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Figure:
    sort: Sort
    name: str
    before: str
    after: str
    weight: int


def _charges(old: Scenario, new: Scenario) -> Iterator[_Figure]:
    if old.charges is None or new.charges is None:
        return
    before, after = old.charges.duplicates, new.charges.duplicates
    if before != after:
        yield _Figure(
            sort=Sort.WORSE if after > before else Sort.BETTER,
            name="charges doubled",
            before=str(before),
            after=str(after),
            weight=1,
        )


def _unanswered(old: Scenario, new: Scenario) -> Iterator[_Figure]:
    """Where nobody went without an answer, somebody does now, or the other way round.

    No more is told of counts: how many requests a change of the world catches is a matter of
    milliseconds.
    """
    for stream in old.streams.keys() & new.streams.keys():
        before = old.streams[stream].answers.get("none", 0)
        after = new.streams[stream].answers.get("none", 0)
        if (before == 0) is not (after == 0):
            yield _Figure(
                sort=Sort.WORSE if after else Sort.BETTER,
                name=f"{stream}: requests without an answer",
                before=str(before),
                after=str(after),
                weight=2,
            )


def _breakers(old: Scenario, new: Scenario, *, exact: bool) -> Iterator[_Figure]:
    known = [each for each in (old.interval_s, new.interval_s) if each is not None]
    interval_s = 0.0 if exact else max(known, default=math.inf)
    for upstream in old.breakers:
        if upstream not in new.breakers or upstream in old.perhaps_open | new.perhaps_open:
            continue  # what nobody knows is no change
        before, after = old.breakers[upstream], new.breakers[upstream]
        opened, opens = _states("open", before), _states("open", after)
        if len(opened) != len(opens):
            less = 0 < len(opens) < len(opened)
            yield _Figure(
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
            yield _Figure(
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
) -> Iterator[_Figure]:
    apart_s += before.error_s + after.error_s
    later = after.at_s - before.at_s > apart_s
    if later or before.at_s - after.at_s > apart_s:
        yield _Figure(
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


def _latencies(old: Scenario, new: Scenario, *, exact: bool) -> Iterator[_Figure]:
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
                yield _Figure(
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
