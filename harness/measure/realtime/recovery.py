"""How long a breaker stays open, who may try while it is half open, and what closes it.

It is asked twenty times a second from when it opened. That it was still open at one request and no
more at a later one bounds the wait by what must have come before and after each, whatever the
machine did meanwhile.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence

from msgspec import Struct, field

from harness.frozen import Frozen
from harness.measure.closing import MOST_TRIALS
from harness.measure.findings import Findings, Span
from harness.measure.growth import MOST_WAITS
from harness.measure.reading import Try
from harness.measure.realtime.budget import Budget
from harness.measure.realtime.ground import Ground
from harness.measure.realtime.looks import Look

OF_TRIALS = ("breaker.trials", "breaker.successes")
"""What many requests at once tell of one that is half open."""
_SLOW_S = 0.8
"""How late a trial's answer comes, so that others meet it half open; less where the timeout is."""
_EVERY_S = 0.05
_TRIALS = 12
"""More than anybody lets through at once while half open."""
_MOST_SUCCESSES = 5
_AT_ONCE_S = 0.25
"""Who is let through so soon was not turned away at all."""
_TICK_S = 1.0
"""The coarsest clock that waits are told by: of whole seconds."""
_SPARSE_S = 0.5
"""The first of the requests that come ever more rarely, after the trip."""


class Volley(Frozen, kw_only=True):
    """Many requests at once: how many were let through before the first result was in."""

    let: int
    asked: int
    away: int
    """How many were surely turned away by then."""

    @property
    def all_let(self) -> bool:
        """Whether everybody was let through."""
        return self.let >= self.asked

    @property
    def sure(self) -> bool:
        """Whether it is known of all of them by then."""
        return self.let + self.away >= self.asked


class Watched(Struct, kw_only=True):
    """What asking an open breaker again and again showed."""

    wait: Span | None
    """How long it was open; None where it never let anybody through."""
    volleys: list[Volley] = field(default_factory=list)
    """What became of many requests at once, from then on."""
    looked_s: float = 0.0
    """For how long it was asked."""


async def watch(
    ground: Ground, trip: Span, *, slow_s: float, budget: Budget, volleys: int = _MOST_SUCCESSES
) -> Watched:
    """Ask an open breaker until it lets somebody through, then many at once, in volleys.

    What it lets through is answered well, `slow_s` late.
    """
    await ground.slow(slow_s)
    found = await _until_let(ground, trip, budget)
    if found is None:
        return Watched(wait=None, looked_s=ground.now_s - trip.high_s)
    wait, first, mark = found
    watched = Watched(wait=wait, looked_s=ground.now_s - trip.high_s)
    for number in range(volleys):
        from_s = first.start_s if number == 0 else None
        watched.volleys.append(await volley_of(ground, mark, slow_s, from_s))
        if watched.volleys[-1].all_let or not watched.volleys[-1].let:
            break
        await asyncio.sleep(0.05)
        mark = ground.mark()
    return watched


async def volley_of(
    ground: Ground, mark: int, slow_s: float, from_s: float | None = None
) -> Volley:
    """Many requests at once, whose calls are answered `slow_s` late; with whoever was let through
    since `from_s`, as far as it has been seen since a mark.
    """
    asked = [ground.ask(30.0) for _ in range(_TRIALS)]
    sent_s = asked[0].sent_s
    from_s = sent_s if from_s is None else from_s
    until_s = from_s + slow_s * 0.9
    await ground.answered()  # whoever was let through before is among them
    tries = await ground.tries(mark)
    let = sum(from_s <= one.start_s < until_s for one in tries)
    before = sum(from_s <= one.start_s < sent_s for one in tries)
    # Who is let through is answered later than this.
    away = sum(one.answer.result()[0] <= until_s for one in asked)
    return Volley(let=let, asked=_TRIALS + before, away=away)


