"""Attempts, deadlines and backoffs, as calls that met each kind of failure showed them."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Mapping, Sequence

from harness.checks.noise import Noise
from harness.measure.calls import duration_s, gaps, note_covers, usually_retried
from harness.measure.findings import Findings, Span
from harness.measure.reading import Seen
from harness.measure.realtime.connects import Connects
from harness.measure.realtime.ground import Ground
from harness.measure.realtime.late import SLACK_S, is_vague, late_s, put_off_s
from harness.measure.realtime.looks import Look
from harness.units import plural

_JITTER_S = 0.005
"""Waits that differ by more than this, beyond how late the machine was, are not constant."""
_MISSED = 9.0
"""Divided by the number of samples: how much of their range lies beyond them on either side."""
_AT_ONCE_S = 0.005
"""Who sends again by itself what was cut waits no longer than this."""
_FEW = 4
_AGAIN = 2
_TOO_LATE = "the machine was too late to time it"
_PATIENCE_S = 40.0
_GOES_ON_S = 0.25
_SYSTEM_S = 100.0
"""A connect that waits for longer is left to the system (127 s)."""
_LEAD_S = 0.1
"""So long before its request is seen an attempt's clock may have begun, beside what was late."""


def note_attempts(found: Findings, looks: Mapping[str, Look], *, at_first: bool) -> None:
    """How many attempts a call makes; `at_first`: the breaker opens with the first failure."""
    seen = {kind: look for kind, look in looks.items() if look.first.tries}
    counts = {kind: look.tries for kind, look in seen.items()}
    retried = {kind: count for kind, count in counts.items() if count > 1}
    goes_on = [k for k, look in seen.items() if _goes_on(look.first)]
    if not counts:
        found.cannot_tell("attempts", "no attempt was seen")
    elif at_first:
        found.cannot_tell(
            "attempts",
            f"at least {max(counts.values())}: then the breaker opens, in the same call",
        )
    elif goes_on:
        found.cannot_tell(
            "attempts",
            f"at least {max(counts.values())}: a call that meets {goes_on[0]} goes on after its "
            "last attempt",
        )
    else:
        cut = looks["cut"].gaps if "cut" in looks else []
        at_once = any(spans and spans[0].low_s <= _AT_ONCE_S for spans in cut)
        found.note_attempts(retried, at_once=at_once)


def _goes_on(one: Seen) -> bool:
    """Whether a call is answered only some time after its last attempt."""
    last_s = one.tries[-1].end_s
    return not math.isinf(one.end_s) and one.end_s - last_s > _GOES_ON_S


def note_timeout(found: Findings, noise: Noise, silent: Look, patience_s: float) -> None:
    """How long an attempt is waited for that hears nothing."""
    first = silent.first
    if not first.tries:
        found.cannot_tell("timeout_s", "no attempt was seen")
        return
    if math.isinf(first.end_s) and len(first.tries) == 1:
        found.cannot_tell(
            "timeout_s",
            f"an attempt that hears nothing was not given up within {patience_s:g} s",
        )
        return
    spans = [timed(noise, one, index) for one in silent.calls for index in range(len(one.tries))]
    low, high = max(span.low_s for span in spans), min(span.high_s for span in spans)
    if low > high:
        found.cannot_tell(
            "timeout_s", f"attempts that hear nothing lasted {high:.3g} to {low:.3g} s"
        )
        return
    if is_vague(Span(low_s=low, high_s=high)):
        found.cannot_tell("timeout_s", f"{_TOO_LATE}: up to {high:.3g} s")
        return
    found.timeout = Span(low_s=max(0.0, low), high_s=high)
    found.unknown.pop("timeout_s", None)
    attempts = plural(len(spans), "silent attempt")
    found.saw(f"{attempts} given up after {low:.3f} to {high:.3f} s")


def timed(noise: Noise, one: Seen, index: int) -> Span:
    """What a timeout can have been by one attempt.

    Its clock may have begun before the request was seen or after it, and have been heard late.
    """
    lasted_s, own = duration_s(one, index), one.tries[index]
    before_s = one.tries[index - 1].end_s if index else one.sent_s
    begun_late_s = late_s(noise, own.start_s)
    put_off = put_off_s(noise, own.start_s)
    ended_late_s = late_s(noise, own.start_s + lasted_s)
    lead_s = max(0.0, min(own.start_s - before_s, _LEAD_S + begun_late_s))
    return Span(
        low_s=lasted_s - put_off - ended_late_s - SLACK_S, high_s=lasted_s + lead_s + SLACK_S
    )


