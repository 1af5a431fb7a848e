"""What opens the breaker: which kind of failure, in a row or by share, counted by attempt or call.

First calls that fail one after another, until one is turned away: it makes no attempt. Then what
tells the rules apart that would explain that: successes between failures, before them, and a long
pause; and calls that overlap, whose first attempts have failed before any of them is over.
"""

from __future__ import annotations

from harness.measure.bench import Bench
from harness.measure.doses import Contrast, Results, dose, one_dose
from harness.measure.expected import first_of, first_short, seen_in_a_row
from harness.measure.rate import find_rate
from harness.measure.reading import Reading
from harness.measure.resets import find_hidden_attempts
from harness.measure.signs import Opened, opened_in

_FIRST, _SECOND = 12, 45
"""So many calls in a row are made to fail: at first, and where that opened nothing."""
_AT_ONCE = 60
"""So many calls fail within a second or two, for rules that look at the last seconds."""
_SUCCESSES = 12
_PAUSE_S = 1200.0
_MOST_MIXED = 60
_LEAST_APART_S = 0.0015
"""Between calls that overlap, in virtual time: requests take a few ticks to get to the upstream."""
ORDER = ("503", "500", "timeout", "refused", "cut")
"""Kinds of failure, those first that most breakers count and that can be made to overlap."""
OVERLAPPING = ("503", "timeout")
"""Kinds that are tried many at once, too."""
RARE = ("429", "400", "404")
"""Kinds that few breakers count."""


async def find_opening(bench: Bench) -> tuple[Opened | None, Contrast | None]:
    """The first kind of failure that opens the breaker, and after how many calls; None: none does.

    What it means for the rule is noted in the findings; beside it what tells a success from
    nothing, where a share of failures is what counts.
    """
    opened = await _first_opening(bench)
    found = bench.findings
    if opened is None:
        found.breaker.rule = "none"
        found.cannot_tell("by", "there is no breaker that could count")
        return None, None
    await _by(bench, opened)
    if opened.calls == 1 and found.by != "call":
        await _hidden_attempts(bench, opened)
    if opened.last_tries and await _is_in_a_row(bench, opened):
        found.breaker.rule = "in a row"
        return opened, None
    threshold, found.breaker.threshold = found.breaker.threshold, None
    found.unknown.pop("breaker.threshold", None)
    return opened, await find_rate(bench, opened, threshold)


async def _first_opening(bench: Bench) -> Opened | None:
    for count, kinds in ((_FIRST, ORDER), (_SECOND, ORDER)):
        for kind in kinds:
            if bench.tries[kind] and (opened := await _in_turn(bench, kind, count)) is not None:
                return opened
    for kind in OVERLAPPING:
        if bench.tries[kind] and (opened := await _at_once(bench, kind)) is not None:
            return opened
    for kind in RARE:
        if bench.tries[kind] and (opened := await _in_turn(bench, kind, _SECOND)) is not None:
            return opened
    bench.findings.saw(
        f"still closed after {_SECOND} failed calls in a row and {_AT_ONCE} within a second or two"
    )
    return None


async def _in_turn(bench: Bench, kind: str, count: int) -> Opened | None:
    """Calls that fail one after another."""
    reading = await bench.play(bench.course().call(*[kind] * count))
    found = opened_in(bench, kind, reading)
    if found is None:
        return None
    calls, last = found
    bench.findings.saw(f"open after {calls} calls in a row that met {kind}")
    return Opened(
        kind=kind,
        calls=calls,
        last_tries=len(last.tries),
        trip_s=min(last.tries[-1].end_s, last.end_s),
        again=bench.course().call(*[kind] * calls),
    )


async def _at_once(bench: Bench, kind: str) -> Opened | None:
    """Calls that fail within a second or two, for rules that look at the last seconds."""
    if bench.queues:
        return None
    for by in ("attempt", "call") if bench.tries[kind] > 1 else (None,):
        done = await dose(bench, kind, by, Results(), _AT_ONCE)
        if done is None:
            continue
        bench.findings.by = by
        bench.findings.saw(f"open after {done.high} failures within a second or two ({kind})")
        again = one_dose(bench, kind, by, done)
        return Opened(
            kind=kind,
            calls=len(again.met),
            last_tries=0,
            trip_s=done.opened_s,
            unsure_s=done.opened_s - done.closed_s,
            again=again,
        )
    return None


async def _hidden_attempts(bench: Bench, opened: Opened) -> None:
    """Where the first call opens it, it may have kept that call from further attempts."""
    found = bench.findings
    first = bench.first[opened.kind]
    alone = len(first.tries) == 1
    number = None if alone else await find_hidden_attempts(bench, opened.kind, first)
    if number is None:
        found.attempts = None
        found.cannot_tell(
            "attempts", f"at least {len(first.tries)}: then the breaker opens, in the same call"
        )
        found.backoffs = None
        found.cannot_tell("backoff_s", "not all attempts of a call were seen")
    elif number > len(first.tries):
        found.attempts, found.backoffs = number, None
        found.unknown.pop("attempts", None)
        found.cannot_tell("backoff_s", "the breaker opens before all attempts of a call are made")
        found.saw(f"{number} attempts of a call where other requests' successes come between them")
        for kind, count in bench.tries.items():
            bench.tries[kind] = number if count > 1 else count
    else:
        found.attempts = number
        found.unknown.pop("attempts", None)


