"""Attempts, deadlines and backoffs, as calls that met each kind of failure showed them."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping, Sequence

from harness.measure.calls import duration_s, gaps, note_covers
from harness.measure.findings import Findings, Span
from harness.measure.reading import Seen
from harness.measure.realtime.connects import Connects
from harness.measure.realtime.ground import SLACK_S, Ground
from harness.measure.realtime.looks import Look

_JITTER_S = 0.005
"""Waits that differ by more than this, beyond how late the machine was, are not constant."""
_MISSED = 9.0
"""Divided by the number of samples: how much of their range lies beyond them on either side."""
_FEW = 4
_GOES_ON_S = 0.25
_SYSTEM_S = 100.0
_TOLD_S = 0.4
"""By then it is told how long the machine kept whom waiting."""


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
        found.note_attempts(retried)


def _goes_on(one: Seen) -> bool:
    """Whether a call is answered only some time after its last attempt."""
    last_s = one.tries[-1].end_s
    return not math.isinf(one.end_s) and one.end_s - last_s > _GOES_ON_S


def note_timeout(found: Findings, ground: Ground, silent: Look, patience_s: float) -> None:
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
    spans = [_timed(ground, one, index) for one in silent.calls for index in range(len(one.tries))]
    low, high = max(span.low_s for span in spans), min(span.high_s for span in spans)
    if low > high:
        found.cannot_tell(
            "timeout_s", f"attempts that hear nothing lasted {high:.3g} to {low:.3g} s"
        )
        return
    found.timeout = Span(low_s=max(0.0, low), high_s=high)
    count = len(spans)
    found.saw(
        f"{count} silent attempt{'s' if count > 1 else ''} given up after {low:.3f} to {high:.3f} s"
    )


def _timed(ground: Ground, one: Seen, index: int) -> Span:
    """What a timeout can have been by one attempt.

    Its clock may have begun with the request, and have been heard late.
    """
    lasted_s, own = duration_s(one, index), one.tries[index]
    before_s = one.tries[index - 1].end_s if index else one.sent_s
    lead_s = min(own.start_s - before_s, 0.1)
    late_s = ground.late_s(own.start_s + lasted_s)
    return Span(low_s=lasted_s - late_s, high_s=lasted_s + lead_s + SLACK_S)


def note_backoffs(found: Findings, looks: Mapping[str, Look]) -> None:
    """The waits between the attempts of calls that were not cut short."""
    retried = [look for kind, look in looks.items() if look.tries > 1 and kind != "timeout"]
    if not retried:
        silent = looks.get("timeout")
        if silent is not None and silent.tries > 1:
            retried = [silent]
    if not retried:
        if found.attempts is None:
            found.cannot_tell("backoff_s", "how many attempts a call makes is not known")
        else:
            found.backoffs = ()
        return
    count = max(look.tries for look in retried)
    calls = [spans for look in retried for spans in look.gaps if len(spans) == count - 1]
    spans = [_interval(sample) for sample in zip(*calls, strict=True)]
    if not spans or any(span is None for span in spans):
        found.cannot_tell(
            "backoff_s", f"the waits differ, and {len(calls)} calls are too few to bound them"
        )
        return
    found.backoffs = tuple(span for span in spans if span is not None)
    words = ", ".join(f"{span.low_s:.3f} to {span.high_s:.3f} s" for span in found.backoffs)
    found.saw(f"waits between attempts by {len(calls)} calls: {words}")


def note_gaps(ground: Ground, look: Look) -> None:
    """What the waits between a look's attempts can have been; a busy machine makes them longer."""
    for one in look.calls:
        spans = []
        for index in range(len(one.tries) - 1):
            ended_s = one.tries[index].start_s + duration_s(one, index)
            begun_s = one.tries[index + 1].start_s
            gap_s = begun_s - ended_s
            late_s = ground.late_s(ended_s, begun_s)
            spans.append(Span(low_s=max(0.0, gap_s - late_s), high_s=gap_s))
        look.gaps.append(tuple(spans))


def _interval(samples: Sequence[Span]) -> Span | None:
    """What the waits lie in; None where they differ and are too few."""
    low, high = max(one.low_s for one in samples), min(one.high_s for one in samples)
    if low <= high + _JITTER_S:  # one and the same would explain them all
        return Span(low_s=min(low, high), high_s=max(low, high))
    if len(samples) < _FEW:
        return None
    low, high = min(one.low_s for one in samples), max(one.high_s for one in samples)
    wider = _MISSED / len(samples) * (high - low)
    return Span(low_s=max(0.0, low - wider), high_s=high + wider)


async def note_others(found: Findings, ground: Ground, looks: Mapping[str, Look]) -> None:
    """Connect timeout, what the timeout covers, and `Retry-After`: one call each."""
    await _connect(found, ground, looks)
    await _covers(found, ground)
    await _retry_after(found, ground, looks)


async def _closed_again(ground: Ground, within_s: float) -> bool:
    """Wait until a healthy call is let through; whether that came."""
    await ground.lift()
    end_s = ground.now_s + within_s
    while not (await ground.call(30.0)).tries:
        if ground.now_s > end_s:
            return False
    return True


async def _connect(found: Findings, ground: Ground, looks: Mapping[str, Look]) -> None:
    """How long a connect that nobody answers is waited for."""
    await ground.hold({"fault": "unanswered"})
    connects = Connects(ground.port)
    connects.start()
    one = await ground.call(_SYSTEM_S)
    connects.stop()
    if math.isinf(one.end_s):
        found.cannot_tell("connect_timeout_s", "a connect that nobody answers was not given up")
        return
    if connects.count > 1:
        await asyncio.sleep(_TOLD_S)
        _each(found, connects, ground.late_s(one.sent_s, one.end_s))
        return
    backoffs, tries = ((), 1) if connects.count else (found.backoffs, found.attempts)
    if tries is None or backoffs is None or len(backoffs) != tries - 1:
        found.cannot_tell("connect_timeout_s", "how many attempts it was is not known")
        return
    refused = looks.get("refused")
    waited_low = sum(span.low_s for span in backoffs)
    if tries > 1 and refused is not None and refused.first.latency_s < 0.9 * waited_low:
        tries, backoffs = 1, ()  # a connect in vain is not tried again
    elif tries > 1 and (refused is None or waited_low < 0.2):
        found.cannot_tell("connect_timeout_s", "whether connects are tried again is not known")
        return
    await asyncio.sleep(_TOLD_S)
    late_s = ground.late_s(one.sent_s, one.end_s)
    low = (one.latency_s - sum(span.high_s for span in backoffs) - late_s) / tries
    high = (one.latency_s - sum(span.low_s for span in backoffs)) / tries
    if high <= 0:
        found.cannot_tell("connect_timeout_s", "connects lasted differently long")
        return
    if high < 2 * SLACK_S:
        found.cannot_tell("connect_timeout_s", "such a call was turned away")
        return
    found.connect_timeout = Span(low_s=max(0.0, low), high_s=high + SLACK_S)
    found.saw(f"an unanswered connect given up after {one.latency_s:.3f} s")


def _each(found: Findings, connects: Connects, late_s: float) -> None:
    """Several connects of one call, each by its socket."""
    found.connect_timeout = connects.lasted(late_s)
    if found.connect_timeout is None:
        found.cannot_tell("connect_timeout_s", "connects lasted differently long")
    else:
        found.saw(f"{connects.count} unanswered connects of one call")


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
    else:
        found.cannot_tell("retry_after", f"it then waited {waits[0]:.3g} s, of {asked_s} s asked")