def note_backoffs(found: Findings, looks: Mapping[str, Look]) -> None:
    """The waits between the attempts of calls that were not cut short."""
    quick = {kind: look for kind, look in looks.items() if look.tries > 1 and kind != "timeout"}
    retried = quick or {kind: look for kind, look in looks.items() if look.tries > 1}
    usual = usually_retried(found, {kind: look.tries for kind, look in retried.items()})
    if usual is None:
        if found.attempts is None:
            found.cannot_tell("backoff_s", "how many attempts a call makes is not known")
        else:
            found.backoffs = ()
        return
    count = retried[usual].tries
    calls = [spans for look in retried.values() for spans in look.gaps if len(spans) == count - 1]
    spans = [_interval(sample) for sample in zip(*calls, strict=True)]
    if not spans or any(span is None for span in spans):
        found.cannot_tell(
            "backoff_s", f"the waits differ, and {len(calls)} calls are too few to bound them"
        )
        return
    found.backoffs = tuple(span for span in spans if span is not None)
    words = ", ".join(f"{span.low_s:.3f} to {span.high_s:.3f} s" for span in found.backoffs)
    found.saw(f"waits between attempts by {len(calls)} calls: {words}")


def note_gaps(noise: Noise, look: Look) -> None:
    """What the waits between a look's attempts can have been; a busy machine makes them longer.

    Who gives an attempt up begins to wait before its proxy hears of that.
    """
    for one in look.calls:
        spans = []
        for index in range(len(one.tries) - 1):
            own, begun_s = one.tries[index], one.tries[index + 1].start_s
            ended_s = own.start_s + duration_s(one, index)
            late = put_off_s(noise, ended_s) + late_s(noise, begun_s) + 2 * SLACK_S
            gap_s = begun_s - ended_s
            lead_s = late_s(noise, ended_s) if own.left else 0.0
            spans.append(Span(low_s=max(0.0, gap_s - late), high_s=gap_s + lead_s))
        look.gaps.append(tuple(spans))


def _interval(samples: Sequence[Span]) -> Span | None:
    """What the waits lie in; None where they differ and are too few.

    That one and the same wait, made longer by the machine, would explain them all does not make it
    so: of a jitter's samples all would be late but the shortest. Half of them must be as short.
    """
    low, high = max(one.low_s for one in samples), min(one.high_s for one in samples)
    shortest = sum(one.high_s <= high + _JITTER_S for one in samples)
    if low <= high + _JITTER_S and 2 * shortest >= len(samples):
        return Span(low_s=min(low, high), high_s=max(low, high))
    if len(samples) < _FEW:
        return None
    low, high = min(one.low_s for one in samples), max(one.high_s for one in samples)
    wider = _MISSED / len(samples) * (high - low)
    return Span(low_s=max(0.0, low - wider), high_s=high + wider)


async def note_others(found: Findings, ground: Ground, looks: Mapping[str, Look]) -> None:
    """Connect timeout, what the timeout covers, and `Retry-After`: one call each; and once more
    what the machine was too late to time.
    """
    await _again(found, ground, "timeout_s", _silent)
    await _connect(found, ground)
    await _again(found, ground, "connect_timeout_s", _connect)
    await _covers(found, ground)
    await _retry_after(found, ground, looks)


async def _again(
    found: Findings,
    ground: Ground,
    key: str,
    experiment: Callable[[Findings, Ground], Awaitable[None]],
) -> None:
    """The same a few times more, until the machine is in time."""
    for _ in range(_AGAIN):
        if not found.unknown.get(key, "").startswith(_TOO_LATE):
            return
        if not await _closed_again(ground, 60.0):
            return
        await experiment(found, ground)


async def _silent(found: Findings, ground: Ground) -> None:
    """How long one call waits that hears nothing."""
    await ground.hold_kind("timeout")
    one = await ground.call(_PATIENCE_S)
    if one.tries:
        look = Look(kind="timeout", calls=[one])
        note_timeout(found, await ground.noise(), look, _PATIENCE_S)


async def _closed_again(ground: Ground, within_s: float) -> bool:
    """Wait until a healthy call is let through; whether that came."""
    await ground.lift()
    end_s = ground.now_s + within_s
    while not (await ground.call(30.0)).tries:
        if ground.now_s > end_s:
            return False
    return True


