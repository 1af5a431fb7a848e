"""How one call goes: attempts, deadlines, backoffs, for each kind of failure that it can meet."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from harness.engines.tasks import together
from harness.measure.bench import ONE_S, Bench
from harness.measure.experiment import KINDS, Spell
from harness.measure.findings import RESOLUTION_S, Findings, Span
from harness.measure.reading import Reading, Seen, Try
from harness.units import plural

HORIZON_S = 1200.0
"""What has not ended by then has no deadline."""
_PAUSE_S = 1200.0
"""Long enough for a breaker to be half open again."""
_SYSTEM_S = 100.0
"""A connect that was tried for longer was ended by the system, not by a deadline (127 s)."""
_SAMPLES = 30
_BEFORE = 12
_WIDER = 0.3
"""Of 30 samples' range, added at each end, so that the true interval of a jitter is inside:
uniform samples miss it less than once in 200."""
_GOES_ON_S = 0.05
"""A call that is answered so long after its last attempt waited for one more, or did other work."""
_AGREES = 0.01
_OUTLASTS = 4.0
"""So many timeouts an answer that drips is watched."""
_QUICK = ("503", "500", "refused", "cut", "timeout")
"""Kinds of failure, those first that fail at once and that nothing but the gateway tries again."""


async def find_calls(bench: Bench) -> bool:
    """Attempts, timeouts and backoffs of one call; whether it is one call that a request makes.

    Calls of a route that goes on to the same upstream although it fails can't be told apart.
    """
    bench.lasts_s[None] = bench.route.lasts_s + 0.01
    kinds = list(KINDS)
    readings = await together(*(meet(bench, KINDS[kind]) for kind in kinds))
    seen = dict(zip(kinds, (reading.seen[-1] for reading in readings), strict=True))
    for kind, one in seen.items():
        bench.tries[kind] = len(one.tries)
        bench.first[kind] = one
        bench.lasts_s[kind] = _lasts_s(one)
    bench.goes_on = any(
        one.end_s - one.tries[-1].end_s > _GOES_ON_S for one in seen.values() if one.tries
    )
    several = {one.route for kind in ("503", "500") for one in seen[kind].tries if one.route}
    if len(several) > 1:
        bench.findings.cannot_tell(
            "",
            f"{bench.route.request} calls it by {' and '.join(sorted(several))} even if it fails; "
            "name a route in `routes:` that makes one call to it",
        )
        return False
    _attempts(bench, seen)
    await _backoffs(bench, seen)
    _timeout(bench, seen["timeout"])
    await together(_connect(bench), _covers(bench), _retry_after(bench))
    return True


async def meet(bench: Bench, fault: dict[str, object]) -> Reading:
    """One call that meets a fault all along."""
    return await bench.play_one(
        [Spell(fault=fault, from_s=ONE_S - 0.005, to_s=HORIZON_S)], HORIZON_S + 1
    )


def _lasts_s(seen: Seen) -> float:
    return HORIZON_S if math.isinf(seen.end_s) else seen.latency_s + 0.01


def duration_s(seen: Seen, index: int) -> float:
    """How long an attempt of a call took at the most, as its client sees it."""
    own = seen.tries[index]
    following = seen.tries[index + 1].start_s if index + 1 < len(seen.tries) else math.inf
    return min(own.end_s, following, seen.end_s) - own.start_s


def gaps(seen: Seen) -> list[float]:
    """The waits between the attempts of a call."""
    pairs = zip(seen.tries, seen.tries[1:], strict=False)
    return [later.start_s - _end_s(earlier, later) for earlier, later in pairs]


def _end_s(one: Try, following: Try) -> float:
    return min(one.end_s, following.start_s)


def _timeout(bench: Bench, seen: Seen) -> None:
    found = bench.findings
    if not seen.tries:
        found.cannot_tell("timeout_s", "no attempt was seen")
        return
    lasting = [duration_s(seen, index) for index in range(len(seen.tries))]
    left = [one.left or one.end_s > seen.end_s for one in seen.tries]
    if max(lasting) > HORIZON_S * 0.9 or not any(left):
        found.cannot_tell(
            "timeout_s",
            f"an attempt that hears nothing was not given up within {HORIZON_S:g} s: it has no "
            "deadline",
        )
        return
    low, high = min(lasting), max(lasting)
    if high - low > max(2 * RESOLUTION_S, _AGREES * high):
        low, high = _but_for_backoffs(bench, lasting)
    if high - low > max(2 * RESOLUTION_S, _AGREES * high):
        found.cannot_tell(
            "timeout_s", f"attempts that hear nothing lasted {low:.3g} to {high:.3g} s"
        )
        return
    found.timeout = Span(low_s=low - RESOLUTION_S, high_s=high + RESOLUTION_S)
    found.saw(f"{plural(len(lasting), 'silent attempt')} given up after {high:.3f} s")


def _but_for_backoffs(bench: Bench, lasting: Sequence[float]) -> tuple[float, float]:
    """From how long to how long attempts lasted, where each but the last may have been closed only
    when the wait after it was over (urllib3's `Retry`); as they were seen where that explains
    nothing.
    """
    waited = [bench.backoff(number).high_s for number in range(1, len(lasting))]
    early = [one - most for one, most in zip(lasting, (*waited, 0.0), strict=True)]
    low, high = max(early), min(lasting)
    seen = min(lasting), max(lasting)
    return (min(low, high), high) if low <= high + 2 * RESOLUTION_S else seen


def _attempts(bench: Bench, seen: dict[str, Seen]) -> None:
    """How many attempts a call makes; kinds that are not retried say nothing against it."""
    found = bench.findings
    counts = {kind: len(one.tries) for kind, one in seen.items() if one.tries}
    retried = {kind: count for kind, count in counts.items() if count > 1}
    if not counts:
        found.cannot_tell("attempts", "no attempt was seen")
    else:
        waits_s = gaps(seen["cut"])
        at_once = bool(waits_s) and waits_s[0] <= 2 * RESOLUTION_S
        found.note_attempts(retried, at_once=at_once)
    if bench.goes_on:
        found.attempts = None
        found.cannot_tell(
            "attempts", f"at least {max(counts.values())}: a call goes on after its last attempt"
        )


async def _backoffs(bench: Bench, seen: dict[str, Seen]) -> None:
    """The waits between attempts, from many calls of a kind that is retried and fails at once."""
    found = bench.findings
    kind = usually_retried(found, bench.tries)
    if kind is None:
        found.backoffs = ()
        return
    count = bench.tries[kind]
    course = bench.course()
    for _ in range(_SAMPLES):
        # What breaker there may be is closed again by then, and opens late with successes before.
        course.call(*[None] * _BEFORE, kind).pause(_PAUSE_S)
    reading = await bench.play(course)
    failing = zip(course.met, reading.seen, strict=True)
    calls = [one for met, one in failing if met == kind and len(one.tries) == count]
    if not calls:
        found.cannot_tell("backoff_s", f"calls made {count} attempts once, and never again")
        return
    samples = list(zip(*(gaps(one) for one in calls), strict=True))
    found.backoffs = tuple(_interval(sample) for sample in samples)
    for each in KINDS:
        if bench.tries[each] > 1:
            extra_s = sum(span.high_s for span in found.backoffs) - sum(gaps(seen[each]))
            bench.lasts_s[each] += max(0.0, extra_s)
    words = ", ".join(
        f"{span.middle_s:.3f} s" if _steady(sample) else f"{min(sample):.3f} to {max(sample):.3f} s"
        for span, sample in zip(found.backoffs, samples, strict=True)
    )
    found.saw(f"waits between attempts in {len(calls)} calls: {words}")


def usually_retried(found: Findings, tries: Mapping[str, int]) -> str | None:
    """A kind of failure whose calls make as many attempts as most that are retried; None: none is,
    or only by the client itself.
    """
    own = ("cut",) if found.resends else ()
    retried = [kind for kind, count in tries.items() if count > 1 and kind not in own]
    retried.sort(key=lambda kind: _QUICK.index(kind) if kind in _QUICK else len(_QUICK))
    numbers = [tries[kind] for kind in retried]
    return max(retried, key=lambda kind: (numbers.count(tries[kind]), tries[kind]), default=None)


def _steady(samples: Sequence[float]) -> bool:
    return max(samples) - min(samples) <= 2 * RESOLUTION_S


def _interval(samples: Sequence[float]) -> Span:
    low, high = min(samples), max(samples)
    if _steady(samples):
        middle = (low + high) / 2
        return Span(low_s=max(0.0, middle - 2 * RESOLUTION_S), high_s=middle + 2 * RESOLUTION_S)
    wider = _WIDER * (high - low)
    return Span(low_s=max(0.0, low - wider), high_s=high + wider)


async def _connect(bench: Bench) -> None:
    """How long a connect that nobody answers is waited for."""
    found = bench.findings
    seen = (await meet(bench, {"fault": "unanswered"})).seen[-1]
    own = [one for one in seen.tries if one.how == "unanswered"]
    if bench.goes_on:
        found.cannot_tell("connect_timeout_s", "a call goes on after its last attempt")
        return
    if not own or math.isinf(seen.end_s):
        found.cannot_tell("connect_timeout_s", "a connect that nobody answers was never given up")
        return
    ends = [*(one.start_s for one in own[1:]), seen.end_s]
    lasting = []
    for number, (one, end_s) in enumerate(zip(own, ends, strict=True), 1):
        # The last one is followed by no backoff.
        waited = bench.backoff(number) if number < len(own) else Span(low_s=0.0, high_s=0.0)
        lasting.append((end_s - one.start_s - waited.high_s, end_s - one.start_s - waited.low_s))
    low, high = max(one[0] for one in lasting), min(one[1] for one in lasting)
    if low - RESOLUTION_S > high + RESOLUTION_S or high <= 0:
        found.cannot_tell("connect_timeout_s", "connects lasted differently long")
    elif high > _SYSTEM_S:
        found.cannot_tell(
            "connect_timeout_s",
            f"no deadline of its own: the system gave up connecting after {high:.0f} s",
        )
    else:
        found.connect_timeout = Span(low_s=low - RESOLUTION_S, high_s=high + RESOLUTION_S)
        found.saw(f"{plural(len(own), 'unanswered connect')} given up after {high:.3f} s")


def note_covers(found: Findings, lasted_s: float, limit_s: float, slack: float) -> None:
    """What the timeout covers, by how long an attempt lasted whose answer dripped.

    An answer that is over long before (one without a body) never comes slowly.
    """
    if lasted_s < limit_s / 2:
        found.cannot_tell("timeout_covers", "its answer has too little to come slowly")
    else:
        found.covers = "attempt" if lasted_s <= slack * limit_s else "silence"


async def _covers(bench: Bench) -> None:
    """Whether the timeout ends an answer that comes slowly, too."""
    found = bench.findings
    if found.timeout is None:
        found.cannot_tell("timeout_covers", "there is no timeout to speak of")
        return
    limit_s = found.timeout.middle_s
    drip = {"fault": "drip", "every": f"{0.6 * limit_s:.6f}s"}
    # Who outlasts its timeout so far has none for the whole; what it does by itself all the while,
    # such as health checks, costs real time.
    end_s = ONE_S + _OUTLASTS * limit_s
    reading = await bench.play_one([Spell(fault=drip, from_s=ONE_S - 0.005, to_s=end_s)], end_s)
    one = reading.seen[-1]
    first = one.tries[0] if one.tries else None
    if first is None:
        found.cannot_tell("timeout_covers", "no attempt was seen")
        return
    following_s = one.tries[1].start_s if len(one.tries) > 1 else one.end_s
    lasted_s = min(first.gone_s, following_s) - first.start_s
    note_covers(found, lasted_s, limit_s, 1.1)


async def _retry_after(bench: Bench) -> None:
    """Whether a 503's `Retry-After` changes the wait before the next attempt."""
    found = bench.findings
    if bench.tries["503"] < 2 or not found.backoffs:
        found.cannot_tell("retry_after", "a 503 is not retried")
        return
    asked_s = math.ceil(found.backoffs[0].high_s) + 7
    fault = {"fault": "headers", "status": 503, "headers": {"Retry-After": str(asked_s)}}
    seen = (await meet(bench, fault)).seen[-1]
    waits = gaps(seen)
    if not waits:
        found.cannot_tell("retry_after", "such an answer is not retried")
    elif waits[0] >= asked_s - 0.1:
        found.retry_after = "honoured"
    elif waits[0] <= found.backoffs[0].high_s + RESOLUTION_S:
        found.retry_after = "ignored"
    else:
        found.retry_after = "honoured"
        found.saw(f"of {asked_s} s that a `Retry-After` asked it waited {waits[0]:.3g} s")
