"""What closes a breaker that lets several trials through at once, in real time.

What trials in turn tell is `harness.measure.closing`'s; here they are made.
"""

from __future__ import annotations

from harness.measure.closing import Tried
from harness.measure.findings import Span
from harness.measure.realtime.ground import Ground
from harness.measure.realtime.looks import Look
from harness.measure.realtime.recovery import volley_of

_AFTER_S = 0.3
"""So long after its wait must be over the first trial is made."""


async def try_in_turn(
    ground: Ground,
    opened: Look,
    wait: Span,
    *,
    failed: int,
    good: int,
    slow_s: float,
    by_call: bool,
) -> Tried | None:
    """Trials one after another when the wait of an open breaker is over, then many at once.

    None where that is not known: a call made none or several trials, or the machine was too late to
    ask enough at once. `slow_s`: how late those are answered; `by_call`: whether a call is one
    trial, however many attempts it makes.
    """
    await ground.rest(max(0.0, opened.trip.high_s + wait.high_s + _AFTER_S - ground.now_s))
    for kind, number in ((opened.kind, failed), (None, good)):
        await (ground.lift() if kind is None else ground.hold_kind(kind))
        for _ in range(number):
            tries = len((await ground.call(30.0)).tries)
            if not tries or (tries > 1 and not by_call):
                return None
    await ground.slow(slow_s)
    volley = await volley_of(ground, ground.mark(), slow_s)
    if not volley.all_let and not volley.sure:
        return None
    return Tried(failed=failed, good=good, let=volley.let, asked=volley.asked)