async def _connect(found: Findings, ground: Ground) -> None:
    """How long a connect that nobody answers is waited for, by its socket.

    The call says nothing of it: its first attempt may have gone to a connection that was kept, and
    have failed with that at once.
    """
    await ground.hold({"fault": "unanswered"})
    connects = Connects(ground.port, lambda: ground.now_s)
    connects.start()
    one = await ground.call(_SYSTEM_S)
    connects.stop()
    note_connects(found, await ground.noise(), connects, one)


def note_connects(found: Findings, noise: Noise, connects: Connects, one: Seen) -> None:
    """What the connects of a call tell of how long one is waited for."""
    key = "connect_timeout_s"
    if math.isinf(one.end_s):
        found.cannot_tell(key, "a connect that nobody answers was not given up")
    elif not connects.count:
        found.cannot_tell(key, "no connect was seen that waited for its answer")
    elif connects.count == 1 and connects.left_waiting and _perhaps_again(found, connects, one):
        found.cannot_tell(key, "one connect was seen, for what may have been several attempts")
    elif (limit := connects.limit(noise, one.end_s)) is None:
        found.cannot_tell(key, "connects lasted differently long")
    elif is_vague(limit):
        found.cannot_tell(key, f"{_TOO_LATE}: up to {limit.high_s:.3g} s")
    else:
        found.connect_timeout = limit
        found.unknown.pop(key, None)
        made = plural(connects.count, "unanswered connect")
        found.saw(f"{made} given up after {limit.low_s:.3f} to {limit.high_s:.3f} s")


def _perhaps_again(found: Findings, connects: Connects, one: Seen) -> bool:
    """Whether several attempts may have waited for the only connect there was.

    One that begins only after a backoff is the second attempt's: the first had a connection.
    """
    if found.attempts == 1:
        return False
    return not found.backoffs or connects.first_s - one.sent_s < max(
        0.05, found.backoffs[0].low_s - SLACK_S
    )


async def _covers(found: Findings, ground: Ground) -> None:
    """Whether the timeout ends an answer that comes slowly, too."""
    if found.timeout is None:
        found.cannot_tell("timeout_covers", "there is no timeout to speak of")
        return
    limit_s = found.timeout.middle_s
    if not await _closed_again(ground, 60.0):
        found.cannot_tell("timeout_covers", "its breaker was open")
        return
    await ground.hold({"fault": "drip", "every": f"{0.6 * limit_s:.3f}s"})
    mark = ground.mark()
    one = await ground.call(2.4 * limit_s)
    if not one.tries:
        found.cannot_tell("timeout_covers", "no attempt was seen")
        return
    first = (await ground.tries(mark))[0]
    following_s = one.tries[1].start_s if len(one.tries) > 1 else one.end_s
    lasted_s = min(first.gone_s, following_s) - first.start_s
    note_covers(found, lasted_s, limit_s, 1.3)


async def _retry_after(found: Findings, ground: Ground, looks: Mapping[str, Look]) -> None:
    """Whether a 503's `Retry-After` changes the wait before the next attempt."""
    if "503" not in looks or looks["503"].tries < 2 or not found.backoffs:
        found.cannot_tell("retry_after", "a 503 is not retried")
        return
    if not await _closed_again(ground, 60.0):
        found.cannot_tell("retry_after", "its breaker was open")
        return
    asked_s = math.ceil(found.backoffs[0].high_s) + 3
    headers = {"Retry-After": str(asked_s)}
    await ground.hold({"fault": "headers", "status": 503, "headers": headers})
    waits = gaps(await ground.call(4.0 * asked_s))
    if not waits:
        found.cannot_tell("retry_after", "such an answer is not retried")
    elif waits[0] >= asked_s - 0.1:
        found.retry_after = "honoured"
    elif waits[0] <= found.backoffs[0].high_s + SLACK_S:
        found.retry_after = "ignored"
    elif waits[0] < found.backoffs[0].high_s + 1.0:
        found.cannot_tell("retry_after", f"it then waited {waits[0]:.3g} s, of {asked_s} s asked")
    else:
        found.retry_after = "honoured"
        found.saw(f"of {asked_s} s that a `Retry-After` asked it waited {waits[0]:.3g} s")
