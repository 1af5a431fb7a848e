"""What counts: which kinds of failure the breaker takes for one, which for a success, which not."""

from __future__ import annotations

from harness.engines.tasks import together
from harness.measure.bench import Bench
from harness.measure.doses import Contrast, Results, alike, dose
from harness.measure.experiment import KINDS, Spell
from harness.measure.kept import KEEPING
from harness.measure.recovery import opening_course
from harness.measure.signs import Opened, opened_in, turned_away

_BEYOND = 3
"""More calls than open it, to be sure that a kind doesn't."""


async def find_counting(bench: Bench, opened: Opened | None, contrast: Contrast | None) -> None:
    """What each kind of failure is to the breaker."""
    if opened is None:
        for kind in KINDS:
            bench.findings.counts[kind] = None
            bench.findings.cannot_tell(f"counts.{kind}", "there is no breaker that could count it")
        return
    if bench.findings.breaker.rule is None:
        for kind in KINDS:
            bench.findings.counts[kind] = "failure" if kind == opened.kind else None
            if kind != opened.kind:
                bench.findings.cannot_tell(f"counts.{kind}", "its rule is not known")
        return
    kinds = await together(*(_one(bench, opened, contrast, kind) for kind in KINDS))
    bench.findings.counts = dict(zip(KINDS, kinds, strict=True))


async def _one(bench: Bench, opened: Opened, contrast: Contrast | None, kind: str) -> str | None:
    if kind == opened.kind:
        return "failure"
    if not bench.tries[kind]:
        bench.findings.cannot_tell(f"counts.{kind}", "no attempt was seen")
        return None
    if contrast is not None:
        return await _by_doses(bench, opened, contrast, kind)
    # Kinds that are not retried are one failure a call, where each attempt counts.
    count = opened.calls * max(bench.tries.values()) + _BEYOND
    reading = await bench.play(bench.course().call(*[kind] * count))
    if opened_in(bench, kind, reading) is not None:
        return "failure"
    if opened.calls == 1 or bench.findings.breaker.rule in KEEPING:
        return await _as_a_trial(bench, opened, kind)
    return await _between_failures(bench, opened, kind)


async def _by_doses(bench: Bench, opened: Opened, contrast: Contrast, kind: str) -> str | None:
    """What a dose of the kind does, and what many of it do to a dose of failures after them."""
    found = bench.findings
    many = contrast.alone.high + _BEYOND
    if kind == "refused":
        reading = await bench.play(bench.course().call(*[kind] * many))
        if opened_in(bench, kind, reading) is not None:
            return "failure"
    elif await dose(bench, kind, found.by, Results(), many) is not None:
        return "failure"
    before = Results(successes=contrast.successes, kind=kind)
    got = await dose(bench, opened.kind, found.by, before, contrast.most)
    if alike(got, contrast.alone):
        return "neutral"
    if alike(got, contrast.after):
        return "success"
    found.cannot_tell(f"counts.{kind}", "it is neither as if nothing nor as if a success came")
    return None


async def _between_failures(bench: Bench, opened: Opened, kind: str) -> str | None:
    """Put between failures a success puts off the opening, and what is neutral doesn't."""
    more = 2 * opened.calls + 4
    neutral = 1
    success, got = await together(
        _more_to_open(bench, opened, [None], more),
        _more_to_open(bench, opened, [kind], more),
    )
    if got is not None and got == neutral != success:
        return "neutral"
    if got == success != neutral:
        return "success"
    bench.findings.cannot_tell(
        f"counts.{kind}",
        f"after it the breaker opened with {got or 'none'} of {more} failures more, after a "
        f"success with {success or 'none'}",
    )
    return None


async def _more_to_open(
    bench: Bench, opened: Opened, between: list[str | None], more: int
) -> int | None:
    """How many failing calls it takes to open after some one short of it and what came between."""
    course = bench.course().call(*[opened.kind] * (opened.calls - 1), *between)
    before = len(course.met)
    reading = await bench.play(course.call(*[opened.kind] * (more + 1)))
    away = [turned_away(one) for one in reading.seen[before:]]
    return away.index(True) if True in away else None


async def _as_a_trial(bench: Bench, opened: Opened, kind: str) -> str | None:
    """Where a success before failures tells nothing: what a trial that meets the kind does.

    Closed by it, two requests at once are let through; half open still, as many as trials are.
    """
    found = bench.findings
    wait, trials = found.breaker.wait, found.breaker.trials
    if wait is None or trials != 1 or bench.queues or found.breaker.successes != 1:
        found.cannot_tell(f"counts.{kind}", "a success changes nothing before it opens")
        return None
    course = opening_course(opened)
    course.until(opened.trip_s + wait.high_s + 0.01).call(kind)
    base = course.experiment()
    begin_s = course.now_s
    slow = bench.slow(None, begin_s, begin_s + 10.0)
    assert slow is not None
    pair = [begin_s + 0.01, begin_s + 0.012]
    spells: list[Spell] = [*base.spells, *slow]
    reading = await bench.play_overlapping([*base.sends, *pair], spells, 60.0)
    let = sum(pair[0] <= one.start_s < pair[0] + bench.slow_s * 0.9 for one in reading.tries)
    if let == 0:
        found.cannot_tell(f"counts.{kind}", "a trial that met it let nobody through afterwards")
    return {2: "success", 1: "neutral"}.get(let)
