"""What each kind of failure is to a breaker: a failure, a success, or neither."""

from __future__ import annotations

from harness.measure.findings import Findings
from harness.measure.realtime.doses import Contrast, Fresh, dose
from harness.measure.realtime.ground import Ground
from harness.measure.realtime.looks import MOST, Look

_SLOWEST_S = 60.0


async def what_it_is(
    ground: Ground, found: Findings, look: Look, opening: Look | None
) -> str | None:
    """What a kind is, from its own look and, where that opened nothing, between failures."""
    kind, key = look.kind, f"counts.{look.kind}"
    if opening is None:
        found.cannot_tell(key, "there is no breaker that could count it")
    elif look.opened:
        return "failure"
    elif kind != "refused" and not look.first.tries:
        found.cannot_tell(key, "no attempt was seen")
    elif len(look.calls) == 1 and kind == "timeout":
        found.cannot_tell(key, "such a call is not given up soon enough")
    elif kind == opening.kind:
        found.cannot_tell(key, "it opened its breaker on one world, and not on another")
    elif found.breaker.rule is None:
        found.cannot_tell(key, "its rule is not known")
    elif found.breaker.rule == "rate":
        return None  # `by_doses` tells
    elif len(opening.calls) == 1:
        found.cannot_tell(key, "one call opens it: a success before it changes nothing")
    elif _lasts_s(opening) > _SLOWEST_S:
        found.cannot_tell(key, f"it takes {_lasts_s(opening):.0f} s to open it once")
    else:
        return await _between(ground, found, opening, kind)
    return None


def _lasts_s(opening: Look) -> float:
    return sum(one.latency_s for one in opening.calls)


async def _between(ground: Ground, found: Findings, opening: Look, kind: str) -> str | None:
    """Put between failures a success puts off the opening, and what is neutral doesn't."""
    calls = len(opening.calls)
    await ground.lift()
    if not (await ground.call(30.0)).tries:
        found.cannot_tell(f"counts.{kind}", "its breaker was open before it could be tried")
        return None
    await ground.hold_kind(opening.kind)
    for _ in range(calls - 1):
        await ground.call(60.0)
    await ground.hold_kind(kind)
    await ground.call(60.0)
    await ground.hold_kind(opening.kind)
    got = None
    for number in range(min(MOST, 2 * calls + 2)):
        one = await ground.call(60.0)
        if not one.tries:
            got = number
            break
        if len(one.tries) < opening.tries:
            got = number + 1
            break
    if got == 1 != calls:
        return "neutral"
    if got == calls:
        return "success"
    found.cannot_tell(
        f"counts.{kind}",
        f"after it the breaker opened with {got or 'none'} more failing calls, after a success "
        f"with {calls}",
    )
    return None


async def by_doses(fresh: Fresh, found: Findings, kind: str, opening: str, told: Contrast) -> None:
    """The same for a share: many of the kind, then failures."""
    seen = await fresh(
        lambda ground: dose(
            ground, opening, successes=told.successes, met=kind, results=told.results
        )
    )
    if seen.failures == told.alone:
        found.counts[kind] = "neutral"
    elif seen.failures == told.after:
        found.counts[kind] = "success"
    elif seen.failures == 0:
        found.counts[kind] = "failure"
    else:
        found.cannot_tell(f"counts.{kind}", "it is neither as if nothing nor as if a success came")
