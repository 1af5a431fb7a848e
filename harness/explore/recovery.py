"""The invariant of recovery: soon after the last lift everybody is served as if nothing had been.

After the last lift an attempt from before it may fail until T has passed; the breaker which that
trips probes W later, with the first request that comes then.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from harness.explore.evidence import Evidence
from harness.explore.phrasing import stream_request, window
from harness.explore.surface import Offered
from harness.explore.violation import RawExpectation, Violation
from harness.history.view import Request

_EITHER_S = 0.25


def back_to_normal(evidence: Evidence) -> Iterator[Violation]:
    """All is well from T + W + one request interval + 0.25 s after the last lift on."""
    if not evidence.scenario.faults:
        return
    waits = [
        own.timeout_s + own.wait_s
        for name in evidence.faulted
        if name in evidence.surface.settings and (own := evidence.settings(name))
    ]
    well_s = evidence.scenario.last_lift_s + max(waits, default=0.0) + _EITHER_S + evidence.tie_s
    turned_away: Counter[str] = Counter()
    for request in evidence.requests:
        if request.sent.at_s <= well_s or request.answered is None:
            continue
        offered = evidence.offered(request)
        assert offered is not None
        wrong = _unwell(request, offered)
        if wrong is None:
            continue
        stream = request.sent.stream
        turned_away[stream] += 1
        excused = len(evidence.faulted)
        if not evidence.alone(request, 0.3) and turned_away[stream] <= _in_bursts(
            evidence, request, excused
        ):
            continue  # another request may have been the probe
        about = _slowest(evidence, offered)
        last_s = evidence.scenario.last_lift_s
        yield Violation(
            invariant="back to normal",
            about=about,
            claims=("B4",),
            at_s=request.sent.at_s,
            says=f"{stream_request(request)} {wrong}, {request.sent.at_s - last_s:.0f} s "
            "after the last fault was lifted",
            request=request.sent.id,
            expectations=tuple(_expectations(request, offered)),
        )
        return


def _in_bursts(evidence: Evidence, request: Request, instants: int) -> int:
    """How many requests of a stream may lose to probes: those of so many instants."""
    own = Counter(
        round(r.sent.planned_s, 2)
        for r in evidence.requests
        if r.sent.stream == request.sent.stream
    )
    return max(own.values(), default=1) * instants


def _unwell(request: Request, offered: Offered) -> str | None:
    if request.status == 429:
        return None
    if request.status != offered.route.healthy:
        return f"was answered {request.status}"
    if offered.says_charged and request.field("charged") is not True:
        return "was not charged"
    if offered.says_degraded and request.field("degraded") is not False:
        return "was degraded"
    return None


def _slowest(evidence: Evidence, offered: Offered) -> str:
    hit = [name for name in offered.upstreams if name in evidence.faulted]
    return hit[-1] if hit else offered.route.name


def _expectations(request: Request, offered: Offered) -> Iterator[RawExpectation]:
    stream = request.sent.stream
    when = window(request.planned_s - 0.1, request.planned_s + 0.2)
    common = {
        "traffic": stream,
        "during": when,
        "claims": ["B4"],
        "because": "everything has long been well again",
    }
    yield {**common, "status": offered.route.healthy}
    if offered.says_charged:
        yield {**common, "json": {"charged": True}}
    if offered.says_degraded:
        yield {**common, "json": {"degraded": False}}