# By attempt or by call


async def _by(bench: Bench, opened: Opened) -> None:
    """Whether attempts or calls are counted, and the number of failures in a row that opens it."""
    found, tries = bench.findings, bench.tries[opened.kind]
    if found.by is not None:
        return
    if tries == 1:
        found.breaker.threshold = opened.calls
        await _by_what_is_tried_again(bench, opened)
        if found.by is None:
            found.cannot_tell(
                "by", f"a call that meets {opened.kind} makes one attempt: there is no difference"
            )
        return
    number = await _first_attempts_that_open(bench, opened)
    if number is not None:
        found.by, found.breaker.threshold = "attempt", number
        found.saw(f"open after {number} failed attempts of calls that overlapped")
    elif bench.queues:
        found.cannot_tell("by", "its calls wait for each other, so their attempts can't be mixed")
    elif opened.last_tries == tries:
        found.by, found.breaker.threshold = "call", opened.calls
    if found.by is None:
        found.cannot_tell("by", "neither attempts nor calls explain when it opened")
    if found.breaker.threshold is None:
        found.cannot_tell("breaker.threshold", "whether attempts or calls are counted is unknown")


async def _by_what_is_tried_again(bench: Bench, opened: Opened) -> None:
    """The same by a kind after which a call tries again: as many calls open it as of one that makes
    one attempt, or as many as make so many attempts.
    """
    found = bench.findings
    for kind in ORDER:
        fewer = -(-opened.calls // max(1, bench.tries[kind]))
        if fewer == opened.calls:
            continue
        course = bench.course().call(*[kind] * (opened.calls + 1))
        seen = opened_in(bench, kind, await bench.play(course))
        if seen is not None and seen[0] in (fewer, opened.calls):
            found.by = "call" if seen[0] == opened.calls else "attempt"
            found.saw(f"{seen[0]} calls in a row that meet {kind} open it")
            return


async def _first_attempts_that_open(bench: Bench, opened: Opened) -> int | None:
    """How many first attempts open it before any second one; None where they don't."""
    most = opened.calls * bench.tries[opened.kind]
    reading, slowness_s, sends = await volley(bench, opened.kind, 3 * most + 3)
    if reading is None:
        return None
    for index, one in enumerate(reading.sent):
        if one.latency_s < slowness_s / 2:
            before = [t for t in reading.tries if t.end_s <= sends[index]]
            return len(before)
    return None


async def volley(bench: Bench, kind: str, count: int) -> tuple[Reading | None, float, list[float]]:
    """Calls that overlap, launched over one and a half times what an attempt of theirs takes.

    Their first attempts end while the last third is launched, and no second one has ended by then.
    """
    slowness_s = bench.slowness_s(kind)
    apart_s = max(_LEAST_APART_S, 1.5 * slowness_s / count)
    sends = [1.0 + index * apart_s for index in range(count)]
    spells = bench.slow(kind, 0.5, 1.0 + 1e4)
    if spells is None:
        return None, slowness_s, sends
    reading = await bench.play_overlapping(sends, spells, 600.0)
    return reading, slowness_s, sends


async def find_queue(bench: Bench) -> None:
    """Whether the target makes one call at a time."""
    spells = bench.slow(None, 0.5, 30.0)
    assert spells is not None
    reading = await bench.play_overlapping([1.0, 1.001], spells, 60.0)
    starts = [one.start_s for one in reading.tries]
    bench.queues = len(starts) > 1 and starts[1] - starts[0] > bench.slow_s / 2


# In a row


async def _is_in_a_row(bench: Bench, opened: Opened) -> bool:
    """Whether nothing but failures in a row explains what successes and a pause make of it.

    One course: failures one short of opening it, with a success after each lot; many successes;
    failures one short; a long pause; then failures. It must open exactly where the rule says.
    """
    course = bench.course()
    lots = max(2, _MOST_MIXED // max(1, opened.calls)) if opened.calls > 1 else 0
    for _ in range(lots):
        course.call(*[opened.kind] * (opened.calls - 1), None)
    course.call(*[None] * _SUCCESSES)
    course.call(*[opened.kind] * (opened.calls - 1))
    if opened.calls > 1:
        course.pause(_PAUSE_S)
    course.call(*[opened.kind] * 3)
    reading = await bench.play(course)
    got = first_of(
        (
            len(one.tries) if kind is not None else min(1, len(one.tries)),
            bench.tries.get(kind or "", 1),
        )
        for kind, one in zip(course.met, reading.seen, strict=True)
    )
    threshold = bench.findings.breaker.threshold
    by_call = threshold is None or bench.findings.by == "call"
    expected = first_short(
        course.met, bench.tries, threshold=threshold or opened.calls, by_call=by_call
    )
    holds = got is not None and got in expected
    if holds:
        bench.findings.saw(seen_in_a_row(lots, _SUCCESSES, _PAUSE_S))
    return holds
