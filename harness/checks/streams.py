"""What each stream was answered, and how fast, in figures that two runs can be compared by.

A percentile of a run is known only so well: another night draws other requests from the same
behaviour, and the machine made some of them late. So each percentile comes with the bounds in
which the behaviour's own lies, without any assumption about its distribution: the order statistics
around it, the lower one taken from latencies as they were without the measured waits.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from harness.checks.case import Case
from harness.history.requests import Request
from harness.verdict import Percentile, Stream

PERCENTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
_SURE = 2.576
"""Standard deviations to either side that hold 99 of 100 draws."""
NO_ANSWER = "none"


def streams(case: Case) -> dict[str, Stream]:
    """Each stream's answers by status, and its latencies, warm-up left out."""
    found = {}
    for name in case.scenario.traffic:
        requests = case.history.stream(name)
        statuses = Counter(
            NO_ANSWER if request.status is None else str(request.status) for request in requests
        )
        found[name] = Stream(
            requests=len(requests),
            answers=dict(sorted(statuses.items())),
            latency_ms=_latencies(requests, case),
        )
    return found


def _latencies(requests: Sequence[Request], case: Case) -> dict[str, Percentile]:
    if not requests:
        return {}
    taken = [_latency_s(request, case) for request in requests]
    least = sorted(
        max(0.0, latency_s - case.noise.late_s(request.planned_s, request.planned_s + latency_s))
        for request, latency_s in zip(requests, taken, strict=True)
    )
    most = sorted(taken)
    return {name: _percentile(share, least, most) for name, share in PERCENTILES.items()}


def _latency_s(request: Request, case: Case) -> float:
    """Of one that was never answered: as long as it had waited when the run ended."""
    if math.isfinite(request.latency_s):
        return max(0.0, request.latency_s)
    return max(0.0, case.history.end_s - request.planned_s)


def _percentile(share: float, least: Sequence[float], most: Sequence[float]) -> Percentile:
    """By nearest rank; the bounds are ranks that the behaviour's own is sure to lie between."""
    count = len(most)
    spread = _SURE * math.sqrt(count * share * (1 - share))
    rank = math.ceil(count * share)
    low, high = math.floor(count * share - spread), math.ceil(count * share + spread) + 1
    return Percentile(
        ms=most[rank - 1] * 1000,
        low_ms=least[low - 1] * 1000 if low >= 1 else 0.0,
        high_ms=most[high - 1] * 1000 if high <= count else None,
    )