async def _until_let(ground: Ground, trip: Span, budget: Budget) -> tuple[Span, Try, int] | None:
    """Between which times after the trip it first let a request through; that, and a mark."""
    mark = seen = ground.mark()
    asked = [ground.ask(30.0)]
    end_s = ground.now_s + min(budget.longest_s * 1.1 + 1.0, budget.left_s)
    tries: tuple[Try, ...] = ()
    while not tries and ground.now_s < end_s:
        await asyncio.sleep(_EVERY_S)
        if ground.called_since(seen):
            tries = ground.tries_so_far(mark)
        seen = ground.mark()
        asked.append(ground.ask(30.0))
    if not tries:
        return None
    first = tries[0]
    # Who was answered before the first attempt began was turned away.
    away = [one.sent_s for one in asked if one.ended_by(first.start_s)]
    low_s = max(away, default=trip.high_s) - trip.high_s
    return Span(low_s=max(0.0, low_s), high_s=first.start_s - trip.low_s), first, mark


async def watch_rarely(ground: Ground, trip: Span, budget: Budget) -> float | None:
    """The same, ever more rarely: for breakers whose wait begins anew with each request."""
    await ground.lift()
    for number in itertools.count():
        at_s = trip.high_s + _SPARSE_S * 2**number
        if at_s - trip.high_s > 2 * budget.longest_s or at_s - ground.now_s > budget.left_s:
            return None
        await asyncio.sleep(max(0.0, at_s - ground.now_s))
        if (await ground.call(30.0)).tries:
            return ground.now_s - trip.high_s
    return None


def note_rarely(found: Findings, after_s: float | None) -> None:
    """What `watch_rarely` says of a wait that nothing else told."""
    if after_s is not None and found.unknown.get("breaker.wait_s"):
        found.unknown["breaker.wait_s"] = (
            f"a request {after_s:.0f} s after the trip is let through, but not where others were "
            "turned away before: each of them begins the wait anew"
        )


class Failing(Frozen, kw_only=True):
    """What asking an open breaker showed while its upstream went on failing."""

    waits: tuple[Span, ...]
    """Before each failing trial, as far as they came: two, or more where they grow."""
    looked_s: float
    """For how long the one that didn't come was waited for."""


async def watch_failing(ground: Ground, trip: Span, budget: Budget) -> Failing:
    """The waits before failing trials, the fault still in force: two, or up to the longest where
    they grow.
    """
    waits: list[Span] = []
    while len(waits) < 2 or (len(waits) <= MOST_WAITS and _grows(*waits[-2:])):
        found = await _until_let(ground, trip, budget)
        if found is None:
            break
        wait, _, mark = found
        waits.append(wait)
        trip = await _failed(ground, mark)
    return Failing(waits=tuple(waits), looked_s=ground.now_s - trip.high_s)


def note_waits(found: Findings, first: Span | None, failing: Failing | None) -> None:
    """How long it stays open, by its first wait with the upstream well again, and by those before
    trials that failed.
    """
    own = found.breaker
    own.wait = first
    if failing is None or first is None:
        return
    if not failing.waits:
        _not_by_trials(found, first, failing.looked_s)
        return
    waits = [first, failing.waits[0]]
    if len(failing.waits) < 2:
        found.cannot_tell("breaker.waits_s", "after a failed trial it was not seen half open again")
    elif failing.waits[1].high_s < _AT_ONCE_S:
        own.begins_anew = True
        found.cannot_tell(
            "breaker.waits_s", "when its wait is over, one failure more does not open it"
        )
    else:
        again = failing.waits[1]
        if agrees(*waits) and not agrees(again, waits[1]) and _grows(waits[1], again):
            own.later_waits = failing.waits[1:]
            shown = ", ".join(f"{w.low_s:.3g} to {w.high_s:.3g} s" for w in own.later_waits)
            found.saw(f"after failed trials open for {shown}")
        else:
            waits.append(again)
    _as_one(found, waits)


