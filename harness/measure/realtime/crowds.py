"""What calls do to a breaker that are under way at once: good answers that come late, and calls
that count before they are over.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

from harness.checks.noise import Noise
from harness.engines.tasks import together
from harness.measure.findings import Findings, Span
from harness.measure.realtime.ground import Ground
from harness.measure.realtime.late import late_s
from harness.measure.realtime.looks import Look

_AT_ONCE = 60
_OF_TIMEOUT = 0.8
_MOST_S = 5.0
"""Later answers are not tried: each of them takes as long."""
_BETWEEN = 7
_ROUNDS = 2
_WITHIN_S = 30.0
_SOON_S = 0.02
_HELD_S = 0.8
"""How long a call is under way where its timeout isn't known."""
_TRIES = 3
_FEW = 2
"""Of so few results a call that is under way could be one of them."""
_QUEUED_S = 0.3
"""How late calls are answered that show whether they wait for each other."""
_Shown = TypeVar("_Shown")


class Fresh(Protocol):
    """Does something on a ground of its own."""

    def __call__(self, use: Callable[[Ground], Awaitable[_Shown]]) -> Awaitable[_Shown]:
        """What it showed."""
        ...


async def find_begun(fresh: Fresh, found: Findings, opening: Look | None) -> None:
    """Whether calls count in a share while they are under way."""
    own = found.breaker
    least = 0 if own.least is None else int(own.least.high_s)
    if own.rule != "rate" or least < _FEW or opening is None or opening.tries > 1:
        own.begun_count = False
        return
    hold_s = _HELD_S if found.timeout is None else _OF_TIMEOUT * found.timeout.low_s
    hold_s = min(_MOST_S, hold_s)
    own.begun_count = await _begun_count(fresh, opening.kind, least, hold_s)
    if own.begun_count:
        found.saw("a call that is still under way counts among the least number")


async def _begun_count(fresh: Fresh, kind: str, least: int, hold_s: float) -> bool | None:
    """The same as `counts_at_once`, tried again where the machine was too late."""
    for _ in range(_TRIES):
        told = await fresh(lambda ground: counts_at_once(ground, kind, least, hold_s))
        if told is not None:
            return told
    return None


async def find_slow(fresh: Fresh, found: Findings) -> None:
    """Whether good answers open it that come late, and from when on; not what they are to it."""
    if found.timeout is None:
        found.cannot_tell("slow_s", "its timeout isn't known, nor how late a good answer may be")
        return
    latest_s = min(_OF_TIMEOUT * found.timeout.low_s, _MOST_S)
    last = await fresh(lambda ground: many_slow(ground, latest_s))
    if last is None:
        found.cannot_tell("slow_s", "many at once were not all answered well in time")
        return
    if not math.isfinite(last.high_s):
        found.saw(f"{_AT_ONCE} good answers {latest_s:.3g} s late open nothing")
        return
    span = Span(low_s=0.0, high_s=last.high_s)
    for _ in range(_ROUNDS):
        span = await _closer(fresh, span, min(latest_s, span.high_s))
    found.slow = span
    found.saw(f"{_AT_ONCE} good answers open it that come {span.high_s:.3f} s late")
    found.cannot_tell(
        "breaker.slow_share",
        "slow answers open it; by what share, or as failures, only the simulation finds out",
    )


async def _closer(fresh: Fresh, span: Span, latest_s: float) -> Span:
    """The same bounds of when an answer is slow, by answers that share out what lies between."""
    step_s = (latest_s - span.low_s) / (_BETWEEN + 1)
    late = [span.low_s + step_s * (number + 1) for number in range(_BETWEEN)]

    async def tried(after_s: float) -> Span | None:
        return await fresh(lambda ground: many_slow(ground, after_s))

    for one in await together(*map(tried, late)):
        if one is not None and math.isfinite(one.high_s):
            span = Span(low_s=span.low_s, high_s=min(span.high_s, one.high_s))
        elif one is not None:
            span = Span(low_s=max(span.low_s, one.low_s), high_s=span.high_s)
    return span if span.low_s < span.high_s else Span(low_s=0.0, high_s=span.high_s)


async def many_slow(ground: Ground, after_s: float) -> Span | None:
    """Between which times an answer is slow, by many good ones at once, so late: they opened it,
    and one may have taken as long as any did; or didn't, and it is later than all of them.

    None where not all were answered as well as the first one.
    """
    well = (await ground.call(_WITHIN_S)).status
    await ground.slow(after_s)
    asked = [ground.ask(_WITHIN_S) for _ in range(_AT_ONCE)]
    await ground.answered()
    await ground.lift()
    answers = [(one.sent_s, *one.answer.result()) for one in asked]
    if any(status != well for _, _, status in answers):
        return None
    if (await ground.call(_WITHIN_S)).tries:
        return Span(low_s=after_s, high_s=math.inf)
    return Span(low_s=0.0, high_s=max(end_s - sent_s for sent_s, end_s, _ in answers))


async def counts_at_once(ground: Ground, kind: str, least: int, hold_s: float) -> bool | None:
    """Whether a good call that is still under way makes up the least number of results, with as
    many failures as are one too few; None where the machine was too late to tell.
    """
    await ground.slow(hold_s)
    mark = ground.mark()
    held = ground.ask(_WITHIN_S)
    while not ground.called_since(mark) and not held.answer.done():
        await ground.rest(_SOON_S)
    await ground.hold_kind(kind)
    for _ in range(least - 1):
        await ground.ask(_WITHIN_S).answer
    mark = ground.mark()
    last = ground.ask(_WITHIN_S)
    ended_s, _ = await last.answer
    made = len(await ground.tries(mark))
    held_until_s, _ = await held.answer
    return None if held_until_s <= ended_s else made == 0


async def find_queue(ground: Ground) -> bool:
    """Whether the target makes one call at a time."""
    await ground.slow(_QUEUED_S)
    mark = ground.mark()
    asked = [ground.ask(30.0), ground.ask(30.0)]
    await asyncio.wait([one.answer for one in asked])
    starts_s = [one.start_s for one in await ground.tries(mark)]
    queues = one_at_a_time(starts_s, await ground.noise())
    await ground.lift()
    return queues


def one_at_a_time(starts_s: Sequence[float], noise: Noise) -> bool:
    """Whether the second of two calls began only when the first was over, which took `_QUEUED_S`,
    and not because a busy machine made it late.
    """
    if len(starts_s) < 2:
        return False
    apart_s = starts_s[1] - starts_s[0]
    return apart_s - late_s(noise, starts_s[0], starts_s[1]) > _QUEUED_S / 2