def _not_by_trials(found: Findings, first: Span, looked_s: float) -> None:
    found.cannot_tell("breaker.waits_s", "while the upstream failed nobody was let through")
    if looked_s > 2 * first.high_s + _AT_ONCE_S:
        found.breaker.wait = None
        found.cannot_tell(
            "breaker.wait_s",
            f"open for {first.middle_s:.1f} s where the upstream was well again, and for "
            f"{looked_s:.0f} s and more where it was not: no request of a user's brings it back",
        )


def _grows(before: Span, after: Span) -> bool:
    """Whether a wait is longer by more than a clock that ticks may make it."""
    return after.low_s - before.high_s > _TICK_S or after.low_s > 1.25 * before.high_s


def _as_one(found: Findings, waits: Sequence[Span]) -> None:
    """One wait, where all of them may be the same but for a clock that ticks."""
    if all(agrees(one, other) for one, other in itertools.combinations(waits, 2)):
        return
    low_s, high_s = min(w.low_s for w in waits), max(w.high_s for w in waits)
    shown = ", ".join(f"{w.low_s:.2f} to {w.high_s:.2f} s" for w in waits)
    if max(w.low_s for w in waits) - min(w.high_s for w in waits) > _TICK_S:
        found.breaker.wait = None
        found.cannot_tell("breaker.wait_s", f"not always the same: {shown}")
        return
    found.breaker.wait = Span(low_s=max(0.0, min(low_s, high_s - _TICK_S)), high_s=high_s)
    found.saw(f"not always the same, as by a clock that ticks once a second: {shown}")


async def _failed(ground: Ground, mark: int) -> Span:
    """When a trial, with all attempts of its call, was over: then it is open again."""
    await ground.answered()
    answered_s = ground.now_s
    last_s = max(min(one.end_s, answered_s) for one in await ground.tries(mark))
    return Span(low_s=last_s, high_s=answered_s)


def trials_late_s(found: Findings) -> float:
    """How late a trial is answered."""
    return _SLOW_S if found.timeout is None else min(_SLOW_S, 0.6 * found.timeout.low_s)


def note_still_open(found: Findings, watched: Watched) -> None:
    """It never let anybody through."""
    found.cannot_tell("breaker.wait_s", f"still open {watched.looked_s:.0f} s after the trip")
    for key in OF_TRIALS:
        found.cannot_tell(key, "it was never seen half open")


def note_trials(found: Findings, watched: Watched, *, queues: bool) -> bool:
    """What the volleys tell of trials, and of what closes it; False where the machine was too late
    to tell, which may be tried again.
    """
    for key in OF_TRIALS:
        found.unknown.pop(key, None)
    first = watched.volleys[0]
    let = [one.let for one in watched.volleys]
    if first.all_let:
        found.breaker.everybody = True
        found.cannot_tell(
            "breaker.trials",
            f"all of {first.asked} requests at once are let through while half open",
        )
        found.cannot_tell("breaker.successes", "it can't be told when it is closed")
        return True
    if not queues and not all(one.sure for one in watched.volleys):
        for key in OF_TRIALS:
            found.cannot_tell(key, "the machine was too late to ask enough at once")
        return False
    found.breaker.trials = first.let
    found.saw(f"{first.let} of {first.asked} requests at once let through after the wait")
    if queues:
        found.cannot_tell("breaker.successes", "its calls wait for each other in any state")
        return True
    closed = next((n for n, one in enumerate(watched.volleys) if one.all_let), None)
    if 1 < first.let <= MOST_TRIALS:
        return True  # that takes trials in turn
    if closed is None or len(set(let[:closed])) > 1:
        found.cannot_tell("breaker.successes", f"let through in turn: {let}")
    elif first.let == 1:
        found.breaker.successes = closed
    else:
        found.cannot_tell(
            "breaker.successes", f"{first.let} trials at once closed it, or some of them"
        )
    return True


def agrees(one: Span, other: Span) -> bool:
    """Whether two waits may be the same."""
    return one.low_s <= other.high_s and other.low_s <= one.high_s


def opened_by(look: Look) -> str:
    """For the evidence: what opened it."""
    return f"open after {len(look.calls)} calls in a row that met {look.kind}"
